"""One payment, three tellers: a callback, a paybill's confirmation, an answer to a question.

The first two name the receipt, the third does not. Whatever comes first, the money counts once;
and two payments are never taken for one when their receipts show that they were two.
"""

from collections.abc import Callable
from itertools import permutations

import pytest

from core.booking.cancel import cancel_by_vendor
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.errors import Refused
from core.money import Money, kes
from core.payments import settle, suspense
from core.payments.model import Attempt, Kind
from core.payments.paybill import Fit, judge
from core.ports.money import MoneyEvent, Outcome
from tests.core.booking.world import GOLDEN, RECEIPT, World

BY_HAND = "SFF6XYQ2CD"
TELLERS = ("callback", "paybill", "question")


def told(world: World, teller: str, booking: Booking, attempt: Attempt) -> str | None:
    if teller == "paybill":
        return world.paybill(booking.code, GOLDEN, RECEIPT, payer=None)
    return world.paid(attempt, RECEIPT if teller == "callback" else None)


@pytest.mark.parametrize("order", list(permutations(TELLERS)), ids="-".join)
def test_the_same_payment_told_three_ways_counts_once(
    world: World, order: tuple[str, ...]
) -> None:
    booking = world.book()
    attempt = world.prompt(booking)

    for teller in order:
        told(world, teller, booking, attempt)
    for teller in order:
        assert told(world, teller, booking, attempt) == "repeat"

    assert world.state(booking) is State.CONFIRMED
    assert world.balance("float:daraja") == world.balance(f"escrow:{booking.code}") == GOLDEN
    assert [receipt.number for receipt in world.receipts()] == [RECEIPT]
    assert world.attempts(Kind.RETURN) == []
    assert world.notices()["confirmed_customer"] == 1
    world.assert_sound()


def test_a_success_learned_by_asking_gets_its_receipt_later(world: World) -> None:
    booking = world.book()
    attempt = world.prompt(booking)

    assert world.paid(attempt, None) is None
    assert world.receipts()[0].number == f"attempt:{attempt.id}"
    assert world.notice("confirmed_customer")["receipt"] is None

    assert world.paid(attempt, RECEIPT) == "repeat"
    assert world.receipts()[0].number == RECEIPT
    world.assert_sound()


@pytest.mark.parametrize("first", ["paybill", "question"])
def test_a_payment_by_hand_that_was_taken_for_the_prompts_is_found_out(
    world: World, first: str
) -> None:
    """Paid by hand and by prompt: only the prompt's late callback shows that there were two."""
    booking = world.book()
    attempt = world.prompt(booking)
    tellers = [
        lambda: world.paybill(booking.code, GOLDEN, BY_HAND, payer=None),
        lambda: world.paid(attempt, None),
    ]
    for tell in tellers if first == "paybill" else reversed(tellers):
        tell()
    assert len(world.receipts()) == 1

    assert world.paid(attempt, RECEIPT) is None

    assert {receipt.number for receipt in world.receipts()} == {RECEIPT, BY_HAND}
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.balance("suspense:daraja") == GOLDEN
    assert world.paid(attempt, RECEIPT) == "repeat"
    assert world.paybill(booking.code, GOLDEN, BY_HAND, payer=None) == "repeat"
    world.assert_sound()


def test_a_later_receipt_does_not_rename_an_earlier_one(world: World) -> None:
    booking = world.book()
    attempt = world.prompt(booking)
    world.paid(attempt, RECEIPT)

    assert world.paid(attempt, "SFF9999999") == "repeat"

    assert [receipt.number for receipt in world.receipts()] == [RECEIPT]
    world.assert_sound()


def test_a_booking_code_is_understood_as_people_type_it(world: World) -> None:
    ways: list[Callable[[str], str]] = [str, str.lower, " ".join, "-{}- ".format, "{}.".format]
    for turn, typed in enumerate(ways):
        booking = world.book(in_days=10 + turn)

        assert world.paybill(typed(booking.code), GOLDEN, f"SFF000000{turn}") is None

        assert world.state(booking) is State.CONFIRMED
        assert world.balance(f"escrow:{booking.code}") == GOLDEN


