"""The market as each life of the machine finds it: some bookings in each of the common states."""

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from tests.core.booking.world import World
from tests.core.market.provider import Provider

CUSTOMERS = [f"+2547000000{n:02}" for n in range(1, 6)]


def open_market(world: World, instant: Listing) -> Provider:
    """Let two be paid for and released, one be done, two be paid, one be held and one be asked."""
    provider = Provider()
    ann, ben, cat, dan, eve = CUSTOMERS
    one = _paid(world, provider, ann, world.listing)
    two = _paid(world, provider, ben, instant)
    for _ in range(2):
        world.clock.set(max(world.due(one), world.due(two)))
        world.fire()
    done = _paid(world, provider, cat, world.listing)
    world.clock.set(world.due(done))
    world.fire()
    _paid(world, provider, dan, world.listing)
    _paid(world, provider, eve, instant)
    world.hold(ann, instant, in_days=3)
    world.book(ben, in_days=3)
    assert world.state(one) is world.state(done) is State.COMPLETED
    return provider


def _paid(world: World, provider: Provider, phone: str, listing: Listing) -> Booking:
    booking = world.hold(phone, listing, in_days=4)
    attempt = world.prompt(booking, phone)
    event = provider.move(attempt, world.clock.now(), named=True)
    assert world.paid(attempt, event.receipt) is None
    provider.told.append(event)
    return booking
