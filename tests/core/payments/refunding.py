"""What the stories of money on its way back do again and again."""

from core.booking import cancel
from core.booking.model import Booking
from core.booking.moves import lock_booking
from core.money import Money
from core.payments import refunds
from core.payments.model import Attempt, Refund
from core.ports.money import PayRequest
from tests.core.booking.world import World
from tests.core.escrow.tools import number

BACK = "SFG1REFUND"


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
    return len(world.run(refunds.failed_refunds))


def planned(world: World) -> int:
    return number(world.database, "SELECT sum(amount_cents) FROM refunds")
