"""Registering invoices with KRA: one request each, safe to send again under the same number."""

from typing import Any

import httpx

from channels.etims.wire import (
    INITIALISE,
    PROVIDER,
    SAVE_ITEM,
    SAVE_SALE,
    EtimsConfig,
    data_of,
    item,
    registered,
    sale,
)
from channels.http import Breaker, exchange, new_client
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxItem, TaxRegistered
from core.settings import Settings


class EtimsRegistrar:
    """The core's ``TaxRegistrar``.

    ``register`` posts a sale and reads ``curRcptNo``, ``rcptSign`` and ``intrlData``. Result 994
    says that the number is registered already; what proves it was in the answer that got lost.

    Args:
        config: of our unit.
        http: another client, for tests.
        breaker: another one, for tests.
    """

    name = PROVIDER

    def __init__(
        self,
        config: EtimsConfig,
        *,
        http: httpx.Client | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._config = config
        self._http = http or new_client(config.base_url)
        self._breaker = breaker or Breaker()

    def register(self, document: TaxDocument) -> TaxRegistered:
        """Have a document registered; see ``core.ports.tax.TaxRegistrar``."""
        body = sale(document, self._config.item_class)
        return registered(self._breaker.run(lambda: self._post(SAVE_SALE, body)))

    def initialise(self, serial: str) -> str:
        """Ask for the key of a new unit, by the serial number that KRA knows it by.

        Raises:
            ProviderError: ``misconfigured`` when it was asked for before (902), or is unknown.
        """
        config = self._config
        body = {"tin": config.pin, "bhfId": config.branch, "dvcSrlNo": serial}
        data = self._post(INITIALISE, body) or {}
        info = data.get("info")
        key = info.get("cmcKey") if isinstance(info, dict) else data.get("cmcKey")
        if not isinstance(key, str) or not key:
            raise ProviderError("bad_answer", detail="no cmcKey")
        return key

    def save_items(self) -> None:
        """Make what we sell known; again changes nothing."""
        for kind in TaxItem:
            self._post(SAVE_ITEM, item(kind, self._config.item_class))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        return data_of(exchange(self._http, "POST", path, headers=self._config.headers, body=body))


def etims_config(settings: Settings) -> EtimsConfig:
    """Return what the adapter is told."""
    return EtimsConfig(
        base_url=settings.etims_base_url,
        pin=settings.company_pin,
        branch=settings.etims_branch,
        key=settings.etims_cmc_key.get_secret_value(),
        item_class=settings.etims_item_class,
    )


def open_registrar(settings: Settings) -> EtimsRegistrar | None:
    """Return who tells the tax authority, None where the settings want nobody."""
    return EtimsRegistrar(etims_config(settings)) if settings.etims_enabled else None
