"""Africa's Talking's adapters and its simulator, written from one description, meet over HTTP."""

import pytest
from starlette.responses import Response

from channels.africastalking.messages import parse_delivery_report, parse_sms
from channels.africastalking.sms import AfricasTalkingSms
from channels.africastalking.ussd import parse_event, parse_hop
from channels.ussd import marked
from core.ports.calls import Reply
from core.ports.messages import Delivery, SmsOut
from core.ports.providers import ProviderError
from tests.channels.simulator.rig import PHONE, Simulator

READ_SECONDS = 1.0


def sender(simulator: Simulator, api_key: str | None = None) -> AfricasTalkingSms:
    config = simulator.config
    return AfricasTalkingSms(
        config.username,
        api_key or config.api_key,
        f"{simulator.base}/africastalking",
        config.sender_id,
        read_seconds=READ_SECONDS,
    )


def test_a_message_goes_out_and_its_delivery_comes_back(simulator: Simulator) -> None:
    sms = sender(simulator)
    sent = sms.send(SmsOut(PHONE, "Booking K7P4Q is confirmed."))
    sms.close()

    heard = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/delivery-reports", 2)
    reports = [parse_delivery_report(one.body) for one in heard]

    assert {report.message_id for report in reports} == {sent.message_id}
    assert Delivery.DELIVERED in {report.delivery for report in reports}
    assert Delivery.UNCONFIRMED not in {report.delivery for report in reports}


def test_a_wrong_key_stops_messages(simulator: Simulator) -> None:
    sms = sender(simulator, "another-key")
    with pytest.raises(ProviderError, match="bad_credentials") as refused:
        sms.send(SmsOut(PHONE, "Hello"))
    sms.close()

    assert refused.value.stop


def test_a_person_writes_dials_and_hangs_up(simulator: Simulator) -> None:
    simulator.control("/sms", {"from": PHONE, "text": "K7P4Q 1"})
    (heard,) = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/sms")
    message = parse_sms(heard.body)
    assert (message.sender, message.text) == (PHONE, "K7P4Q 1")

    screen = marked(Reply("Karibu Nafasi\n1. Find", final=False)).body
    simulator.ours.says("/ussd", *[Response(screen, media_type="text/plain") for _ in range(2)])
    shown = simulator.control("/dial", {"phone": PHONE, "code": simulator.config.ussd_code})
    assert (shown["text"], shown["final"]) == ("Karibu Nafasi\n1. Find", False)
    simulator.control("/answer", {"phone": PHONE, "input": "Café 2"})
    first, second = (
        parse_hop(one.body)
        for one in simulator.ours.wait("/hooks/africastalking/0f1e2d3c/ussd", 2)
    )
    assert (first.msisdn, first.transcript, second.transcript) == (PHONE, "", "Café 2")
    assert first.session_id == second.session_id

    simulator.control("/hangup", {"phone": PHONE})
    (ended,) = simulator.ours.wait("/hooks/africastalking/0f1e2d3c/ussd-events")
    end = parse_event(ended.body)
    assert (end.session_id, end.hops) == (first.session_id, 2)
