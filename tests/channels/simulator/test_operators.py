"""Phones whose calls come over other operators, with the habits of each and on bad lines."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.responses import Response

from tests.channels.simulator.rig import PHONE, Simulator

CODE = "*384*7781#"
LONG = "CON " + "\n".join(f"{i}. A hall with a name {i}" for i in range(1, 9))


def use(simulator: Simulator, operator: str, **more: Any) -> None:
    simulator.control("/phones", {"phone": PHONE, "operator": operator, **more})


def dial(simulator: Simulator, code: str = CODE) -> dict[str, Any]:
    return dict(simulator.control("/dial", {"phone": PHONE, "code": code}))


def answer(simulator: Simulator, entry: str) -> dict[str, Any]:
    return dict(simulator.control("/answer", {"phone": PHONE, "input": entry}))


def asked(simulator: Simulator) -> list[dict[str, str]]:
    """The queries or bodies of all hops, oldest first."""
    log = simulator.control("/log")["log"]
    found = []
    for entry in log:
        if entry["service"] == "ussd":
            query = urlsplit(entry["url"]).query
            form = dict(parse_qsl(query or entry["body"], keep_blank_values=True))
            found.append(json.loads(entry["body"]) if entry["body"][:1] == "{" else form)
    return found


def test_safaricom_starts_twice_and_repeats_all_that_was_typed(simulator: Simulator) -> None:
    use(simulator, "safaricom")
    simulator.ours.screens("CON Karibu", "CON Karibu", "END Asante")

    first, last = dial(simulator, "*384*7781*4507#"), answer(simulator, "1")

    assert (first["text"], last["text"], last["final"]) == ("Karibu", "Asante", True)
    told = [(hop["DEST"], hop["USSD_PARAMS"]) for hop in asked(simulator)]
    assert told == [("384", "7781*4507"), ("384", "7781*4507"), ("384", "7781*4507*1")]
    assert {hop["ORIG"] for hop in asked(simulator)} == {"254700000001"}


def test_airtel_brings_the_last_key_and_cleans_up_what_breaks_off(simulator: Simulator) -> None:
    use(simulator, "airtel")
    goes_on = Response("Karibu", headers={"Freeflow": "FC"})
    simulator.ours.says("/ussd", goes_on, Response("Town?", headers={"Freeflow": "FC"}))

    assert dial(simulator)["text"] == "Karibu"
    assert answer(simulator, "1")["text"] == "Town?"
    assert simulator.control("/hangup", {"phone": PHONE}) == {"ended": True}

    simulator.ours.wait("/ussd", 3)
    *keys, cleaned = asked(simulator)
    assert [hop["input"] for hop in keys] == ["384*7781", "1"]
    assert (cleaned["clean"], cleaned["msisdn"]) == ("clean-session", "254700000001")


def test_a_gateway_of_hubtels_shape_numbers_its_hops(simulator: Simulator) -> None:
    use(simulator, "hubtel", network="airtel")
    simulator.ours.says(
        "/ussd",
        Response('{"Type": "Response", "Message": "Karibu"}'),
        Response('{"Type": "Release", "Message": "Asante"}'),
    )
    assert dial(simulator)["final"] is False
    assert answer(simulator, "1")["final"] is True

    told = [(hop["Type"], hop["Message"], hop["Sequence"]) for hop in asked(simulator)]
    assert told == [("Initiation", CODE, 1), ("Response", "1", 2)]
    assert {hop["Operator"] for hop in asked(simulator)} == {"Airtel"}


@pytest.mark.parametrize("operator", ["safaricom", "airtel", "hubtel", "africastalking"])
def test_an_answer_in_another_operators_form_ends_the_call(
    simulator: Simulator, operator: str
) -> None:
    use(simulator, operator)
    simulator.ours.says("/ussd", *[Response("no screen of anybody's") for _ in range(2)])
    shown = dial(simulator)
    assert shown["final"] is True
    assert shown["error"] in {"bad_prefix", "bad_freeflow", "bad_json"}


def test_what_is_longer_than_the_network_shows_is_cut_and_kept_behind_its_own_98(
    simulator: Simulator,
) -> None:
    simulator.ours.screens(LONG, "CON Town?")

    first = dial(simulator)
    rest = answer(simulator, "98")
    after = answer(simulator, "3")

    assert first["cut"] is True
    assert first["text"].endswith("\n98:More")
    assert first["septets"] <= 160
    assert first["text"].removesuffix("\n98:More") + rest["text"] == LONG.removeprefix("CON ")
    assert after["text"] == "Town?"
    assert [hop["text"] for hop in asked(simulator)] == ["", "3"]  # The 98 was the network's own.


def test_airtel_shows_more_at_once(simulator: Simulator) -> None:
    screen = "CON " + "x" * 182
    simulator.ours.screens(screen, screen)
    assert dial(simulator)["cut"] is True
    simulator.control("/phones", {"phone": PHONE, "network": "airtel"})
    assert dial(simulator)["cut"] is False


def test_bad_lines_repeat_lose_and_overtake(simulator: Simulator) -> None:
    simulator.ours.screens(*["CON Karibu"] * 9)
    dial(simulator)
    simulator.fault("ussd", "callback_twice", seconds=0)
    answer(simulator, "1")
    simulator.fault("ussd", "callback_reordered", seconds=0)
    answer(simulator, "2")
    assert [hop["text"] for hop in asked(simulator)] == ["", "1", "1", "1*2", "1"]

    simulator.fault("ussd", "hop_unshown")
    unshown = answer(simulator, "3")
    assert (unshown["final"], unshown["error"]) == (True, "unshown")
    assert asked(simulator)[-1]["text"] == "1*2*3"  # We were asked, the phone saw nothing of it.

    dial(simulator)
    simulator.fault("ussd", "callback_never")
    lost = answer(simulator, "1")
    assert (lost["final"], lost["error"]) == (True, "no_answer")


def test_an_operator_that_does_not_exist_is_refused(simulator: Simulator) -> None:
    body = {"phone": PHONE, "operator": "orange"}
    said = simulator.http.post(f"{simulator.base}/simulator/api/phones", json=body)
    assert said.status_code == 400
    assert "safaricom" in said.json()["error"]["message"]
