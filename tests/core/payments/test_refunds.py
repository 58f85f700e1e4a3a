"""Money on its way back: parts, silence, failures, and never more than came, however many ask."""

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import select, text

from core.booking import cancel
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases as listed_cases
from core.cases.sweep import sweep
from core.db.tx import Tx
from core.errors import IllegalMove, Refused, Unposted
from core.invariants.run import open_cases, run_all
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS, REFUND_TRIES_MAX
from core.money import Money, kes
from core.payments import attempts, refunds
from core.payments.lifecycle import AttemptState, RefundState
from core.payments.model import Attempt, Kind, Receipt, Refund
from core.ports.money import Outcome, PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, World
from tests.core.escrow.tools import number, run_sql, together
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

BACK = "SFG1REFUND"
CALLERS = 8


def cancelled(world: World) -> Booking:
    """A golden booking that its vendor has cancelled: all of it goes back."""
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
    return booking


def sent(world: World) -> Attempt:
    """The refund's next try, sent and taken by the provider."""
    world.clock.advance(hours=1)
    [request] = world.send_due()
    assert isinstance(request, PayRequest)
    return world.run(lambda tx: tx.db.get_one(Attempt, request.attempt_id))


def refunds_of(world: World, booking: Booking) -> list[Refund]:
    return world.run(lambda tx: refunds.refunds_of(tx, booking.id))


def plan(world: World, booking: Booking, amount: Money) -> list[Refund]:
    return world.run(lambda tx: refunds.plan_refund(tx, lock_booking(tx, booking.id), amount))


def cases(world: World) -> int:
    return world.run(lambda tx: open_cases(tx)["refunds_failed"])


def test_it_goes_to_the_phone_that_paid_not_to_the_one_that_booked(world: World) -> None:
    booking = world.hold()
    world.paid(world.prompt(booking, OTHER_CUSTOMER))
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [request] = world.send_due()

    assert (request.msisdn, request.amount) == (OTHER_CUSTOMER, GOLDEN)
    assert "money_returned" not in world.told(CUSTOMER)
    world.paid(request.attempt_id, BACK)
    assert world.told(CUSTOMER)[-1] == "money_returned"


def test_a_payer_whom_the_paybill_hides_is_the_one_who_booked(world: World) -> None:
    booking = world.hold()
    assert world.paybill(booking.code, GOLDEN, payer=None) is None
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    [request] = world.send_due()

    assert request.msisdn == CUSTOMER


def test_evidence_that_comes_twice_is_one_refund(world: World) -> None:
    booking = cancelled(world)
    attempt = sent(world)

    assert world.paid(attempt, BACK) is None
    assert world.paid(attempt, BACK) == "repeat"

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.notices()["money_returned"] == 1
    world.assert_sound()


def test_silence_is_asked_about_and_nothing_is_sent_again(world: World) -> None:
    booking = cancelled(world)
    attempt = sent(world)
    world.tell(attempt, Outcome.UNKNOWN)

    world.clock.advance(hours=2)
    begun = world.run(lambda tx: attempts.begin(tx, attempt.id))

    assert isinstance(begun, Attempt), "it is asked about"
    assert len(world.attempts(Kind.RETURN)) == 1
    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert world.paid(attempt, BACK) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    world.assert_sound()


def test_an_answer_that_was_lost_leads_to_the_same_attempt_again(world: World) -> None:
    cancelled(world)
    [attempt] = world.attempts(Kind.RETURN)
    first = world.run(lambda tx: attempts.begin(tx, attempt.id))
    lost = ProviderError("timeout", unknown=True)
    assert world.run(lambda tx: attempts.refused(tx, attempt.id, lost)) is AttemptState.UNKNOWN

    again = None
    for _ in range(10):
        world.clock.advance(hours=2)
        again = world.run(lambda tx: attempts.begin(tx, attempt.id))
        if isinstance(again, PayRequest):
            break

    assert again == first, "by the same id, which the provider pays once"


