"""Money that had gone back to a customer and came to us again."""

from functools import partial

import pytest
from sqlalchemy import select

from core.booking import cancel
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.cases.usecases import receipt_of
from core.errors import NotFound, Refused
from core.escrow.model import TransferRow
from core.limits import REFUND_TRIES_MAX, RETURN_RETRY_SECONDS, RETURN_TRIES_MAX
from core.money import kes
from core.payments import attempts, refunds, suspense
from core.payments.asking import look_now
from core.payments.lifecycle import RefundState
from core.payments.looked_up import book_reversal
from core.payments.model import Kind, Refund
from core.ports.money import Outcome, PayRequest
from tests.core.booking.world import GOLDEN, World
from tests.core.payments.refunding import cancelled, sent
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

OUT, BACK = "SFG1REFUND", "SFR1BACK"


def refunded(world: World) -> tuple[Booking, Refund]:
    """A cancelled booking whose customer has all of the money again."""
    booking = cancelled(world)
    assert world.paid(sent(world), OUT) is None
    [refund] = world.run(lambda tx: refunds.refunds_of(tx, booking.id))
    return booking, refund


def came_back(world: World, number: str | None = BACK) -> str | None:
    return world.tell(world.attempts(Kind.RETURN)[-1], Outcome.REVERSED, receipt=number)


def state(world: World, refund: Refund) -> RefundState:
    return world.run(lambda tx: tx.db.get_one(Refund, refund.id)).state


def kinds(world: World) -> list[CaseKind]:
    world.run(sweep)
    return [case.kind for case in world.run(open_cases)]


def test_a_refund_that_came_back_waits_for_a_person_and_goes_again(world: World) -> None:
    booking, refund = refunded(world)

    assert came_back(world) is None

    assert state(world, refund) is RefundState.REVERSED
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("float:daraja") == GOLDEN
    assert world.told(CUSTOMER)[-1] == "money_came_back"
    world.assert_sound()
    world.clock.advance(days=3)
    assert world.send_due() == [], "nothing is sent again by itself"
    assert kinds(world) == [CaseKind.CAME_BACK]
    [case] = world.run(open_cases)
    assert (case.amount_cents, case.facts["refund_id"]) == (GOLDEN.cents, str(refund.id))

    [waiting] = world.run(refunds.failed_refunds)
    world.run(lambda tx: refunds.retry_refund(tx, waiting.id, OTHER_CUSTOMER))
    assert kinds(world) == []
    [again] = world.send_due()
    assert isinstance(again, PayRequest)
    assert again.msisdn == OTHER_CUSTOMER
    assert world.paid(again.attempt_id, "SFG2REFUND") is None

    assert state(world, refund) is RefundState.RETURNED
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("float:daraja") == kes(0)
    assert world.told(CUSTOMER)[-1] == "money_returned"
    world.assert_sound()


def test_it_comes_back_once_whoever_tells_of_it_and_again_when_sent_again(world: World) -> None:
    booking, refund = refunded(world)

    told = [came_back(world, number) for number in (BACK, BACK, None, "SFR2")]
    assert told == [None, "repeat", "repeat", "repeat"]
    assert world.paid(world.attempts(Kind.RETURN)[0], OUT) == "repeat"
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert kinds(world) == [CaseKind.CAME_BACK]

    world.run(lambda tx: refunds.retry_refund(tx, refund.id))
    assert world.paid(sent(world), "SFG2REFUND") is None
    assert came_back(world, "SFR2BACK") is None

    assert state(world, refund) is RefundState.REVERSED
    assert world.balance("float:daraja") == GOLDEN
    assert kinds(world) == [CaseKind.CAME_BACK], "it is about the last time"
    world.assert_sound()


def test_it_comes_back_after_what_was_kept_has_been_shared_out(world: World) -> None:
    """Half of the price was kept and is the vendor's since; the other half is still owed."""
    booking = world.confirmed()
    world.clock.set(booking.starts_at)
    world.clock.advance(hours=-30)
    world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))
    assert world.paid(sent(world), OUT) is None
    earned = world.balance(f"payable:{world.vendor.number}")

    assert came_back(world) is None

    assert world.balance(f"escrow:{booking.code}") == kes(33_350)
    assert world.balance(f"payable:{world.vendor.number}") == earned
    world.assert_sound()


def test_wrong_money_that_came_back_is_kept_apart_again(world: World) -> None:
    assert world.paybill("NOBODY", kes(500)) is None
    [first] = world.send_due()
    assert world.paid(first.attempt_id, OUT) is None
    assert world.balance("suspense:daraja") == kes(0)

    assert came_back(world) is None

    assert world.balance("suspense:daraja") == kes(500)
    assert world.balance("float:daraja") == kes(500)
    world.clock.advance(days=3)
    assert world.send_due() == []
    assert kinds(world) == [CaseKind.CAME_BACK]
    [case] = world.run(open_cases)
    world.assert_sound()

    world.run(lambda tx: suspense.send_back(tx, receipt_of(tx, case.number)))
    [again] = world.send_due()
    assert world.paid(again.attempt_id, "SFG2") is None
    assert world.balance("suspense:daraja") == kes(0)
    assert kinds(world) == []
    world.assert_sound()


def test_a_refund_back_before_we_knew_of_its_arrival_has_simply_failed(world: World) -> None:
    """What arrives in its place is the first that did: it owes the credit note."""
    booking = cancelled(world)

    assert world.tell(sent(world), Outcome.REVERSED, receipt=BACK) is None

    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert kinds(world) == []
    world.assert_sound()
    world.clock.advance(days=1)
    [again] = world.send_due()
    assert world.paid(again.attempt_id, OUT) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    [refund] = world.run(lambda tx: refunds.refunds_of(tx, booking.id))
    assert refund.state is RefundState.RETURNED
    moved = world.run(lambda tx: tx.db.scalars(select(TransferRow.kind)).all())
    assert sorted(moved) == ["paid", "returned"]
    world.assert_sound()


