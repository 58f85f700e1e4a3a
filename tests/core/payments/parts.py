"""What the stories of prices in pieces do again and again."""

from core.booking.dues import dues_of
from core.booking.model import Booking
from core.money import kes
from tests.core.booking.world import World


def owed(world: World, booking: Booking) -> tuple[int, int, int] | None:
    """What is asked for next in shillings, which part that is, and of how many."""
    dues = dues_of(world.read(booking))
    return dues and (dues.ask.shillings, dues.part, dues.parts)


def arrive(world: World, prefix: str = "SFG") -> list[tuple[str, int]]:
    """Send what is due to go back and let it arrive; returns to whom, and shillings."""
    went = []
    while sent := world.send_due():
        for request in sent:
            assert world.paid(request.attempt_id, f"{prefix}{len(went):07}") is None
            went.append((request.msisdn, request.amount.shillings))
    return went


def held_for(world: World, shillings: int, **wish: int) -> Booking:
    """A hold of a hall that costs so much in all, fee and tax included."""
    world.change_listing(price_cents=kes(shillings).cents * 50_000 // 66_700)
    booking = world.hold(**wish)
    assert abs(booking.total_cents - kes(shillings).cents) < 500, "the price is as asked for"
    return booking