def test_a_refund_that_fails_is_tried_three_times_more_and_then_is_a_case(world: World) -> None:
    booking = cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        assert cases(world) == 0
        world.failed(sent(world), Reason.UNREACHABLE)

    [refund] = refunds_of(world, booking)
    assert (refund.state, refund.reason) == (RefundState.FAILED, Reason.UNREACHABLE)
    assert len(world.attempts(Kind.RETURN)) == REFUND_TRIES_MAX
    assert cases(world) == 1
    world.clock.advance(days=2)
    assert world.send_due() == []
    assert world.balance(f"escrow:{booking.code}") == GOLDEN, "the money is still the customer's"
    world.assert_sound()


def test_a_person_sends_a_failed_refund_to_another_number(world: World) -> None:
    booking = cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        world.failed(sent(world), Reason.BAD_RECIPIENT)
    [waiting] = world.run(refunds.failed_refunds)

    world.run(lambda tx: refunds.retry_refund(tx, waiting.id, OTHER_CUSTOMER))

    with pytest.raises(IllegalMove):
        world.run(lambda tx: refunds.retry_refund(tx, waiting.id))
    attempt = sent(world)
    assert attempt.msisdn == OTHER_CUSTOMER
    assert world.paid(attempt, BACK) is None
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.run(refunds.failed_refunds) == []
    world.assert_sound()


def test_a_late_success_beats_the_failure_and_stops_the_next_try(world: World) -> None:
    booking = cancelled(world)
    first = sent(world)
    world.failed(first)
    assert len(world.attempts(Kind.RETURN)) == 2

    assert world.paid(first, BACK) is None

    world.clock.advance(hours=2)
    assert world.send_due() == []
    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert [refund.state for refund in refunds_of(world, booking)] == [RefundState.RETURNED]
    world.assert_sound()


def test_a_second_try_that_went_through_as_well_is_missed_from_suspense(world: World) -> None:
    booking = cancelled(world)
    first = sent(world)
    world.failed(first)
    second = sent(world)
    assert world.paid(second, BACK) is None

    assert world.paid(first, "SFG2REFUND") is None

    assert world.balance(f"escrow:{booking.code}") == kes(0)
    assert world.balance("suspense:daraja") == -GOLDEN
    assert world.notices()["money_returned"] == 1
    world.assert_sound()


def raised(world: World, booking: Booking, cents: int) -> None:
    """Make a paid booking as if it had cost more: no single payment carries it today."""
    extra = cents - booking.total_cents
    statement = (
        "UPDATE bookings SET total_cents = total_cents + {0}, rounding_cents = {0},"
        f" received_cents = received_cents + {{0}} WHERE code = '{booking.code}'; "
        "UPDATE receipts SET amount_cents = amount_cents + {0}"
    )
    run_sql(world.database, statement.format(extra))


@pytest.mark.parametrize(
    ("cents", "parts"),
    [
        (MPESA_MAX_CENTS, [MPESA_MAX_CENTS]),
        (MPESA_MAX_CENTS + 100, [MPESA_MAX_CENTS - B2C_MIN_CENTS, B2C_MIN_CENTS + 100]),
        (2 * MPESA_MAX_CENTS + 5_000_000, [MPESA_MAX_CENTS, MPESA_MAX_CENTS, 5_000_000]),
    ],
)
def test_what_one_payment_cannot_carry_goes_in_parts(
    world: World, cents: int, parts: list[int]
) -> None:
    booking = world.confirmed()
    raised(world, booking, cents)

    plan(world, booking, Money(cents))

    assert [each.amount.cents for each in world.send_due()] == parts


