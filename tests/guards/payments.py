"""Guards of prompts, receipts and refunds."""

from typing import Any

from sqlalchemy import text

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.errors import Refused
from core.limits import RETURN_RETRY_SECONDS
from core.money import Money, kes
from core.payments import attempts, collect, receipts, refunds
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind
from core.ports.money import PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, RECEIPT, World
from tests.guards.guard import (
    Guard,
    check,
    constraint,
    copy_row,
    count,
    outcome,
    unique_index,
    words,
)
from tests.guards.guard import Kind as GuardKind
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

OPEN_ATTEMPTS = "SELECT count(*) FROM attempts WHERE state <> 'failed' AND state <> 'succeeded'"
SEEN_RECEIPT = words(
    GuardKind.UNIQUE,
    "the receipt's number",
    r" ON CONFLICT \(provider, number\) DO NOTHING",
    "INSERT INTO receipts",
)


def _planned(world: World, booking: Booking, shillings: int = 66_700) -> Attempt:
    """The way back of a paid booking's money, in one try."""

    def work(tx: Any) -> None:
        mine = tx.db.get_one(Booking, booking.id)
        refunds.plan_refund(tx, mine, kes(shillings))

    world.run(work)
    return world.attempts(Kind.RETURN)[-1]


def _receipt_once(world: World) -> None:
    one, two = world.hold(in_days=5), world.hold(OTHER_CUSTOMER, in_days=6)
    world.paybill(one.code, GOLDEN, RECEIPT)

    result = outcome(lambda: world.paybill(two.code, GOLDEN, RECEIPT))

    assert result == "repeat"


def _odd_cents(world: World) -> None:
    booking = world.hold()
    world.paybill(booking.code, kes(100, 50))

    asked = world.prompt(booking)

    assert asked.amount_cents == booking.total_cents, "the rest of it could not be asked for"


def _one_return(world: World) -> None:
    world.paybill("NOBODY", kes(500))
    [planned] = world.attempts(Kind.RETURN)
    copy_row(world, "attempts", planned.id)

    assert count(world, OPEN_ATTEMPTS) == 1, "taken back or sent, never both at once"


def _taken_back_once(world: World) -> None:
    """A payment that was taken back, and another try that says it has done it."""
    world.paybill("NOBODY", kes(500))
    [planned] = world.attempts(Kind.RETURN)
    world.send_due()
    world.paid(planned, "SFR1GONE")
    taken = "UPDATE attempts SET takes_back = 'SFF6XYQ1AB' WHERE kind = 'return'"
    world.run(lambda tx: tx.db.execute(text(taken)))
    copy_row(world, "attempts", planned.id)

    assert count(world, "SELECT count(*) FROM attempts WHERE kind = 'return'") == 1


def _one_prompt(world: World) -> None:
    attempt = world.prompt(world.hold())
    copy_row(world, "attempts", attempt.id)

    assert count(world, OPEN_ATTEMPTS) == 1, "nobody is asked to pay twice"


def _one_refund(world: World) -> None:
    attempt = _planned(world, world.confirmed())
    copy_row(world, "attempts", attempt.id)

    assert count(world, OPEN_ATTEMPTS) == 1, "nobody is sent it twice"


def _one_successor(world: World) -> None:
    first = world.prompt(world.hold())
    world.failed(first)
    for _ in range(2):
        copy_row(world, "attempts", first.id, rerouted_from=str(first.id))

    assert count(world, "SELECT count(*) FROM attempts") == 2


def _whole_shillings(world: World) -> None:
    attempt = world.prompt(world.hold())
    world.failed(attempt)
    copy_row(world, "attempts", attempt.id, amount_cents=150)

    assert count(world, "SELECT count(*) FROM attempts WHERE amount_cents % 100 <> 0") == 0


def _payout_of_something(world: World) -> None:
    attempt = world.prompt(world.hold())
    copy_row(world, "attempts", attempt.id, kind="payout")

    assert count(world, "SELECT count(*) FROM attempts WHERE kind = 'payout'") == 0


def _refund_goes_back(world: World) -> None:
    attempt = _planned(world, world.confirmed())
    copy_row(world, "attempts", attempt.id, kind="collection", state="failed")

    assert count(world, "SELECT count(*) FROM attempts WHERE kind = 'collection'") == 1


def _somebody_elses_receipt(world: World) -> None:
    world.confirmed(RECEIPT, CUSTOMER, in_days=5)
    attempt = world.prompt(world.hold(OTHER_CUSTOMER, in_days=6), OTHER_CUSTOMER)

    world.paid(attempt, RECEIPT)

    assert world.attempt(attempt).state is AttemptState.PENDING, "that was another's money"


def _asked_then_confirmed(world: World) -> None:
    booking = world.hold()
    world.paid(world.prompt(booking), None)
    world.paybill(booking.code, GOLDEN, RECEIPT)

    assert world.balance("float:daraja") == GOLDEN, "it came once, and was told of twice"


