"""The money providers we work with, the preferred one first. A new one is a line here."""

from channels.daraja.provider import DARAJA
from channels.flutterwave.provider import FLUTTERWAVE
from channels.health import SharedHealth, health_store
from channels.money import MoneyProvider
from core.ports import Routes
from core.settings import Settings

PROVIDERS: tuple[MoneyProvider, ...] = (DARAJA, FLUTTERWAVE)


def enabled_providers(settings: Settings) -> tuple[MoneyProvider, ...]:
    """Return the providers that these settings want."""
    return tuple(provider for provider in PROVIDERS if provider.enabled(settings))


def build_health(settings: Settings) -> SharedHealth:
    """Return what this process knows of how the providers are."""
    names = [provider.name for provider in enabled_providers(settings)]
    return SharedHealth(health_store(settings.redis_url), names)


def build_routes(settings: Settings, health: SharedHealth) -> Routes:
    """Return who moves money in which order."""
    providers = enabled_providers(settings)
    names = tuple(provider.name for provider in providers)
    banks = tuple(provider.name for provider in providers if provider.to_banks)
    return Routes(collection=names, payout=names, bank=banks, health=health)