def test_refunds_go_back_over_the_payments_newest_first_each_up_to_what_it_brought(
    world: World,
) -> None:
    booking = world.confirmed()
    world.clock.advance(hours=1)
    world.run(
        lambda tx: tx.db.add(
            Receipt(
                id=tx.ids.uuid(),
                provider="daraja",
                number="SFF6XYQ2CD",
                direction="in",
                amount_cents=kes(10_000).cents,
                booking_id=booking.id,
                suspense=False,
                payer=OTHER_CUSTOMER,
                at=tx.now,
            )
        )
    )

    made = plan(world, booking, kes(15_000)) + plan(world, booking, kes(51_700))

    assert [(each.msisdn, each.amount_cents) for each in made] == [
        (OTHER_CUSTOMER, kes(10_000).cents),
        (CUSTOMER, kes(5_000).cents),
        (CUSTOMER, kes(51_700).cents),
    ]


def test_less_than_mpesa_sends_is_a_case_at_once(world: World) -> None:
    booking = world.confirmed()

    plan(world, booking, kes(9))

    assert world.send_due() == []
    assert cases(world) == 1
    [waiting] = world.run(refunds.failed_refunds)
    with pytest.raises(Refused, match="too_small"):
        world.run(lambda tx: refunds.retry_refund(tx, waiting.id))


def test_more_than_is_left_is_refused(world: World) -> None:
    booking = world.confirmed()
    plan(world, booking, kes(60_000))

    with pytest.raises(Refused, match="over_refund") as refused:
        plan(world, booking, kes(6_701))

    assert refused.value.data == {"left_cents": kes(6_700).cents}
    assert len(refunds_of(world, booking)) == 1
    plan(world, booking, kes(6_700))


@pytest.mark.parametrize("when", ["unpaid", "released", "cancelled"])
def test_what_is_not_in_escrow_any_more_or_not_yet_is_not_given_back(
    world: World, when: str
) -> None:
    booking = world.hold() if when == "unpaid" else world.confirmed()
    if when == "released":
        for _ in range(2):
            world.clock.set(world.due(booking))
            world.fire()
    if when == "cancelled":
        world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))
    before = len(refunds_of(world, booking))

    with pytest.raises(Refused, match="over_refund") as refused:
        plan(world, booking, kes(100))

    assert refused.value.data == {"left_cents": 0}
    assert len(refunds_of(world, booking)) == before
    world.assert_sound()


def test_a_booking_whose_money_went_back_in_part_releases_the_rest(world: World) -> None:
    """Half of it went back; the vendor has the service's other half."""
    booking = world.confirmed()
    plan(world, booking, kes(33_350))
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()

    assert world.balance(f"payable:{world.vendor.number}") == kes(20_000)
    assert world.balance(f"escrow:{booking.code}") == kes(33_350)
    world.assert_sound()
    [payout] = world.monday()
    assert payout.amount_cents == kes(20_000).cents


# Many at once.


def test_eight_refunds_at_once_never_give_back_more_than_came(world: World) -> None:
    booking = world.confirmed()

    results = together(CALLERS, lambda _: plan(world, booking, kes(20_000)))

    assert Counter(type(each).__name__ for each in results) == {"list": 3, "Refused": 5}
    assert planned(world) == kes(60_000).cents
    world.assert_sound()


def one_race(world: World, chance: Random, round_: int) -> None:
    """Eight at once: refunds of all and of parts, cancellations, a second payment sent back."""
    booking = world.confirmed(f"SFR{round_:05}")
    parts = [kes(chance.choice([66_700, chance.randrange(10, 66_700)])) for _ in range(CALLERS)]
    cancels = chance.random() < 0.5

    def one(i: int) -> object:
        if i == 0:
            return world.paybill(booking.code, GOLDEN, f"SFD{round_:05}")
        if i == 1 and cancels:
            return world.run(
                lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id)
            )
        return plan(world, booking, parts[i])

    results = together(CALLERS, one)

    assert {type(each) for each in results} <= {type(None), list, Booking, Refused, IllegalMove}
    made = refunds_of(world, booking)
    assert sum(each.amount_cents for each in made) <= GOLDEN.cents
    if not cancels:
        assert world.state(booking) is State.CONFIRMED, "the good booking survives"
    extra = [each for each in world.attempts(Kind.RETURN) if each.refund_id is None]
    assert [each.amount_cents for each in extra if each.booking_id == booking.id] == [GOLDEN.cents]


