"""Locks of payouts: who is paid where, what is held, what came back, what a provider holds."""

from sqlalchemy import select, update

from core.db.tx import Tx
from core.money import Money, kes
from core.payments import attempts
from core.payments.looked_up import book_reversal
from core.payouts import details
from core.payouts import usecases as payouts
from core.payouts.balances import BalanceReading, answered, begin_round
from core.payouts.rules import next_run
from core.payouts.runs import open_run
from core.people.model import PayoutMethod, Vendor
from core.ports.money import Balance, Outcome
from core.reconcile.balance import compare
from tests.core.booking.world import PROVIDER, World
from tests.core.payouts.steps import fail_three_times, send, the_payout
from tests.guards.guard import Guard, Removal, both_do, lock, meet_in, swapped, words
from tests.guards.guard import Kind as GuardKind
from tests.support.factories import OTHER_VENDOR

ACCOUNTS = ["600123"]


def _one_week(world: World) -> None:
    world.clock.set(next_run(world.clock.now()))

    results = both_do(world, open_run, r"^SELECT payout_runs")

    assert results[0] == results[1], "both go through the same run"


def _checked_and_changed(world: World) -> None:
    number = world.vendor.number
    elsewhere = {"msisdn": OTHER_VENDOR}
    world.clock.advance(hours=1)

    meet_in(
        world,
        lambda: world.run(lambda tx: details.verify(tx, number, kyc=False, payout=True)),
        r"FROM vendors",
        lambda: world.run(
            lambda tx: details.change_details(tx, number, PayoutMethod.MPESA, elsewhere)
        ),
    )

    vendor = world.run(lambda tx: tx.db.get_one(Vendor, world.vendor.id))
    assert vendor.payout_verified_at is None, "nobody has looked at the new place"


def _checked_since_it_was_seen(world: World) -> None:
    """A call looks who is talking, then changes the place, which has been checked meanwhile."""
    number, vendor_id = world.vendor.number, world.vendor.id
    unchecked = update(Vendor).values(payout_verified_at=None)
    world.run(lambda tx: tx.db.execute(unchecked))

    def look_and_change(tx: Tx) -> None:
        seen = tx.db.get_one(Vendor, vendor_id)
        elsewhere = {"msisdn": OTHER_VENDOR}
        details.change_details(tx, seen.number, PayoutMethod.MPESA, elsewhere)

    meet_in(
        world,
        lambda: world.run(look_and_change),
        r"FROM vendors",
        lambda: world.run(lambda tx: details.verify(tx, number, kyc=False, payout=True)),
    )

    vendor = world.run(lambda tx: tx.db.get_one(Vendor, vendor_id))
    assert vendor.payout_verified_at is None, "nobody has looked at the new place"


def _not_read_again(tx: Tx, number: int) -> Vendor:
    chosen = select(Vendor).where(Vendor.number == number)
    return tx.db.scalars(chosen.with_for_update(key_share=True)).one()


def _held_and_sent(world: World) -> None:
    world.released()
    the_payout(world)
    [attempt_id] = world.run(lambda tx: attempts.due_attempts(tx, 10))

    def hold() -> None:
        world.run(
            lambda tx: payouts.hold_by_admin(
                tx, details.find_vendor(tx, world.vendor.number), "Who is it?"
            )
        )

    results = meet_in(
        world,
        hold,
        r"FROM payouts",
        lambda: world.run(lambda tx: attempts.begin(tx, attempt_id)),
    )

    assert results[1] is None, "it is held"


def _came_back_twice(world: World) -> None:
    """A person books it from a statement while the provider tells of it."""
    world.released()
    the_payout(world)
    sent = send(world)
    world.paid(sent.attempt_id, "SFG1")

    results = meet_in(
        world,
        lambda: world.run(lambda tx: book_reversal(tx, PROVIDER, "SFG1", "SFR1")),
        r"FROM attempts JOIN receipts",
        lambda: world.tell(sent.attempt_id, Outcome.REVERSED),
    )

    assert results[1] == "repeat"
    assert world.balance(f"payable:{world.vendor.number}") == kes(40_000)
    world.assert_sound()