def _confirmed_then_asked(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.paybill(booking.code, GOLDEN, RECEIPT)
    world.paid(attempt, None)

    assert world.balance("float:daraja") == GOLDEN, "it came once, and was told of twice"


def _named_late(world: World) -> None:
    booking = world.hold()
    attempt = world.prompt(booking)
    world.paid(attempt, None)
    world.paid(attempt, RECEIPT)

    assert [receipt.number for receipt in world.receipts()] == [RECEIPT]


def _withdrawn(world: World) -> None:
    booking = world.hold()
    attempt = world.run(lambda tx: start_collection(tx, booking.id, CUSTOMER))
    world.withdraw(booking)
    world.clock.advance(hours=1)

    assert world.run(lambda tx: attempts.begin(tx, attempt.id)) is None, "nobody wants it now"


def _lost(world: World) -> PayRequest:
    """A refund whose answer never came."""
    attempt = _planned(world, world.confirmed())
    request = world.run(lambda tx: attempts.begin(tx, attempt.id))
    assert isinstance(request, PayRequest)
    lost = ProviderError("timeout", unknown=True)
    world.run(lambda tx: attempts.refused(tx, attempt.id, lost))
    return request


def _asked_before_sent_again(world: World) -> None:
    request = _lost(world)
    world.clock.advance(hours=1)
    next_step = world.run(lambda tx: attempts.begin(tx, request.attempt_id))

    assert isinstance(next_step, Attempt), "it may have been sent: ask"


def _arrived_after_all(world: World) -> None:
    """The first try was given up, and had gone through; a second is planned."""
    request = _lost(world)
    world.failed(request.attempt_id, Reason.OTHER)
    [second] = [each for each in world.attempts(Kind.RETURN) if each.id != request.attempt_id]
    world.paid(request.attempt_id, "SFFBACK001")
    world.clock.advance(seconds=RETURN_RETRY_SECONDS)

    assert world.run(lambda tx: attempts.begin(tx, second.id)) is None, "it has arrived"


def _twice_the_price(world: World) -> None:
    booking = world.confirmed()
    _planned(world, booking)

    result = outcome(lambda: _planned(world, booking))

    assert isinstance(result, Refused), "the case list says what was left, not a fault"


def _paid_twice(world: World) -> None:
    booking = world.confirmed()
    world.paybill(booking.code, GOLDEN, "SFFTWICE01")

    assert len(world.attempts(Kind.RETURN)) == 1, "what came twice goes back by itself"
    assert world.state(booking) is State.CONFIRMED


GUARDS = (
    Guard(
        "one receipt pays for two bookings",
        unique_index("uq_receipts_provider_number").also(SEEN_RECEIPT),
        _receipt_once,
    ),
    Guard(
        "two prompts stand on the phone at once",
        unique_index("uq_attempts_open_collection"),
        _one_prompt,
    ),
    Guard(
        "a refund goes out twice at once",
        unique_index("uq_attempts_open_refund"),
        _one_refund,
    ),
    Guard(
        "wrong money goes back twice at once",
        unique_index("uq_attempts_open_return"),
        _one_return,
    ),
    Guard(
        "two tries have taken back one payment",
        unique_index("uq_attempts_taken_back"),
        _taken_back_once,
    ),
    Guard(
        "two providers take over one attempt",
        unique_index("uq_attempts_rerouted_from"),
        _one_successor,
    ),
    Guard(
        "M-Pesa is asked to move cents",
        constraint("attempts", "ck_attempts_whole_shillings"),
        _whole_shillings,
    ),
    Guard(
        "a payout belongs to nobody",
        constraint("attempts", "ck_attempts_payout"),
        _payout_of_something,
    ),
    Guard(
        "a refund is taken from the customer",
        constraint("attempts", "ck_attempts_refund"),
        _refund_goes_back,
    ),
    Guard(
        "another's receipt pays for a prompt",
        check("whose receipt it is", receipts, "is_own", lambda *_: True),
        _somebody_elses_receipt,
    ),
    Guard(
        "a payment that was asked about and then confirmed counts twice",
        check("a paybill names a known success", receipts, "name_known", lambda *_: False),
        _asked_then_confirmed,
    ),
    Guard(
        "a payment that was confirmed and then asked about counts twice",
        check("a success is the paybill's", receipts, "confirmed_by_paybill", lambda *_: None),
        _confirmed_then_asked,
    ),
    Guard(
        "a receipt keeps our own id for its number",
        check("late evidence names a receipt", receipts, "name_own", lambda *_: None),
        _named_late,
    ),
    Guard(
        "what is left to pay is no whole shillings, which nobody can be asked for",
        check("whole shillings", Money, "is_whole", True),
        _odd_cents,
    ),
    Guard(
        "somebody who withdrew is asked for money",
        check("a prompt is still wanted", attempts, "_still_wanted", lambda *_: True),
        _withdrawn,
    ),
    Guard(
        "money that may have been sent is sent again",
        check("ask before sending again", attempts, "_may_be_sent_again", lambda *_: True),
        _asked_before_sent_again,
    ),
    Guard(
        "a refund that arrived late arrives twice",
        check("a refund is still wanted", attempts, "is_wanted", lambda *_: True),
        _arrived_after_all,
    ),
    Guard(
        "a refund is planned beyond what is left",
        check(
            "what is left to go back",
            refunds,
            "refundable",
            lambda booking: kes(booking.total_cents // 100),
        ),
        _twice_the_price,
    ),
    Guard(
        "money that came twice stays with us",
        check("suspense goes back by itself", collect, "send_back", lambda *_: None),
        _paid_twice,
    ),
)