def test_what_cannot_be_sent_back_waits_for_a_person(world: World) -> None:
    """Below the provider's least, or with cents that it does not move."""
    assert world.paybill("ZZZZZ", kes(9), RECEIPT) is None
    assert world.paybill("ZZZZZ", kes(500, 50), BY_HAND) is None

    assert world.send_due() == []
    assert world.balance("suspense:daraja") == kes(509, 50)
    assert all(receipt.suspense for receipt in world.receipts())
    world.assert_sound()


def test_money_for_an_account_that_nobody_knows_goes_back(world: World) -> None:
    for turn, account in enumerate(["ZZZZZ", "", "rent november", "🏠" * 30, "*" * 500]):
        assert world.paybill(account, kes(1_000), f"SFF{turn}") is None

        [back] = world.send_due()
        assert back.amount == kes(1_000)
        assert world.paid(back.attempt_id, f"SFG{turn}") is None
        assert world.balance("suspense:daraja") == world.balance("float:daraja") == kes(0)
    assert not world.notices(), "nobody knows whom to tell"
    world.assert_sound()


def test_money_of_a_masked_number_waits_for_a_person(world: World) -> None:
    booking = world.confirmed()

    assert world.paybill(booking.code, GOLDEN, BY_HAND, payer=None) is None

    assert world.attempts(Kind.RETURN) == []
    assert world.balance("suspense:daraja") == GOLDEN
    assert world.paybill(booking.code, GOLDEN, BY_HAND, payer=None) == "repeat"


def test_a_payment_by_hand_of_a_masked_number_confirms(world: World) -> None:
    booking = world.book()
    assert world.paybill(booking.code, GOLDEN, payer=None) is None
    assert world.state(booking) is State.CONFIRMED


def test_a_paybill_word_that_is_no_payment_changes_nothing(world: World) -> None:
    booking = world.book()

    for over in (
        {"receipt": None, "amount": GOLDEN, "outcome": Outcome.SUCCEEDED},
        {"receipt": RECEIPT, "amount": None, "outcome": Outcome.SUCCEEDED},
        {"receipt": RECEIPT, "amount": GOLDEN, "outcome": Outcome.FAILED},
    ):
        event = MoneyEvent("daraja", account=booking.code, **over)
        assert world.run(lambda tx, event=event: settle.apply(tx, event)) == "no_receipt"

    assert world.receipts() == []
    assert world.state(booking) is State.AWAITING_PAYMENT


def test_a_payment_with_odd_cents_is_kept_apart_and_counts_for_no_booking(world: World) -> None:
    """What is left to pay and what goes back stay whole shillings, as M-Pesa moves them."""
    booking = world.hold()
    assert world.paybill(booking.code, kes(100, 50), "SFF0000001") is None
    assert world.balance("suspense:daraja") == kes(100, 50)
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    [odd] = world.receipts()
    with pytest.raises(Refused, match="odd_cents"):
        world.run(lambda tx: suspense.match(tx, odd.id, booking.code))
    assert world.send_due() == [], "M-Pesa sends no cents either: it waits for a person"

    # The whole price is still asked for, and a price paid too high by cents breaks nothing.
    assert world.prompt(booking).amount_cents == booking.total_cents
    world.paybill(booking.code, Money(booking.total_cents + 50), "SFF0000002")
    assert world.state(booking) is State.AWAITING_PAYMENT
    world.paid(world.attempts(Kind.COLLECTION)[0])
    world.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))
    [back] = world.attempts(Kind.RETURN)
    assert back.amount_cents == booking.total_cents
    world.assert_sound()


def test_the_paybill_says_beforehand_what_would_fit(world: World) -> None:
    booking = world.book()

    def judged(account: str, shillings: int, cents: int = 0) -> Fit:
        return world.run(lambda tx: judge(tx, account, kes(shillings, cents)))

    assert judged(f" {booking.code.lower()} ", 66_700) is Fit.FITS
    assert judged(booking.code, 66_699) is Fit.FITS
    assert judged(booking.code, 66_701) is Fit.WRONG_AMOUNT
    assert judged(booking.code, 66_699, 50) is Fit.WRONG_AMOUNT
    assert judged("ZZZZZ", 66_700) is Fit.NO_ACCOUNT
    world.withdraw(booking)
    assert judged(booking.code, 66_700) is Fit.NO_ACCOUNT