@pytest.mark.parametrize(
    "rounds", [20, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
def test_races_of_refunds_cancellations_and_a_second_payment(world: World, rounds: int) -> None:
    chance = Random(20261120)
    big = replace(world, listing=world.another_listing(units=rounds))

    for round_ in range(rounds):
        one_race(big, chance, round_)

    big.assert_sound()


def test_a_refunds_reasons_are_those_of_attempts(world: World) -> None:
    check = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"
    shown = world.run(
        lambda tx: tx.db.execute(text(check), {"name": "ck_refunds_reason"}).scalar_one()
    )

    assert set(re.findall(r"'(\w+)'", shown)) == {reason.value for reason in Reason}


def test_eight_cancellations_at_once_are_one(world: World) -> None:
    booking = world.confirmed()

    def one(i: int) -> None:
        if i % 2:
            world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))
        else:
            world.run(lambda tx: cancel.cancel_by_customer(tx, booking.id, booking.customer_id))

    results = together(CALLERS, one)

    assert Counter(type(each).__name__ for each in results) == {"NoneType": 1, "IllegalMove": 7}
    assert planned(world) <= GOLDEN.cents
    assert len(world.attempts(Kind.RETURN)) == 1
    world.assert_sound()


def planned(world: World) -> int:
    return number(world.database, "SELECT sum(amount_cents) FROM refunds")


def plan_unlocked(world: World, booking: Booking) -> None:
    """Plan as one would without thinking of others: look, then write; no lock."""

    def work(tx: Tx) -> None:
        seen = tx.db.scalars(select(Booking).where(Booking.id == booking.id)).one()
        tx.db.execute(text("SELECT pg_sleep(0.05)"))
        refunds.plan_refund(tx, seen, kes(20_000))

    world.run(work)


def test_without_the_lock_more_would_go_back_than_came(world: World) -> None:
    """The negative control: each caller counts from what it saw, and the CHECK sees no wrong."""
    booking = world.confirmed()

    together(CALLERS, lambda _: plan_unlocked(world, booking))

    assert planned(world) > GOLDEN.cents
    broken = {each.invariant for each in world.run(run_all)}
    assert "I6" in broken, "the live checker says so"


def test_even_then_the_ledger_lets_no_more_out_of_escrow_than_came(world: World) -> None:
    booking = world.confirmed()
    together(CALLERS, lambda _: plan_unlocked(world, booking))
    requests = world.send_due()
    assert len(requests) > 3

    for i, request in enumerate(requests[:3]):
        assert world.paid(request.attempt_id, f"SFG1REFUN{i}") is None

    with pytest.raises(Unposted) as refused:
        world.paid(requests[3].attempt_id, "SFG1REFUN3")

    assert refused.value.data["reason"] == "overdrawn"
    assert world.balance(f"escrow:{booking.code}") == kes(6_700)


def test_a_refund_has_one_open_try(world: World) -> None:
    booking = cancelled(world)
    [refund] = refunds_of(world, booking)

    with pytest.raises(Exception, match="uq_attempts_open_refund"):
        world.run(lambda tx: refunds._new_attempt(tx, refund, booking.code, 0))

    assert world.state(booking) is State.CANCELLED


def test_a_failed_refund_is_on_the_case_list_until_it_has_gone(world: World) -> None:
    cancelled(world)
    for _ in range(REFUND_TRIES_MAX):
        world.failed(sent(world), Reason.BAD_RECIPIENT)
    world.run(sweep)
    [case] = world.run(listed_cases)
    assert (case.kind, case.amount_cents) == (CaseKind.REFUND_FAILED, GOLDEN.cents)

    [waiting] = world.run(refunds.failed_refunds)
    world.run(lambda tx: refunds.retry_refund(tx, waiting.id, OTHER_CUSTOMER))
    assert world.paid(sent(world), BACK) is None
    world.run(sweep)

    assert world.run(listed_cases) == []
