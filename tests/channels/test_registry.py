"""Whoever moves money is listed in one place, and everything else follows from the list."""

from pathlib import Path

import pytest
import redis

import channels
from channels.health import SharedHealth
from channels.money import MoneyProvider
from channels.registry import (
    PROVIDERS,
    build_health,
    build_routes,
    enabled_gateways,
    enabled_providers,
)
from core.clock import SystemClock
from core.settings import BadSettings, Environment, Settings

FOLDERS = Path(channels.__path__[0])
# Enough for production, as everybody who reads the repository knows: only for tests.
GOOD = {
    "env": Environment.PRODUCTION,
    "database_url": "postgresql+psycopg://nafasi@db.nafasi.test/nafasi",
    "redis_url": "redis://redis.nafasi.test/0",
    "public_url": "https://nafasi.test",
    "callback_secret": "c" * 32,
    "secret_key": "s" * 32,
    "vault_keys": "bmFmYXNpLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZyE=",
    "africastalking_api_key": "a" * 32,
    "daraja_consumer_key": "k" * 32,
    "daraja_consumer_secret": "s" * 32,
    "daraja_passkey": "p" * 32,
    "daraja_initiator_password": "i" * 32,
    "daraja_certificate": "PEM",
    "daraja_callback_ips": "any",
    "journal_folder": "/var/lib/nafasi/journal",
}
FLUTTERWAVE = {
    "flutterwave_enabled": True,
    "flutterwave_secret_key": "f" * 32,
    "flutterwave_secret_hash": "h" * 32,
    "flutterwave_email_domain": "guest.nafasi.test",
}


def test_every_folder_that_offers_to_move_money_is_listed() -> None:
    offered = {path.parent.name for path in FOLDERS.glob("*/provider.py")}
    assert [provider.name for provider in PROVIDERS] == ["daraja", "flutterwave"]
    assert offered == {provider.name for provider in PROVIDERS}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_listed_provider_opens_under_its_own_name(
    redis_url: str, provider: MoneyProvider
) -> None:
    with redis.Redis.from_url(redis_url) as store:
        opened = provider.open(Settings(env=Environment.TEST), store, SystemClock())
    assert opened.collections.name == opened.payouts.name == provider.name
    opened.close()


def test_the_way_follows_from_the_settings(redis_url: str) -> None:
    alone = Settings(env=Environment.TEST, redis_url=redis_url)
    both = alone.model_copy(update={"flutterwave_enabled": True})
    health = build_health(both)
    assert isinstance(health, SharedHealth)

    routes = build_routes(both, health)
    assert routes.collection == routes.payout == ("daraja", "flutterwave")
    assert routes.bank == ("flutterwave",)
    assert [provider.name for provider in enabled_providers(alone)] == ["daraja"]
    assert build_routes(alone, health).bank == ()
    health.close()


def test_production_starts_without_flutterwave_or_with_all_of_it() -> None:
    assert not Settings(**GOOD).flutterwave_enabled
    assert Settings(**GOOD, **FLUTTERWAVE).flutterwave_enabled


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"flutterwave_secret_key": "local-only"}, "SECRET_KEY is left at its local default"),
        ({"flutterwave_secret_hash": "local-only"}, "SECRET_HASH is left at its local default"),
        ({"flutterwave_secret_hash": "short"}, "SECRET_HASH has fewer than 24 characters"),
        ({"flutterwave_email_domain": "guest.example"}, "EMAIL_DOMAIN is left at its local"),
        ({"flutterwave_base_url": "http://127.0.0.1:8001"}, "BASE_URL is not https"),
    ],
)
def test_production_refuses_half_of_it(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings(**GOOD, **FLUTTERWAVE | changes)
    [only] = refused.value.data["problems"]
    assert only.startswith(f"NAFASI_FLUTTERWAVE_{problem}")


ETIMS = {
    "etims_enabled": True,
    "etims_cmc_key": "k" * 32,
    "company_pin": "P051234567Q",
}


def test_production_starts_without_etims_or_with_all_of_it() -> None:
    assert not Settings(**GOOD).etims_enabled
    assert Settings(**GOOD, **ETIMS).etims_enabled


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"etims_cmc_key": "local-only"}, "ETIMS_CMC_KEY is left at its local default"),
        ({"etims_base_url": "http://127.0.0.1:8001"}, "ETIMS_BASE_URL is not https"),
        ({"company_pin": ""}, "COMPANY_PIN is no KRA PIN"),
        ({"company_pin": "P05123456Q"}, "COMPANY_PIN is no KRA PIN"),
    ],
)
def test_production_refuses_half_of_etims(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings(**GOOD, **ETIMS | changes)
    assert refused.value.data["problems"] == [f"NAFASI_{problem}"]


def test_calls_come_in_by_the_gateways_that_were_named() -> None:
    named = [
        gateway.name for gateway in enabled_gateways(Settings(ussd_gateways="airtel, hubtel"))
    ]
    assert named == ["airtel", "hubtel"]
    assert [gateway.name for gateway in enabled_gateways(Settings())] == ["africastalking"]
    with pytest.raises(BadSettings) as refused:
        enabled_gateways(Settings(ussd_gateways="airtell"))
    assert refused.value.data["problems"] == ["NAFASI_USSD_GATEWAYS does not know airtell"]
