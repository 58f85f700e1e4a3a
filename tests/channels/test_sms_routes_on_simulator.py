"""The second SMS routes and their simulators, written from one description, meet over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from channels.kannel import messages as kannel_messages
from channels.kannel.sms import KannelSms
from channels.money import Forged
from channels.registry import SMS_ROUTES
from channels.sms import SmsCall, SmsRoute
from channels.twilio import messages as twilio_messages
from channels.twilio.sms import TwilioSms
from core.ports.messages import Delivery, DeliveryReport, SmsIn, SmsOut
from core.ports.providers import ProviderError
from core.settings import Settings
from tests.channels.flutterwave.rig import flags
from tests.channels.simulator.rig import PHONE, SECRET, Heard, Ours, Simulator

TEXT = "Booking K7P4Q is confirmed."


@pytest.fixture
def settings(simulator: Simulator) -> Settings:
    config = simulator.config
    return Settings(
        env="test",
        public_url=simulator.ours.base,
        callback_secret=SecretStr(SECRET),
        twilio_base_url=f"{simulator.base}/twilio",
        twilio_account_sid=config.twilio_sid,
        twilio_auth_token=SecretStr(config.twilio_token),
        kannel_base_url=f"{simulator.base}/kannel",
        kannel_username=config.kannel_username,
        kannel_password=SecretStr(config.kannel_password),
    )


@pytest.fixture(params=["twilio", "kannel"])
def route(request: pytest.FixtureRequest) -> SmsRoute:
    return SMS_ROUTES[request.param]


@pytest.fixture
def sender(route: SmsRoute, settings: Settings) -> Iterator[TwilioSms | KannelSms]:
    opened: Any = route.open(settings)
    yield opened
    opened.close()


def call_of(heard: Heard, ours: Ours) -> SmsCall:
    """A callback as the web hands it on."""
    address = f"{ours.base}{heard.path}" + (f"?{heard.query}" if heard.query else "")
    headers = {name.lower(): value for name, value in heard.headers.items()}
    return SmsCall(address, heard.query.encode(), headers, heard.body)


def told(
    simulator: Simulator, route: SmsRoute, settings: Settings, kind: str, count: int
) -> list[SmsIn | DeliveryReport]:
    """What our side makes of so many callbacks, as the web and the worker do."""
    found = []
    for heard in simulator.ours.wait(f"/{kind}", count):
        callback = route.accepts[kind](settings, call_of(heard, simulator.ours))
        found.append(route.reads[callback.kind](callback.payload))
    return found


def test_a_message_goes_out_and_is_reported(
    simulator: Simulator, route: SmsRoute, settings: Settings, sender: TwilioSms | KannelSms
) -> None:
    sent = sender.send(SmsOut(PHONE, TEXT, "n-1"))

    (kept,) = simulator.control(f"/sms?phone={PHONE.replace('+', '%2B')}")["sms"]
    assert (kept["text"], kept["from"]) == (TEXT, "NAFASI")
    reports = told(simulator, route, settings, "delivery-reports", 2)
    assert [(each.message_id, each.delivery) for each in reports] == [  # type: ignore[union-attr]
        (sent.message_id, Delivery.SUBMITTED),
        (sent.message_id, Delivery.DELIVERED),
    ]


def test_a_phone_that_is_off_is_reported_so(
    simulator: Simulator, route: SmsRoute, settings: Settings, sender: TwilioSms | KannelSms
) -> None:
    simulator.control("/phones", {"phone": PHONE, "reachable": False})
    sender.send(SmsOut(PHONE, TEXT, "n-1"))
    *_, last = told(simulator, route, settings, "delivery-reports", 2)
    assert isinstance(last, DeliveryReport)
    assert last.delivery is Delivery.FAILED


def test_a_status_that_nobody_knows_is_kept(
    simulator: Simulator, route: SmsRoute, settings: Settings, sender: TwilioSms | KannelSms
) -> None:
    simulator.fault(route.name, "report:64" if route.name == "kannel" else "report:pondering")
    sender.send(SmsOut(PHONE, TEXT, "n-1"))
    *_, last = told(simulator, route, settings, "delivery-reports", 2)
    assert isinstance(last, DeliveryReport)
    assert last.delivery is Delivery.UNCONFIRMED


def test_a_message_of_a_person_comes_over_their_route(
    simulator: Simulator, route: SmsRoute, settings: Settings
) -> None:
    simulator.control("/phones", {"phone": PHONE, "sms_route": route.name})
    long = "PROBLEM K7P4Q the tent & the chairs never came, 100% true? " * 4
    simulator.control("/sms", {"from": PHONE, "text": long})

    (heard,) = told(simulator, route, settings, "sms", 1)

    assert isinstance(heard, SmsIn)
    assert (heard.provider, heard.sender, heard.text) == (route.name, PHONE, long)


@pytest.mark.parametrize(
    ("fault", "code", "marks"),
    [
        ("error500", "unavailable", {"unknown"}),
        ("timeout_before", "unavailable", {"unknown"}),
        ("invalid_token", "bad_credentials", {"retryable", "stop"}),
    ],
)
def test_what_goes_wrong_is_told_in_our_words(
    simulator: Simulator,
    route: SmsRoute,
    sender: TwilioSms | KannelSms,
    fault: str,
    code: str,
    marks: set[str],
) -> None:
    simulator.fault(route.name, fault, seconds=0)
    with pytest.raises(ProviderError) as wrong:
        sender.send(SmsOut(PHONE, TEXT, "n-1"))
    assert (wrong.value.code, flags(wrong.value)) == (code, marks)


def test_a_wrong_password_is_refused(
    simulator: Simulator, route: SmsRoute, settings: Settings
) -> None:
    wrong = SecretStr("another")
    changed = settings.model_copy(update={"twilio_auth_token": wrong, "kannel_password": wrong})
    sender: Any = route.open(changed)
    with pytest.raises(ProviderError, match="bad_credentials"):
        sender.send(SmsOut(PHONE, TEXT, "n-1"))
    sender.close()


def test_a_number_that_is_none_is_refused(sender: TwilioSms | KannelSms) -> None:
    with pytest.raises(ProviderError, match="bad_number"):
        sender.send(SmsOut("12", TEXT, "n-1"))


def test_twilios_signature_is_over_what_was_sent(simulator: Simulator, settings: Settings) -> None:
    simulator.control("/phones", {"phone": PHONE, "sms_route": "twilio"})
    simulator.control("/sms", {"from": PHONE, "text": "STATUS"})
    (heard,) = simulator.ours.wait("/sms")
    call = call_of(heard, simulator.ours)
    forged = SmsCall(call.url, call.query, call.headers, call.body.replace(b"STATUS", b"ACCEPT"))
    assert twilio_messages.accept_sms(settings, call).payload["Body"] == "STATUS"
    with pytest.raises(Forged):
        twilio_messages.accept_sms(settings, forged)


def test_kannels_report_carries_our_own_name_of_the_message(
    simulator: Simulator, settings: Settings
) -> None:
    sender: Any = SMS_ROUTES["kannel"].open(settings)
    sender.send(SmsOut(PHONE, TEXT, "n-77"))
    first, _second = simulator.ours.wait("/delivery-reports", 2)
    callback = kannel_messages.accept_report(settings, call_of(first, simulator.ours))
    assert callback.reference == "n-77"
    sender.close()
