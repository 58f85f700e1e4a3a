"""Daraja as one of the money providers: from settings to adapters."""

import redis

from channels.daraja.b2c import DarajaPayouts
from channels.daraja.client import DarajaClient
from channels.daraja.config import DarajaConfig
from channels.daraja.reversal import DarajaReversals
from channels.daraja.statement import read_statement
from channels.daraja.stk import DarajaCollections
from channels.daraja.wire import PROVIDER
from channels.money import Gateways, MoneyProvider
from core.clock import Clock
from core.payments.model import Direction
from core.reconcile.places import Accounts
from core.settings import Settings


def daraja_config(settings: Settings) -> DarajaConfig:
    """Return what the Daraja adapters are told."""
    return DarajaConfig(
        base_url=settings.daraja_base_url,
        consumer_key=settings.daraja_consumer_key.get_secret_value(),
        consumer_secret=settings.daraja_consumer_secret.get_secret_value(),
        shortcode=settings.daraja_shortcode,
        passkey=settings.daraja_passkey.get_secret_value(),
        b2c_shortcode=settings.daraja_b2c_shortcode,
        initiator_name=settings.daraja_initiator_name,
        initiator_password=settings.daraja_initiator_password.get_secret_value(),
        certificate=settings.daraja_certificate,
        public_url=settings.public_url,
        callback_secret=settings.callback_secret.get_secret_value(),
    )


def open_gateways(settings: Settings, store: redis.Redis, clock: Clock) -> Gateways:
    """Return the adapters of the settings' Daraja application."""
    client = DarajaClient(daraja_config(settings), store)
    return Gateways(
        DarajaCollections(client, clock),
        DarajaPayouts(client),
        client.close,
        takings_back=DarajaReversals(client),
    )


def accounts(settings: Settings) -> Accounts:
    """Return our shortcodes: one for both ways, or one for each."""
    paybill, payouts = settings.daraja_shortcode, settings.daraja_b2c_shortcode
    if paybill == payouts:
        return {paybill: frozenset(Direction)}
    return {paybill: frozenset({Direction.IN}), payouts: frozenset({Direction.OUT})}


# Its callbacks have addresses that name the attempt: web.hooks and workers.inbox list them.
DARAJA = MoneyProvider(
    name=PROVIDER,
    called="M-Pesa",
    enabled=lambda _settings: True,
    open=open_gateways,
    accounts=accounts,
    statements=(read_statement,),
    takes_back=True,
)
