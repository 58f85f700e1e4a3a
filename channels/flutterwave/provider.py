"""Flutterwave as one of the money providers: from settings to adapters and webhooks."""

import redis

from channels.flutterwave import statement, transfer_export
from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.charges import FlutterwaveCollections
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.config import FlutterwaveConfig
from channels.flutterwave.transfers import FlutterwavePayouts
from channels.flutterwave.webhooks import (
    CHARGE,
    OTHER,
    TRANSFER,
    accept,
    charge_hint,
    no_hint,
    transfer_hint,
)
from channels.flutterwave.wire import PROVIDER
from channels.money import Gateways, MoneyProvider
from core.clock import Clock
from core.payments.model import Direction
from core.settings import Settings

WEBHOOK = "webhook"


def flutterwave_config(settings: Settings) -> FlutterwaveConfig:
    """Return what the Flutterwave adapters are told."""
    secret = settings.callback_secret.get_secret_value()
    base = settings.public_url.rstrip("/")
    return FlutterwaveConfig(
        base_url=settings.flutterwave_base_url,
        secret_key=settings.flutterwave_secret_key.get_secret_value(),
        email_domain=settings.flutterwave_email_domain,
        webhook_url=f"{base}/hooks/{PROVIDER}/{secret}/{WEBHOOK}",
        pages_url=f"{base}/pay",
    )


def open_gateways(settings: Settings, _store: redis.Redis, _clock: Clock) -> Gateways:
    """Return the adapters of the settings' Flutterwave account."""
    client = FlutterwaveClient(flutterwave_config(settings))
    return Gateways(
        FlutterwaveCollections(client),
        FlutterwavePayouts(client),
        client.close,
        cards=FlutterwaveCards(client),
    )


# One wallet; what came in and what went out are exports of their own.
ACCOUNTS = {
    statement.ACCOUNT: frozenset({Direction.IN}),
    transfer_export.ACCOUNT: frozenset({Direction.OUT}),
}
FLUTTERWAVE = MoneyProvider(
    name=PROVIDER,
    called="Flutterwave",
    enabled=lambda settings: settings.flutterwave_enabled,
    open=open_gateways,
    accounts=lambda _settings: ACCOUNTS,
    statements=(statement.read_statement, transfer_export.read_statement),
    to_banks=True,
    from_cards=True,
    webhooks={WEBHOOK: accept},
    hints={CHARGE: charge_hint, TRANSFER: transfer_hint, OTHER: no_hint},
)
