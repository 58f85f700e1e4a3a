"""Whom we work with: money providers, the preferred one first, USSD gateways and SMS routes.

A new one is a folder and a line here.
"""

from collections.abc import Callable, Collection, Mapping

from channels.africastalking import ussd as africastalking
from channels.africastalking.route import AFRICASTALKING
from channels.airtel import ussd as airtel
from channels.daraja.provider import DARAJA
from channels.flutterwave.provider import FLUTTERWAVE
from channels.health import SharedHealth, health_store
from channels.hubtel import ussd as hubtel
from channels.kannel.route import KANNEL
from channels.money import MoneyProvider
from channels.safaricom import ussd as safaricom
from channels.sms import SmsRoute
from channels.twilio.route import TWILIO
from channels.ussd import UssdGateway
from core.ports.providers import Routes
from core.reconcile.places import Accounts
from core.settings import BadSettings, Settings

PROVIDERS: tuple[MoneyProvider, ...] = (DARAJA, FLUTTERWAVE)
GATEWAYS: Mapping[str, Callable[[Settings], UssdGateway]] = {
    each.PROVIDER: each.gateway for each in (africastalking, hubtel, safaricom, airtel)
}
SMS_ROUTES: Mapping[str, SmsRoute] = {each.name: each for each in (AFRICASTALKING, TWILIO, KANNEL)}


def enabled_providers(settings: Settings) -> tuple[MoneyProvider, ...]:
    """Return the providers that these settings want."""
    return tuple(provider for provider in PROVIDERS if provider.enabled(settings))


def accounts_of(settings: Settings) -> Mapping[str, Accounts]:
    """Return our accounts by provider, also of those that are not used any more."""
    return {provider.name: provider.accounts(settings) for provider in PROVIDERS}


def build_health(settings: Settings) -> SharedHealth:
    """Return what this process knows of how the providers of money and messages are."""
    names = [provider.name for provider in enabled_providers(settings)]
    names += [route.name for route in enabled_sms_routes(settings)]
    return SharedHealth(health_store(settings.redis_url), names)


def build_routes(settings: Settings, health: SharedHealth) -> Routes:
    """Return who moves money in which order.

    Raises:
        BadSettings: somebody is to take payments back who cannot.
    """
    providers = enabled_providers(settings)
    names = tuple(provider.name for provider in providers)
    banks = tuple(provider.name for provider in providers if provider.to_banks)
    cards = tuple(provider.name for provider in providers if provider.from_cards)
    able = [provider.name for provider in providers if provider.takes_back]
    named = _named("TAKE_BACK", settings.take_back, able) if settings.take_back else ()
    return Routes(
        collection=names,
        payout=names,
        bank=banks,
        health=health,
        card=cards,
        taking_back=tuple(named),
    )


def enabled_gateways(settings: Settings) -> tuple[UssdGateway, ...]:
    """Return the USSD gateways that these settings want; raises BadSettings."""
    names = _named("USSD_GATEWAYS", settings.ussd_gateways, GATEWAYS)
    return tuple(GATEWAYS[name](settings) for name in names)


def enabled_sms_routes(settings: Settings) -> tuple[SmsRoute, ...]:
    """Return the SMS routes that these settings want, the preferred one first.

    Raises:
        BadSettings: one of them is not known.
    """
    names = _named("SMS_ROUTES", settings.sms_routes, SMS_ROUTES)
    return tuple(SMS_ROUTES[name] for name in names)


def _named(setting: str, value: str, known: Collection[str]) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    problems = [f"NAFASI_{setting} does not know {name}" for name in names if name not in known]
    if not names:
        problems = [f"NAFASI_{setting} names nobody"]
    if problems:
        raise BadSettings(problems=problems)
    return names
