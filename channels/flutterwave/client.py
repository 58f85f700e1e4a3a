"""One authorised request to Flutterwave, with everything that may go wrong put into our errors."""

from collections.abc import Mapping
from typing import Any

import httpx

from channels.flutterwave.answers import data_of
from channels.flutterwave.config import FlutterwaveConfig
from channels.http import Breaker, Pace, exchange, new_client
from core.ports.providers import ProviderError


class FlutterwaveClient:
    """What the gateways share: connections, key, breaker, pace.

    Args:
        config: of the account.
        http: another client, for tests.
        breaker: another breaker, for tests.
    """

    def __init__(
        self,
        config: FlutterwaveConfig,
        *,
        http: httpx.Client | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.config = config
        self.charges = Pace(config.charges_per_second)
        self.transfers = Pace(config.transfers_per_second)
        self._questions = Pace(config.questions_per_second)
        self._http = http or new_client(config.base_url)
        self._breaker = breaker or Breaker()
        self._headers = {"Authorization": f"Bearer {config.secret_key}"}

    def send(
        self,
        path: str,
        body: Mapping[str, Any],
        pace: Pace,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Post something that must not happen twice; return ``data`` of the answer.

        Raises:
            ProviderError: by ``answers``; unknown when it may have been done.
        """
        pace.take()
        return self._breaker.run(lambda: self._call("POST", path, body, query))

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Ask something; return ``data`` of the answer.

        Raises:
            ProviderError: by ``answers``, never unknown: a question changes nothing.
        """
        self._questions.take()
        try:
            return self._breaker.run(lambda: self._call("GET", path, None, query))
        except ProviderError as error:
            if not error.unknown:
                raise
            raise ProviderError(error.code, retryable=True, detail=error.data["detail"]) from error

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
    ) -> Any:
        return data_of(
            exchange(self._http, method, path, headers=self._headers, body=body, query=query)
        )
