"""Whom we work with: money providers, the preferred one first, and USSD gateways.

A new one is a folder and a line here.
"""

from collections.abc import Callable, Mapping

from channels.africastalking import ussd as africastalking
from channels.airtel import ussd as airtel
from channels.daraja.provider import DARAJA
from channels.flutterwave.provider import FLUTTERWAVE
from channels.health import SharedHealth, health_store
from channels.hubtel import ussd as hubtel
from channels.money import MoneyProvider
from channels.safaricom import ussd as safaricom
from channels.ussd import UssdGateway
from core.ports import Routes
from core.settings import BadSettings, Settings

PROVIDERS: tuple[MoneyProvider, ...] = (DARAJA, FLUTTERWAVE)
GATEWAYS: Mapping[str, Callable[[Settings], UssdGateway]] = {
    each.PROVIDER: each.gateway for each in (africastalking, hubtel, safaricom, airtel)
}


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


def enabled_gateways(settings: Settings) -> tuple[UssdGateway, ...]:
    """Return the USSD gateways that these settings want.

    Raises:
        BadSettings: one of them is not known.
    """
    names = [name.strip() for name in settings.ussd_gateways.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(GATEWAYS)):
        raise BadSettings(problems=[f"NAFASI_USSD_GATEWAYS does not know {', '.join(unknown)}"])
    return tuple(GATEWAYS[name](settings) for name in names)
