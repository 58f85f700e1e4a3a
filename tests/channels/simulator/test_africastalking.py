"""Africa's Talking: what its endpoints answer, and what it tells us later."""

import httpx
import pytest
from africastalking.SMS import SMSService
from starlette.responses import Response

from tests.channels.simulator.conftest import Start
from tests.channels.simulator.rig import PHONE, Simulator
from tests.support.serving import eventually

OTHER = "+254700000002"


def recipients(answer: httpx.Response) -> list[dict[str, object]]:
    return list(answer.json()["SMSMessageData"]["Recipients"])


def statuses(simulator: Simulator, count: int) -> list[str]:
    reports = simulator.ours.wait("/delivery-reports", count)
    return [heard.form["status"] for heard in reports]


def test_a_message_is_created_with_the_bare_content_type(simulator: Simulator) -> None:
    answer = simulator.sms()

    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    data = answer.json()["SMSMessageData"]
    assert data["Message"] == "Sent to 1/1 Total Cost: USD 0.0062 Message parts: 1"
    (row,) = data["Recipients"]
    assert row["statusCode"] == 101
    assert row["number"] == PHONE
    assert row["status"] == "Success"
    assert row["cost"] == "KES 0.8000"
    assert row["messageId"].startswith("ATXid_")


def test_the_official_client_reads_it(simulator: Simulator) -> None:
    service = SMSService(simulator.config.username, simulator.config.api_key)
    service._baseUrl = f"{simulator.base}/africastalking/version1"

    answer = service.send("Hello", [PHONE], sender_id="NAFASI")

    assert answer["SMSMessageData"]["Recipients"][0]["statusCode"] == 101


@pytest.mark.parametrize("wrong", [{"username": "stranger"}, {}])
def test_wrong_credentials_are_refused_in_plain_text(
    simulator: Simulator, wrong: dict[str, str]
) -> None:
    answer = simulator.http.post(
        f"{simulator.base}/africastalking/version1/messaging",
        data={"username": simulator.config.username, "to": PHONE, "message": "x"} | wrong,
        headers={"apiKey": simulator.config.api_key if wrong else "wrong"},
    )

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["www-authenticate"] == "Basic"
    assert answer.text == "The supplied authentication is invalid"


def test_an_unapproved_sender_fails_with_a_success_status(simulator: Simulator) -> None:
    answer = simulator.sms(**{"from": "STRANGER"})

    assert answer.status_code == 201
    assert answer.json() == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}


def test_every_recipient_has_its_own_status(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": OTHER, "opted_out": True})

    answer = simulator.sms(to=f"{PHONE},{OTHER},12", enqueue="1")

    assert answer.json()["SMSMessageData"]["Message"].startswith("Sent to 1/3 Total Cost: ")
    sent, refused, senseless = recipients(answer)
    assert (sent["statusCode"], sent["status"]) == (102, "Success")
    assert refused == {
        "statusCode": 406,
        "number": OTHER,
        "status": "UserInBlacklist",
        "cost": "0",
        "messageId": "None",
    }
    assert senseless["statusCode"] == 403


def test_the_account_pays_and_runs_out(start: Start) -> None:
    simulator = start(africastalking_balance_cents=100)
    user = f"{simulator.base}/africastalking/version1/user"
    key = {"apiKey": simulator.config.api_key}

    first, second = simulator.sms(), simulator.sms()

    assert recipients(first)[0]["statusCode"] == 101
    assert recipients(second)[0]["statusCode"] == 405
    assert second.json()["SMSMessageData"]["Message"].startswith("Sent to 0/1 Total Cost: 0 ")
    answer = simulator.http.get(user, params={"username": "nafasi"}, headers=key)
    assert answer.json() == {"UserData": {"balance": "KES 0.20"}}


def test_a_long_message_costs_by_the_segment(simulator: Simulator) -> None:
    answer = simulator.sms(message="x" * 161)

    assert answer.json()["SMSMessageData"]["Message"].endswith("Message parts: 2")
    assert recipients(answer)[0]["cost"] == "KES 1.6000"


def test_delivery_reports_follow_and_the_thread_shows_it(simulator: Simulator) -> None:
    message_id = recipients(simulator.sms(message="Karibu"))[0]["messageId"]

    assert statuses(simulator, 2) == ["Sent", "Success"]
    report = simulator.ours.at("/delivery-reports")[0]
    assert report.path == "/hooks/africastalking/s3cret/delivery-reports"
    assert report.content_type == "application/x-www-form-urlencoded"
    assert report.form == {
        "id": message_id,
        "status": "Sent",
        "phoneNumber": PHONE,
        "networkCode": "63902",
    }
    (sms,) = simulator.control(f"/sms?phone={PHONE}")["sms"]
    assert sms["status"] == "Success"
    assert (sms["direction"], sms["from"], sms["to"]) == ("to_phone", "NAFASI", PHONE)
    assert (sms["text"], sms["segments"], sms["septets"]) == ("Karibu", 1, 6)


def test_a_phone_that_is_off_fails_with_a_reason(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "reachable": False})
    simulator.sms()

    assert statuses(simulator, 2) == ["Sent", "Failed"]
    assert simulator.ours.at("/delivery-reports")[1].form["failureReason"] == "DeliveryFailure"