def _asked_once(world: World) -> None:
    results = both_do(
        world, lambda tx: begin_round(tx, PROVIDER, ACCOUNTS), r"FROM balance_readings"
    )

    assert results[1] == [], "another worker is asking"


def _answered_once(world: World) -> None:
    [reading] = world.run(lambda tx: begin_round(tx, PROVIDER, ACCOUNTS))
    balance = Balance(PROVIDER, Money(0), Money(0))

    results = both_do(
        world, lambda tx: answered(tx, reading.id, balance), r"FROM balance_readings"
    )

    assert results[1] is None, "it is answered"


def _last_answer_compares(world: World) -> None:
    """The two accounts of a round answer at once: each might think that the other is missing."""
    mine, other = world.run(lambda tx: begin_round(tx, PROVIDER, ["600123", "600124"]))

    def answer(reading: BalanceReading) -> None:
        def note(tx: Tx) -> None:
            kept = answered(tx, reading.id, Balance(PROVIDER, Money(0), Money(0)))
            assert kept is not None
            compare(tx, kept)

        world.run(note)

    meet_in(
        world,
        lambda: answer(mine),
        r"ORDER BY balance_readings\.account",
        lambda: answer(other),
    )

    last = world.run(lambda tx: tx.db.get_one(BalanceReading, other.id))
    assert last.gap_cents == 0, "the round is set beside the books"


def _rounds(when: str) -> Removal:
    """The lock of all that is asked of a provider and that it answers, seen at one moment."""
    return words(GuardKind.LOCK, when, "pg_advisory_xact_lock", "hashtext", instead="abs")


def _arrived_as_the_next_is_made(world: World) -> None:
    """A payout was given up; it turns out to have gone through just as the next one is made."""
    world.released()
    the_payout(world)
    first = fail_three_times(world)[0]

    meet_in(
        world,
        lambda: world.run(lambda tx: payouts.make_payout(tx, world.vendor.id)),
        r"^INSERT INTO payouts",
        lambda: world.paid(first.attempt_id, "SFFLATE001"),
    )

    assert world.send_due() == [], "it has arrived"
    assert world.balance(f"payable:{world.vendor.number}") == Money(0)


GUARDS = (
    Guard(
        "two workers begin a week's payouts: one fails",
        words(
            GuardKind.LOCK, "a week, when its run begins", " ON CONFLICT DO NOTHING", "payout_runs"
        ),
        _one_week,
    ),
    Guard(
        "a vendor is paid at a place that nobody has checked",
        lock("the vendor, when a place is checked", "vendors"),
        _checked_and_changed,
    ),
    Guard(
        "a new place counts as checked because the old one was",
        swapped(
            "the vendor, read again when locked",
            details,
            "find_vendor",
            _not_read_again,
            GuardKind.LOCK,
        ),
        _checked_since_it_was_seen,
    ),
    Guard(
        "money leaves after a person has held it",
        lock("a vendor's payout, when held", "payouts", r"payouts\.vendor_id"),
        _held_and_sent,
    ),
    Guard(
        "a vendor is paid again what a payout that was given up has brought",
        lock("what a vendor is owed, when it comes late", "ledger_accounts", r"path = "),
        _arrived_as_the_next_is_made,
    ),
    Guard(
        "one payout comes back twice",
        lock("an attempt, when its return is booked", "attempts", "JOIN receipts"),
        _came_back_twice,
    ),
    Guard(
        "two workers ask a provider the same: one fails",
        _rounds("a provider, when asked what it holds"),
        _asked_once,
    ),
    Guard(
        "one answer about a balance counts twice",
        _rounds("a provider, when it answers"),
        _answered_once,
    ),
    Guard(
        "of two answers at once neither is set beside the books, and nobody sees what is missing",
        _rounds("a provider, when two of its accounts answer"),
        _last_answer_compares,
    ),
)
