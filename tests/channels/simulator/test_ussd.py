"""Dialling, answering and hanging up."""

import pytest
from starlette.responses import Response

from core.clock import ManualClock
from tests.channels.simulator.rig import PHONE, Simulator

CODE = "*384*7781#"


def test_the_transcript_grows_hop_by_hop(simulator: Simulator, clock: ManualClock) -> None:
    simulator.ours.screens("CON Karibu\n1. Find", "CON Town?", "END Asante")

    first = simulator.control("/dial", {"phone": "0700000001", "code": CODE})
    clock.advance(seconds=3)
    second = simulator.control("/answer", {"phone": PHONE, "input": "1"})
    third = simulator.control("/answer", {"phone": PHONE, "input": "Nairobi*West"})

    hops = [heard.form for heard in simulator.ours.at("/ussd")]
    assert [hop.pop("text") for hop in hops] == ["", "1", "1*Nairobi*West"]
    assert hops[0] == {
        "sessionId": first["session_id"],
        "phoneNumber": PHONE,
        "networkCode": "63902",
        "serviceCode": CODE,
    }
    assert hops[0] == hops[1] == hops[2]
    assert (first["reply"], first["text"]) == ("CON Karibu\n1. Find", "Karibu\n1. Find")
    assert (first["final"], second["final"], third["final"]) == (False, False, True)
    assert first["septets"] == len("Karibu\n1. Find")
    assert "s3cret" not in first["raw_request"]
    assert first["raw_response"] == "HTTP 200\n\nCON Karibu\n1. Find"
    event = simulator.ours.wait("/ussd-events")[0].form
    assert event == {
        "date": "2026-01-15 06:30:03",
        "sessionId": first["session_id"],
        "serviceCode": CODE,
        "networkCode": "63902",
        "phoneNumber": PHONE,
        "status": "Success",
        "cost": "0.10",
        "durationInMillis": "3000",
        "hopsCount": "3",
        "input": "1*Nairobi*West",
        "lastAppResponse": "END Asante",
    }


def test_a_code_may_carry_the_first_entries(simulator: Simulator) -> None:
    simulator.ours.screens("CON Listing", "CON Next")

    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781*4507*2#", "network": "airtel"})
    simulator.control("/answer", {"phone": PHONE, "input": "1"})

    hops = [heard.form for heard in simulator.ours.at("/ussd")]
    assert [hop["text"] for hop in hops] == ["4507*2", "4507*2*1"]
    assert (hops[0]["serviceCode"], hops[0]["networkCode"]) == (CODE, "63903")


@pytest.mark.parametrize("code", ["*384*77810#", "*100#", "*384*7781", "0700000002"])
def test_another_code_is_not_ours(simulator: Simulator, code: str) -> None:
    screen = simulator.control("/dial", {"phone": PHONE, "code": code})

    assert (screen["final"], screen["error"]) == (True, "unknown_code")
    assert simulator.ours.heard == []


def test_hanging_up_is_silent_but_for_the_event(simulator: Simulator) -> None:
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": CODE})

    assert simulator.control("/hangup", {"phone": PHONE}) == {"ended": True}
    assert simulator.control("/hangup", {"phone": PHONE}) == {"ended": False}

    event = simulator.ours.wait("/ussd-events")[0].form
    assert (event["status"], event["lastAppResponse"]) == ("Incomplete", "CON Karibu")
    late = simulator.http.post(
        f"{simulator.base}/simulator/api/answer", json={"phone": PHONE, "input": "1"}
    )
    assert (late.status_code, late.json()["error"]["code"]) == (409, "not_now")


@pytest.mark.parametrize("wait", ["ussd_idle_seconds", "ussd_session_seconds"])
def test_the_network_gives_up_on_silence_and_on_age(simulator: Simulator, wait: str) -> None:
    simulator.control("/settings", {wait: 0.05})
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": CODE})

    event = simulator.ours.wait("/ussd-events")[0].form

    assert (event["status"], event["errorMessage"]) == ("Incomplete", "Session timed out")
    phones = simulator.control("/phones")["phones"]
    assert next(phone for phone in phones if phone["phone"] == PHONE)["session"] is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("Oops", status_code=500), "http_500"),
        (Response("CON x", status_code=404), "http_404"),
        (Response("Welcome"), "bad_prefix"),
    ],
)
def test_a_wrong_answer_ends_the_session(
    simulator: Simulator, answer: Response, error: str
) -> None:
    simulator.ours.says("/ussd", answer)

    screen = simulator.control("/dial", {"phone": PHONE, "code": CODE})

    assert (screen["final"], screen["error"]) == (True, error)
    assert screen["text"] == "Connection problem or invalid MMI code."
    event = simulator.ours.wait("/ussd-events")[0].form
    assert (event["status"], event["errorMessage"]) == ("Failed", error)


def test_an_application_that_is_down_ends_the_session(simulator: Simulator) -> None:
    simulator.control("/settings", {"ussd_answer_seconds": 0})

    screen = simulator.control("/dial", {"phone": PHONE, "code": CODE})

    assert (screen["final"], screen["error"]) == (True, "no_answer")


def test_dialling_again_hangs_up_first(simulator: Simulator) -> None:
    simulator.ours.screens("CON One", "CON Two")
    first = simulator.control("/dial", {"phone": PHONE, "code": CODE})
    second = simulator.control("/dial", {"phone": PHONE, "code": CODE})

    assert first["session_id"] != second["session_id"]
    assert simulator.ours.wait("/ussd-events")[0].form["sessionId"] == first["session_id"]
    phones = simulator.control("/phones")["phones"]
    open_now = [phone["session"]["session_id"] for phone in phones if phone["session"]]
    assert open_now == [second["session_id"]]


def test_the_event_can_stay_away_or_come_twice(simulator: Simulator) -> None:
    simulator.fault("events", "callback_never")
    simulator.fault("events", "callback_twice", seconds=0)
    simulator.ours.screens("END One", "END Two")

    silent = simulator.control("/dial", {"phone": PHONE, "code": CODE})["session_id"]
    told = simulator.control("/dial", {"phone": PHONE, "code": CODE})["session_id"]

    events = [heard.form["sessionId"] for heard in simulator.ours.wait("/ussd-events", 2)]
    assert events == [told, told]
    assert silent != told


def test_a_hop_can_be_replayed_byte_for_byte(simulator: Simulator) -> None:
    simulator.ours.screens("CON One", "CON One")
    simulator.control("/dial", {"phone": PHONE, "code": CODE})
    (entry,) = simulator.control("/log?service=ussd")["log"]

    again = simulator.control("/replay", {"log_id": entry["id"]})

    assert (again["status"], again["answer"]) == (200, "CON One")
    first, second = simulator.ours.at("/ussd")
    assert first == second


def test_an_empty_network_and_a_strange_one(simulator: Simulator) -> None:
    simulator.control("/dial", {"phone": PHONE, "code": CODE, "network": "unknown"})
    assert simulator.ours.at("/ussd")[0].form["networkCode"] == ""

    answer = simulator.http.post(
        f"{simulator.base}/simulator/api/dial",
        json={"phone": PHONE, "code": CODE, "network": "vodafone"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert len(simulator.ours.at("/ussd")) == 1
