"""Locks of money that has gone out: it arrives late, comes back, or is asked about."""

from sqlalchemy import text

from core.booking import cancel
from core.errors import NotFound, Refused
from core.limits import RETURN_RETRY_SECONDS, RETURN_TRIES_MAX
from core.money import kes
from core.payments import attempts, settle, suspense
from core.payments.asking import PAYOUT_ASKED_MIN, look_now
from core.payments.lifecycle import RefundState
from core.payments.model import Attempt, Kind
from core.payments.refunds import refunds_of
from core.payouts import details
from core.payouts import usecases as payouts
from core.payouts.model import Payout, PayoutState
from core.ports.money import MoneyEvent, Outcome, PayRequest, Reason
from core.ports.providers import ProviderError
from tests.core.booking.world import GOLDEN, PROVIDER, World
from tests.core.payouts.steps import fail_three_times, read, send, the_payout
from tests.guards.guard import Guard, lock, meet_in
from tests.guards.money_locks import given_up_and_sent
from tests.support.factories import CUSTOMER


def _arrived_as_it_goes_again(world: World) -> None:
    """Wrong money went back; that was given up, and is told of as the next try goes out."""
    world.paybill("NOBODY", GOLDEN)
    first = send(world)
    world.failed(first.attempt_id, Reason.OTHER)
    [second] = [each for each in world.attempts(Kind.RETURN) if each.id != first.attempt_id]
    assert second.due_at is not None
    world.clock.set(second.due_at)

    results = meet_in(
        world,
        lambda: world.paid(first.attempt_id, "SFFBACK001"),
        r"^UPDATE receipts",
        lambda: world.run(lambda tx: attempts.begin(tx, second.id)),
    )

    assert results == (None, None), "it has arrived, and nothing more is sent"


def _asked_about_as_it_goes_again(world: World) -> None:
    """A payout whose answer was lost is sent again; its provider says that there is news."""
    world.released()
    the_payout(world)
    [attempt_id] = world.run(lambda tx: attempts.due_attempts(tx, 10))

    def begin() -> attempts.Request | Attempt | None:
        return world.run(lambda tx: attempts.begin(tx, attempt_id))

    assert isinstance(begin(), PayRequest)
    lost = ProviderError("timeout", unknown=True)
    world.run(lambda tx: attempts.refused(tx, attempt_id, lost))
    for _ in range(PAYOUT_ASKED_MIN):
        world.clock.advance(hours=1)
        assert isinstance(begin(), Attempt)
    world.clock.advance(hours=1)

    meet_in(
        world,
        lambda: world.run(lambda tx: look_now(tx, PROVIDER, attempt_id, [Kind.PAYOUT])),
        r"FROM attempts",
        begin,
    )

    assert not isinstance(begin(), Attempt), "while it is sent there is nothing to ask about"


def _both_come_back(world: World) -> None:
    """Both tries had arrived, and neither stays where it went."""
    first, second = given_up_and_sent(world)
    world.paid(first, "SFFTRY0001")
    world.paid(second, "SFFTRY0002")

    meet_in(
        world,
        lambda: world.tell(first, Outcome.REVERSED, receipt="SFRBACK001"),
        r"^SELECT attempts\.id FROM attempts",
        lambda: world.tell(second, Outcome.REVERSED, receipt="SFRBACK002"),
    )


def _both_refunds_come_back(world: World) -> None:
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))

    _both_come_back(world)

    [refund] = world.run(lambda tx: refunds_of(tx, booking.id))
    assert refund.state is RefundState.REVERSED, "the customer has nothing, a person is told"
    world.assert_sound()


def _both_returns_come_back(world: World) -> None:
    world.paybill("NOBODY", GOLDEN, "SFFLOST001")

    _both_come_back(world)

    [lost] = [each for each in world.receipts() if each.number == "SFFLOST001"]
    assert lost.suspense, "whoever paid it has nothing, a person is told"


def _arrived_as_the_other_comes_back(world: World) -> None:
    """Wrong money went twice: one try comes back while the other is told of for the first time."""
    world.paybill("NOBODY", GOLDEN, "SFFLOST001")
    first, second = given_up_and_sent(world)
    world.paid(second, "SFFTRY0002")

    meet_in(
        world,
        lambda: world.paid(first, "SFFTRY0001"),
        r"FROM receipts WHERE receipts\.id = ",
        lambda: world.tell(second, Outcome.REVERSED, receipt="SFRBACK002"),
    )

    [lost] = [each for each in world.receipts() if each.number == "SFFLOST001"]
    assert not lost.suspense, "whoever paid it has it again"
    assert world.balance("suspense:daraja") == kes(0)


