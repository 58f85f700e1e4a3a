"""The market as each life of the machine finds it: some bookings in each of the common states."""

from core.booking.lifecycle import State
from core.booking.model import Booking
from core.catalog.model import Listing
from core.payments.model import Attempt
from tests.core.booking.world import World
from tests.core.market.provider import Provider

CUSTOMERS = [f"+2547000000{n:02}" for n in range(1, 6)]


def open_market(world: World, instant: Listing, grand: Listing) -> Provider:
    """Let time go by until there is something in every state that others come from.

    One booking is paid out, two are released, one is done; two are paid and one of these waits
    for its vendor's word on other days; of a feast the deposit has come; one is held, one asked.
    """
    provider = Provider()
    ann, ben, cat, dan, eve = CUSTOMERS
    _released(world, provider, ann, instant)
    world.monday()
    for request in world.send_due():
        _approve(world, provider, world.attempt(request.attempt_id))
    one = _released(world, provider, ann, world.listing)
    two = _released(world, provider, ben, instant)
    done = _paid(world, provider, cat, world.listing)
    world.clock.set(world.due(done))
    world.fire()
    _paid(world, provider, dan, world.listing)
    other_days = _paid(world, provider, eve, world.listing)
    _paid(world, provider, dan, grand, in_days=6)
    world.change(other_days, in_days=5)
    world.hold(ann, instant, in_days=3)
    world.book(ben, in_days=3)
    assert {world.state(each) for each in (one, two, done)} == {State.COMPLETED}
    return provider


def _released(world: World, provider: Provider, phone: str, listing: Listing) -> Booking:
    booking = _paid(world, provider, phone, listing)
    for _ in range(2):
        world.clock.set(world.due(booking))
        world.fire()
    return booking


def _paid(
    world: World, provider: Provider, phone: str, listing: Listing, in_days: int = 4
) -> Booking:
    booking = world.hold(phone, listing, in_days=in_days)
    _approve(world, provider, world.prompt(booking, phone))
    return booking


def _approve(world: World, provider: Provider, attempt: Attempt) -> None:
    event = provider.move(attempt, world.clock.now(), named=True)
    assert world.paid(attempt, event.receipt) is None
    provider.told.append(event)