def test_wrong_money_back_before_we_knew_of_its_arrival_has_simply_failed(world: World) -> None:
    assert world.paybill("NOBODY", kes(500)) is None
    [first] = world.send_due()

    assert world.tell(first.attempt_id, Outcome.REVERSED, receipt=BACK) is None

    assert kinds(world) == []
    world.assert_sound()
    world.clock.advance(days=1)
    [again] = world.send_due()
    assert world.paid(again.attempt_id, OUT) is None
    assert world.balance("suspense:daraja") == kes(0)
    world.assert_sound()


def test_wrong_money_whose_tries_all_failed_is_a_case_however_the_first_one_did(
    world: World,
) -> None:
    assert world.paybill("NOBODY", kes(500)) is None
    [first] = world.send_due()
    assert world.tell(first.attempt_id, Outcome.REVERSED, receipt=BACK) is None
    for _ in range(RETURN_TRIES_MAX - 1):
        world.clock.advance(days=1)
        [again] = world.send_due()
        assert world.tell(again.attempt_id, Outcome.FAILED) is None

    world.clock.advance(days=1)
    assert world.send_due() == []
    assert kinds(world) == [CaseKind.RETURN_FAILED]
    world.assert_sound()


def test_of_two_that_went_the_one_that_comes_back_fills_the_hole(world: World) -> None:
    """A try that had been given up went through as well; then one of the two returns."""
    booking = cancelled(world)
    first = sent(world)
    world.failed(first)
    world.clock.advance(hours=2)
    [second] = world.send_due()
    assert world.paid(second.attempt_id, OUT) is None
    assert world.paid(first, "SFG2LATE") is None
    assert world.balance("suspense:daraja") == -GOLDEN

    assert world.tell(second.attempt_id, Outcome.REVERSED, receipt=BACK) is None

    assert world.balance("suspense:daraja") == kes(0)
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("float:daraja") == kes(0), "the customer has it, once"
    assert CaseKind.CAME_BACK not in kinds(world)
    world.assert_sound()


def test_one_that_fails_again_after_a_person_sent_it_is_a_case_again(world: World) -> None:
    _, refund = refunded(world)
    came_back(world)
    world.run(lambda tx: refunds.retry_refund(tx, refund.id))
    for _ in range(REFUND_TRIES_MAX):
        world.clock.advance(hours=2)
        for request in world.send_due():
            world.failed(request.attempt_id)
    assert kinds(world) == [CaseKind.REFUND_FAILED]

    world.run(lambda tx: refunds.retry_refund(tx, refund.id))
    assert kinds(world) == []
    world.failed(sent(world))

    assert kinds(world) == [CaseKind.REFUND_FAILED], "closed by itself, and found once more"


def test_a_person_books_what_only_the_statement_shows(world: World) -> None:
    booking, refund = refunded(world)

    cents = world.run(lambda tx: book_reversal(tx, "daraja", OUT, " sfr1back "))

    assert cents == GOLDEN.cents
    assert state(world, refund) is RefundState.REVERSED
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert BACK in {receipt.number for receipt in world.receipts()}
    with pytest.raises(NotFound):
        world.run(lambda tx: book_reversal(tx, "daraja", OUT, "SFR2"))
    with pytest.raises(NotFound):
        world.run(lambda tx: book_reversal(tx, "daraja", "SFF6XYQ1AB", "SFR2"))


def test_what_has_no_number_of_its_own_is_booked_as_the_export_shows_it(world: World) -> None:
    refunded(world)
    [attempt] = world.attempts(Kind.RETURN)
    shown = f"reversal:{attempt.id}"

    world.run(lambda tx: book_reversal(tx, "daraja", OUT, f" {shown} "))

    assert shown in {receipt.number for receipt in world.receipts()}


def test_a_number_that_was_seen_books_nothing(world: World) -> None:
    booking, _ = refunded(world)
    with pytest.raises(Refused) as refused:
        world.run(lambda tx: book_reversal(tx, "daraja", OUT, "SFF6XYQ1AB"))
    assert refused.value.code == "number_seen"
    assert world.balance(f"escrow:{booking.code}") == kes(0)


def test_its_provider_is_asked_before_anything_is_believed(world: World) -> None:
    """A webhook says that it came back; until the provider says so itself, nothing changes."""
    booking, _ = refunded(world)
    [attempt] = world.attempts(Kind.RETURN)
    look = partial(look_now, provider="daraja", attempt_id=attempt.id, kinds=tuple(Kind))
    assert world.run(look) == "repeat"
    assert world.run(partial(look, came_back=True)) is None

    begun = world.run(lambda tx: attempts.begin(tx, attempt.id))

    assert begun is not None
    assert not isinstance(begun, PayRequest), "it is asked about, not sent"
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.send_due() == [], "one question, and no more"


def test_wrong_money_that_went_back_twice_is_a_case(world: World) -> None:
    """The first try was given up, and had gone through all the same."""
    assert world.paybill("NOBODY", GOLDEN) is None
    first = sent(world)
    world.failed(first)
    world.clock.advance(seconds=RETURN_RETRY_SECONDS)
    assert world.paid(sent(world), "SFFTRY0002") is None
    assert kinds(world) == []

    assert world.paid(first, "SFFTRY0001") is None

    assert world.balance("suspense:daraja") == -GOLDEN
    [case] = world.run(lambda tx: (sweep(tx), open_cases(tx))[1])
    assert (case.kind, case.amount_cents) == (CaseKind.OVERPAID, GOLDEN.cents)
    world.assert_sound()
