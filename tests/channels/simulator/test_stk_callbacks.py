"""M-Pesa Express calls back: never, twice, late, early, out of order, with varying types."""

from starlette.responses import Response

from core.clock import ManualClock
from tests.channels.simulator.conftest import Start
from tests.channels.simulator.prompts import OPENING_CENTS, items, result
from tests.channels.simulator.rig import PHONE, Simulator
from tests.support.serving import eventually


def test_types_vary_from_callback_to_callback(simulator: Simulator, clock: ManualClock) -> None:
    seen = []
    for count in (1, 2, 3):
        simulator.push(Amount=count)
        simulator.settle("paid")
        seen.append(result(simulator, count))

    assert [callback["ResultCode"] for callback in seen] == [0, "0", 0]
    names = [[item["Name"] for item in seen[i]["CallbackMetadata"]["Item"]] for i in range(3)]
    assert ["Balance" in row for row in names] == [True, False, True]
    assert items(seen[2])["Balance"].startswith("{Amount={CurrencyCode=KES,")


def test_money_may_move_without_a_callback(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("no_callback")

    assert simulator.query(checkout).json()["ResultCode"] == "0"
    assert simulator.balance_cents() == OPENING_CENTS - 150_000
    eventually(lambda: any(entry["note"] for entry in simulator.control("/log")["log"]))
    assert simulator.ours.heard == []


def test_one_payment_may_call_back_twice(simulator: Simulator) -> None:
    simulator.push()
    simulator.settle("duplicate")

    first, second = simulator.ours.wait("/stk/a1", 2)

    assert first.body == second.body
    assert simulator.balance_cents() == OPENING_CENTS - 150_000


def test_a_failure_may_turn_into_a_late_success(simulator: Simulator) -> None:
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("timeout")
    result(simulator)

    simulator.control(f"/stk/{checkout}", {"outcome": "late_paid"})

    assert items(result(simulator, 2))["Amount"] == 1500
    assert simulator.query(checkout).json()["ResultCode"] == "0"


def test_the_callback_may_come_before_the_answer(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_before_answer")

    answer = simulator.push()

    heard = simulator.ours.at("/stk/a1")
    assert len(heard) == 1
    callback = heard[0].json["Body"]["stkCallback"]
    assert callback["CheckoutRequestID"] == answer.json()["CheckoutRequestID"]


def test_callbacks_may_overtake_each_other(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_reordered", seconds=5, phone=PHONE)
    first = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("paid")
    other = {"PartyA": "254700000002", "PhoneNumber": "254700000002"}
    second = simulator.push(**other).json()["CheckoutRequestID"]
    simulator.prompt("+254700000002")
    simulator.control(f"/stk/{second}", {"outcome": "paid"})

    heard = simulator.ours.wait("/stk/a1", 2)

    order = [item.json["Body"]["stkCallback"]["CheckoutRequestID"] for item in heard]
    assert order == [second, first]


def test_a_callback_may_be_late(simulator: Simulator) -> None:
    simulator.fault("stk", "callback_late", seconds=0.2)
    checkout = simulator.push().json()["CheckoutRequestID"]
    simulator.settle("paid")

    assert simulator.query(checkout).json()["ResultCode"] == "0"
    assert simulator.ours.heard == []
    assert str(result(simulator)["ResultCode"]) == "0"


def test_a_daraja_callback_is_not_repeated(simulator: Simulator) -> None:
    simulator.ours.says("/stk/a1", Response(status_code=500))
    simulator.push()
    simulator.settle("paid")
    result(simulator)

    eventually(
        lambda: [
            entry
            for entry in simulator.control("/log?service=stk")["log"]
            if entry["status"] == 500
        ]
    )
    simulator.push(Amount=2)
    simulator.settle("paid")
    amounts = [
        items(heard.json["Body"]["stkCallback"])["Amount"]
        for heard in simulator.ours.wait("/stk/a1", 2)
    ]
    assert amounts == [1500, 2]


def test_a_registered_paybill_may_confirm_the_payment_again(start: Start) -> None:
    simulator = start(stk_raises_c2b=True)
    simulator.push()
    receipt = simulator.settle("paid")["receipt"]

    (heard,) = simulator.ours.wait("/c2b/confirmation")

    assert heard.json["TransID"] == receipt == items(result(simulator))["MpesaReceiptNumber"]
    assert heard.json["BillRefNumber"] == "K7P4Q"
