"""What the stories of payouts do again and again."""

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import PAYOUT_RETRY_SECONDS
from core.money import kes
from core.payouts.model import Payout
from core.ports.money import PayRequest, Reason
from tests.core.booking.world import World


def read(world: World, payout: Payout) -> Payout:
    return world.run(lambda tx: tx.db.get_one(Payout, payout.id))


def the_payout(world: World) -> Payout:
    """The one payout of a Monday."""
    [payout] = world.monday()
    return payout


def owing_much(database: Database, clock: ManualClock) -> World:
    """A vendor is owed 700,000 for five bookings: more than a wallet may receive on a day."""
    much = {"price_cents": kes(175_000).cents, "units": 5}
    world = World.open(database, clock, booking_mode=BookingMode.INSTANT, **much)
    bookings = [world.confirmed(f"SFF{turn}") for turn in range(5)]
    for _ in range(2):
        clock.set(world.due(bookings[-1]))
        world.fire()
    return world


def send_at_limit(world: World, receipts: list[str]) -> None:
    """A day on which so many parts arrive and the wallet takes no more."""
    for receipt in receipts:
        assert world.paid(send(world).attempt_id, receipt) is None
        world.pay_out()
    world.failed(send(world).attempt_id, Reason.LIMIT)


def send(world: World) -> PayRequest:
    [request] = world.send_due()
    assert isinstance(request, PayRequest)
    return request


def fail_three_times(world: World) -> list[PayRequest]:
    """Three tries whose failure is known, twelve hours apart."""
    tried = []
    for _ in range(3):
        tried.append(send(world))
        world.failed(tried[-1].attempt_id, Reason.BAD_RECIPIENT)
        world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
        world.pay_out()
    return tried
