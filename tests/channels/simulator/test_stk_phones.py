"""M-Pesa Express and the phone: wallets, locks, calls that are open, phones out of reach."""

import pytest

from core.clock import ManualClock
from tests.channels.simulator.prompts import error, result
from tests.channels.simulator.rig import PHONE, Simulator


def test_a_poor_wallet_and_a_spent_day(simulator: Simulator, clock: ManualClock) -> None:
    simulator.control("/phones", {"phone": PHONE, "balance_cents": 149_999})
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "1"
    for amount, code in ((250_001, "3"), (250_000, "0"), (249_999, "0"), (2, "4"), (1, "0")):
        simulator.control("/phones", {"phone": PHONE, "balance_cents": 50_000_000})
        simulator.push(Amount=amount)
        assert simulator.settle("paid")["result_code"] == code
    clock.advance(hours=24)
    simulator.control("/phones", {"phone": PHONE, "balance_cents": 50_000_000})
    simulator.push(Amount=2)
    assert simulator.settle("paid")["result_code"] == "0"


def test_a_subscriber_is_locked_while_a_prompt_is_open(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.push()
    simulator.prompt()
    clock.advance(seconds=59)
    status, code, message = error(simulator.push(Amount=2))
    assert (status, code) == (500, "500.001.1001")
    assert message.startswith("Unable to lock subscriber")

    clock.advance(seconds=1)
    assert simulator.push(Amount=2).status_code == 200


def test_an_ended_prompt_unlocks(simulator: Simulator) -> None:
    simulator.push()
    simulator.settle("cancelled")

    assert simulator.push().status_code == 200


def test_the_same_amount_within_two_minutes_is_refused(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.push()
    simulator.settle("paid")
    result(simulator)
    clock.advance(seconds=119)

    simulator.push()
    assert str(result(simulator, 2)["ResultCode"]) == "17"
    simulator.push(Amount=1501)
    assert simulator.settle("paid")["result_code"] == "0"

    clock.advance(seconds=1)
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "0"


def test_no_prompt_reaches_a_phone_in_a_ussd_session(simulator: Simulator) -> None:
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    assert str(result(simulator)["ResultCode"]) == "1037"

    simulator.control("/hangup", {"phone": PHONE})
    simulator.push()
    assert simulator.settle("paid")["result_code"] == "0"


def test_a_session_that_is_open_at_the_push_spoils_the_prompt(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_delivery_seconds": 0.2})
    simulator.ours.screens("CON Karibu")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    simulator.control("/hangup", {"phone": PHONE})

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_a_session_that_opens_before_the_prompt_comes_spoils_it(simulator: Simulator) -> None:
    simulator.control("/settings", {"prompt_delivery_seconds": 0.2})
    simulator.ours.screens("CON Karibu")
    simulator.push()
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})

    assert str(result(simulator)["ResultCode"]) == "1037"


def test_the_radio_session_outlives_the_last_screen(
    simulator: Simulator, clock: ManualClock
) -> None:
    simulator.control("/settings", {"ussd_release_seconds": 1})
    simulator.ours.screens("END Asante")
    simulator.control("/dial", {"phone": PHONE, "code": "*384*7781#"})
    simulator.push()
    assert str(result(simulator)["ResultCode"]) == "1037"

    clock.advance(seconds=1)
    simulator.push()
    assert simulator.prompt()


@pytest.mark.parametrize("state", [{"reachable": False}, {"on_mpesa": False}])
def test_a_phone_that_cannot_be_reached(simulator: Simulator, state: dict[str, bool]) -> None:
    simulator.control("/phones", {"phone": PHONE, **state})
    simulator.push()

    assert str(result(simulator)["ResultCode"]) == "1037"
