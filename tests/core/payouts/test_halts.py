"""Nothing is sent through a provider that cannot pay, and it goes on when it can."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.cases.model import Case, CaseKind, CaseState
from core.cases.sweep import sweep
from core.catalog.model import Listing
from core.catalog.rules import BookingMode
from core.limits import (
    BALANCE_AGAIN_SECONDS,
    BALANCE_FRESH_SECONDS,
    BALANCE_SHORT_SECONDS,
    PAYOUT_OUR_RETRY_SECONDS,
)
from core.money import Money, kes
from core.payments import attempts
from core.payments.model import Kind
from core.payouts import balances, halts, runs, usecases
from core.payouts.details import find_vendor
from core.payouts.halts import HaltReason
from core.payouts.model import PayoutState
from core.payouts.rules import next_run
from core.ports.money import Balance, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import World
from tests.core.payouts.steps import read, send, the_payout
from tests.support.factories import OTHER_VENDOR, make_listing, make_vendor

ACCOUNTS = ("600124", "600123")
PLENTY = kes(1_000_000)


def ask(world: World) -> list[balances.BalanceReading]:
    return world.run(lambda tx: balances.begin_round(tx, "daraja", ACCOUNTS))


def answer(world: World, reading_id: UUID, available: Money) -> Any:
    told = Balance("daraja", available, available, Money(0))
    return world.run(lambda tx: balances.answered(tx, reading_id, told))


def tell_balance(world: World, available: Money) -> None:
    """A round is asked now and the paying account answers."""
    answer(world, ask(world)[0].id, available)


def halted(world: World) -> list[tuple[str, str]]:
    return [(halt.provider, halt.reason.value) for halt in world.run(halts.halts)]


def half_past_five(world: World) -> datetime:
    return next_run(world.clock.now()) - timedelta(minutes=30)


def asked_at(world: World) -> datetime:
    query = select(balances.BalanceReading.asked_at).limit(1)
    return world.run(lambda tx: tx.db.scalars(query).one())


def test_what_failed_on_our_side_halts_the_provider_and_is_no_try(world: World) -> None:
    world.released()
    payout = the_payout(world)

    for reason, halt in halts.OUR_SIDE.items():
        world.failed(send(world).attempt_id, reason)

        assert halted(world) == [("daraja", halt.value)]
        world.clock.advance(seconds=PAYOUT_OUR_RETRY_SECONDS)
        world.pay_out()
        assert world.send_due() == [], "planned, and it waits"
        assert world.run(lambda tx: halts.resume(tx, "daraja"))
    assert read(world, payout).tries == 0
    world.paid(send(world).attempt_id, "SFG1")
    assert read(world, payout).state is PayoutState.PAID
    world.assert_sound()


def test_a_vendor_whose_number_is_wrong_halts_nobody_else(world: World) -> None:
    world.released()
    the_payout(world)
    world.failed(send(world).attempt_id, Reason.BAD_RECIPIENT)
    assert halted(world) == []


def test_a_worker_that_looked_before_the_halt_sends_nothing_after_it(world: World) -> None:
    world.released()
    the_payout(world)
    [due] = world.run(lambda tx: attempts.due_attempts(tx, 10, [Kind.PAYOUT]))
    world.run(lambda tx: halts.halt(tx, "daraja", HaltReason.CREDENTIALS, "2001"))

    assert world.run(lambda tx: attempts.begin(tx, due)) is None
    assert world.run(lambda tx: attempts.due_attempts(tx, 10, [Kind.PAYOUT])) == []

    world.run(lambda tx: halts.resume(tx, "daraja"))
    assert world.run(lambda tx: attempts.begin(tx, due)) is not None


def test_while_money_is_wanting_what_has_left_is_still_asked_about(world: World) -> None:
    world.released()
    the_payout(world)
    send(world)
    world.run(lambda tx: halts.halt(tx, "daraja", HaltReason.LOW_FLOAT, "1"))
    world.clock.advance(hours=2)
    assert len(world.run(lambda tx: attempts.due_attempts(tx, 10, [Kind.PAYOUT]))) == 1

    world.run(lambda tx: halts.halt(tx, "daraja", HaltReason.CREDENTIALS, "8006"))
    assert world.run(lambda tx: attempts.due_attempts(tx, 10, [Kind.PAYOUT])) == []


def test_credentials_are_not_forgotten_for_want_of_money(world: World) -> None:
    world.run(lambda tx: halts.halt(tx, "daraja", HaltReason.CREDENTIALS, "2001"))
    world.run(lambda tx: halts.halt(tx, "daraja", HaltReason.LOW_FLOAT, "1"))
    assert halted(world) == [("daraja", "credentials")]
    assert ask(world) != [], "never asked before"
    world.clock.advance(days=2)
    assert ask(world) == [], "a question brings the lock closer, too"


def test_a_run_that_a_balance_does_not_cover_sends_nothing(world: World) -> None:
    """Asked half an hour before; too little, so that not even the first one goes out."""
    world.released()
    world.clock.set(half_past_five(world))
    tell_balance(world, kes(39_999))
    payout = the_payout(world)
    assert halted(world) == [("daraja", "low_float")]
    assert world.send_due() == []
    world.run(sweep)
    case = world.run(lambda tx: tx.db.scalars(select(Case)).one())
    assert (case.kind, case.amount_cents) == (CaseKind.PAYOUTS_HALTED, kes(40_000).cents)

    world.clock.advance(seconds=BALANCE_SHORT_SECONDS)
    tell_balance(world, kes(40_000))
    assert halted(world) == [], "somebody has brought money, and nobody had to say so"
    world.paid(send(world).attempt_id, "SFG1")
    assert read(world, payout).state is PayoutState.PAID
    world.run(sweep)
    closed = world.run(lambda tx: tx.db.get_one(Case, case.id))
    assert closed.state is CaseState.CLOSED


def another_vendor_is_owed(world: World) -> None:
    def draft(tx: Any) -> Listing:
        listing = make_listing(tx, make_vendor(tx, OTHER_VENDOR), booking_mode=BookingMode.INSTANT)
        tx.db.refresh(listing, ["number"])
        return listing

    world.released("SFF2", listing=world.run(draft))


def test_a_run_that_is_not_covered_is_halted_before_its_first_payment(world: World) -> None:
    """Vendors are paid by the hundred; the balance covers the first of them, not all."""
    world.released()
    another_vendor_is_owed(world)
    world.clock.set(half_past_five(world))
    tell_balance(world, kes(79_999))
    world.clock.set(next_run(world.clock.now()))

    assert world.run(runs.open_run) is not None

    assert halted(world) == [("daraja", "low_float")]
    assert world.run(lambda tx: usecases.make_payout(tx, world.vendor.id)) is not None
    assert world.send_due() == [], "though there is enough for this one"


def test_whoever_may_not_be_paid_needs_no_cover(world: World) -> None:
    world.released()
    another_vendor_is_owed(world)
    number = world.vendor.number
    world.run(lambda tx: usecases.hold_by_admin(tx, find_vendor(tx, number), "a call first"))
    world.clock.set(half_past_five(world))
    tell_balance(world, kes(40_000))

    assert len(world.monday()) == 2

    assert halted(world) == []
    assert send(world).msisdn == OTHER_VENDOR


def test_an_old_balance_halts_nothing(world: World) -> None:
    world.released()
    tell_balance(world, kes(1))
    world.clock.advance(seconds=BALANCE_FRESH_SECONDS + 1)
    the_payout(world)
    assert halted(world) == []


def test_a_balance_from_before_the_halt_does_not_end_it(world: World) -> None:
    world.released()
    world.clock.set(half_past_five(world))
    tell_balance(world, PLENTY)
    the_payout(world)
    world.failed(send(world).attempt_id, Reason.NO_FLOAT)
    world.clock.advance(seconds=PAYOUT_OUR_RETRY_SECONDS)
    world.pay_out()

    assert halted(world) == [("daraja", "low_float")]


def test_money_that_left_since_the_balance_was_told_is_counted(world: World) -> None:
    world.released()
    world.clock.set(half_past_five(world))
    tell_balance(world, kes(50_000))
    the_payout(world)
    world.paid(send(world).attempt_id, "SFG1")
    planned = world.run(lambda tx: balances.planned_cents(tx, "daraja", since=asked_at(world)))
    assert planned == kes(40_000).cents


def test_balances_are_asked_once_a_day_before_payouts_are_made(world: World) -> None:
    first = ask(world)
    assert [(reading.account, reading.pays) for reading in first] == [
        ("600124", True),
        ("600123", False),
    ]
    assert ask(world) == []
    world.clock.advance(seconds=BALANCE_AGAIN_SECONDS)
    again = ask(world)
    assert len(again) == 2, "nobody has answered"
    for reading in again:
        answer(world, reading.id, PLENTY)
    world.clock.advance(seconds=BALANCE_AGAIN_SECONDS)
    assert ask(world) == []

    world.clock.set(half_past_five(world))
    assert len(ask(world)) == 2


def test_an_answer_counts_once_and_only_to_a_question(world: World) -> None:
    reading = ask(world)[0]
    world.run(lambda tx: balances.unanswered(tx, reading.id, "queue_timeout"))
    kept = answer(world, reading.id, PLENTY)
    assert (kept.available_cents, kept.code) == (PLENTY.cents, None)
    assert answer(world, reading.id, kes(1)) is None
    assert answer(world, UUID(int=7), kes(1)) is None


def test_a_stop_that_a_provider_answers_at_once_halts_it(world: World) -> None:
    world.run(
        lambda tx: halts.halt_on_stop(tx, "daraja", ProviderError("misconfigured", stop=True))
    )
    assert halted(world) == [("daraja", "configuration")]