def test_reports_can_come_in_the_wrong_order(simulator: Simulator) -> None:
    simulator.fault("sms", "callback_reordered")
    simulator.sms()

    assert statuses(simulator, 2) == ["Success", "Sent"]
    assert simulator.control("/sms")["sms"][0]["status"] == "Success"


def test_reports_can_come_twice(simulator: Simulator) -> None:
    simulator.fault("sms", "callback_twice", seconds=0)
    simulator.sms()

    assert statuses(simulator, 4) == ["Sent", "Sent", "Success", "Success"]


def test_reports_can_come_before_the_answer(simulator: Simulator) -> None:
    simulator.fault("sms", "callback_before_answer")

    simulator.sms()

    assert len(simulator.ours.at("/delivery-reports")) == 2


def test_reports_can_stay_away(simulator: Simulator) -> None:
    simulator.fault("sms", "callback_never")
    simulator.sms()

    withheld = eventually(
        lambda: [entry for entry in simulator.control("/log?service=sms")["log"] if entry["note"]]
    )

    assert withheld[0]["note"] == "withheld"
    assert simulator.ours.heard == []


def test_a_report_can_end_as_told(simulator: Simulator) -> None:
    simulator.fault("sms", "report:Rejected")
    simulator.sms()

    assert statuses(simulator, 2) == ["Sent", "Rejected"]


def test_a_recipient_can_be_refused_as_told(simulator: Simulator) -> None:
    simulator.fault("sms", "insider_code:407", phone=OTHER)

    answer = simulator.sms(to=f"{PHONE},{OTHER}")

    assert [row["statusCode"] for row in recipients(answer)] == [101, 407]


def test_a_person_writes_and_we_hear_until_we_answer_200(simulator: Simulator) -> None:
    simulator.ours.says("/sms", Response(status_code=503), Response(status_code=500))

    sent = simulator.control("/sms", {"from": "0700000001", "text": "1 K7P4Q"})

    heard = simulator.ours.wait("/sms", 3)
    assert len({item.body for item in heard}) == 1
    form = heard[0].form
    assert form.pop("linkId")
    assert form == {
        "id": sent["id"],
        "date": "2026-01-15T06:30:00Z",
        "from": PHONE,
        "to": "20384",
        "text": "1 K7P4Q",
        "networkCode": "63902",
    }
    eventually(lambda: simulator.control("/sms")["sms"][0]["status"] == "delivered")
    assert len(simulator.ours.at("/sms")) == 3


def test_a_message_is_not_repeated_for_ever(simulator: Simulator) -> None:
    simulator.ours.says("/sms", *(Response(status_code=500) for _ in range(9)))

    simulator.control("/sms", {"from": PHONE, "text": ""})

    eventually(lambda: simulator.control("/sms")["sms"][0]["status"] == "undelivered")
    assert len(simulator.ours.at("/sms")) == 5


def test_the_other_form_of_the_date_and_a_missing_network_are_seen(simulator: Simulator) -> None:
    for text in ("one", "two", "three"):
        simulator.control("/sms", {"from": PHONE, "text": text})
    forms = {heard.form["text"]: heard.form for heard in simulator.ours.wait("/sms", 3)}

    assert forms["two"]["date"] == "2026-01-15 06:30:00"
    assert "networkCode" not in forms["three"]


def test_an_opt_out_is_told_and_kept(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "opted_out": True})

    (heard,) = simulator.ours.wait("/opt-outs")
    assert heard.form == {"senderId": "NAFASI", "phoneNumber": PHONE}
    assert recipients(simulator.sms())[0]["statusCode"] == 406


@pytest.mark.parametrize(
    ("fault", "status", "content_type"),
    [
        ("error500", 500, "text/plain"),
        ("invalid_token", 401, "text/plain"),
        ("busy", 503, "text/plain"),
        ("spike_arrest", 429, "application/json"),
        ("html", 503, "text/html"),
        ("empty", 200, None),
        ("timeout_before", 504, None),
    ],
)
def test_broken_answers_send_nothing(
    simulator: Simulator, fault: str, status: int, content_type: str | None
) -> None:
    simulator.fault("sms", fault, seconds=0.01)

    answer = simulator.sms()

    assert (answer.status_code, answer.headers.get("content-type")) == (status, content_type)
    assert simulator.control("/sms")["sms"] == []
    assert simulator.sms().status_code == 201  # The fault is used up.


def test_a_lost_answer_has_sent_the_message(simulator: Simulator) -> None:
    simulator.fault("sms", "timeout_after", seconds=1)

    with pytest.raises(httpx.ReadTimeout):
        simulator.http.post(
            f"{simulator.base}/africastalking/version1/messaging",
            data={"username": "nafasi", "to": PHONE, "message": "Hello"},
            headers={"apiKey": simulator.config.api_key},
            timeout=0.2,
        )

    assert len(simulator.control("/sms")["sms"]) == 1
