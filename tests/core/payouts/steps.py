"""What the stories of payouts do again and again."""

from uuid import UUID

from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.limits import PAYOUT_RETRY_SECONDS
from core.money import kes
from core.payments import attempts
from core.payments.asking import PAYOUT_ASKED_MIN
from core.payments.model import Attempt
from core.payouts.model import Payout
from core.ports.money import PayRequest, Reason
from core.ports.providers import ProviderError
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


def lost(world: World) -> UUID:
    """A try whose answer was lost, asked about in vain as often as before it is sent again."""
    [attempt_id] = world.run(lambda tx: attempts.due_attempts(tx, 10))
    assert isinstance(world.run(lambda tx: attempts.begin(tx, attempt_id)), PayRequest)
    gone = ProviderError("timeout", unknown=True)
    world.run(lambda tx: attempts.refused(tx, attempt_id, gone))
    for _ in range(PAYOUT_ASKED_MIN):
        world.clock.advance(hours=2)
        assert isinstance(world.run(lambda tx: attempts.begin(tx, attempt_id)), Attempt)
    return attempt_id


def fail_three_times(world: World) -> list[PayRequest]:
    """Three tries whose failure is known, twelve hours apart."""
    tried = []
    for _ in range(3):
        tried.append(send(world))
        world.failed(tried[-1].attempt_id, Reason.BAD_RECIPIENT)
        world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
        world.pay_out()
    return tried