def _given_to_a_booking_as_it_arrives(world: World) -> None:
    """A try that was given up turns out well just as a person gives the money to a booking."""
    world.paybill("NOBODY", GOLDEN, "SFFLOST001", payer=None)
    booking = world.hold()
    [receipt] = world.receipts()
    world.run(lambda tx: suspense.send_back(tx, receipt.id, CUSTOMER))
    for _ in range(RETURN_TRIES_MAX):
        world.failed(send(world).attempt_id, Reason.OTHER)
        world.clock.advance(seconds=RETURN_RETRY_SECONDS)
    first = world.attempts(Kind.RETURN)[0]

    results = meet_in(
        world,
        lambda: world.paid(first, "SFFBACK001"),
        r"FROM receipts WHERE receipts\.id = ",
        lambda: world.run(lambda tx: suspense.match(tx, receipt.id, booking.code)),
    )

    assert isinstance(results[1], Refused), "it is no longer here to be given"


def _retry(world: World) -> Payout:
    """A person tries the vendor's payout again."""
    number = world.vendor.number
    return world.run(lambda tx: payouts.retry_payout(tx, details.find_vendor(tx, number)))


def _arrived_as_it_is_retried(world: World) -> None:
    """A payout was given up; a person tries it again just as the first try turns out well."""
    world.released()
    payout = the_payout(world)
    first = fail_three_times(world)[0]

    meet_in(
        world,
        lambda: _retry(world),
        r"FROM payouts",
        lambda: world.paid(first.attempt_id, "SFFLATE001"),
    )

    assert world.send_due() == [], "it has arrived"
    assert read(world, payout).state is PayoutState.PAID
    world.assert_sound()


def _came_back_as_it_is_retried(world: World) -> None:
    """Both change the vendor and the payout, and both begin with the vendor."""
    world.released()
    the_payout(world)
    attempt_id = send(world).attempt_id
    world.paid(attempt_id, "SFG1")
    came_back = MoneyEvent(PROVIDER, Outcome.REVERSED, attempt_id=attempt_id, receipt="SFR1")

    def reverse() -> str | None:
        # Not tried again, as callers do when PostgreSQL asks them to.
        with world.database.transaction() as tx:
            tx.db.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
            return settle.apply(tx, came_back)

    results = meet_in(world, reverse, r"^SELECT payouts\.id", lambda: _retry(world))

    assert results[0] is None, "it does not die of the other"
    assert isinstance(results[1], NotFound), "it has not failed"


GUARDS = (
    Guard(
        "wrong money goes back again although it has arrived",
        lock("a receipt, when its money is sent back", "receipts"),
        _arrived_as_it_goes_again,
    ),
    Guard(
        "a payment is asked about, as one that was lost, while it is sent",
        lock("an attempt, when it is to be asked about", "attempts"),
        _asked_about_as_it_goes_again,
    ),
    Guard(
        "a refund that went twice and came back twice is owed to nobody",
        lock("a refund, when it comes back", "refunds"),
        _both_refunds_come_back,
    ),
    Guard(
        "wrong money that went twice and came back twice is forgotten",
        lock("a receipt, when its money comes back", "receipts"),
        _both_returns_come_back,
    ),
    Guard(
        "wrong money that is back with its payer is sent to them once more",
        lock("a receipt, when its money arrives", "receipts", r"receipts\.id = "),
        _arrived_as_the_other_comes_back,
    ),
    Guard(
        "wrong money goes back to its payer and to a booking",
        lock("a receipt, when its money arrives late", "receipts", r"receipts\.id = "),
        _given_to_a_booking_as_it_arrives,
    ),
    Guard(
        "a payout that has arrived is opened again",
        lock("a payout, when tried again", "payouts"),
        _arrived_as_it_is_retried,
    ),
    Guard(
        "a payout comes back while a person tries it again: one fails",
        lock("the vendor, when a payout comes back", "vendors", r"SELECT payouts\.vendor_id"),
        _came_back_as_it_is_retried,
    ),
)
