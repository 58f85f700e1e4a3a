"""What the stories of payouts do again and again."""

from core.limits import PAYOUT_RETRY_SECONDS
from core.payouts.model import Payout
from core.ports.money import PayRequest, Reason
from tests.core.booking.world import World


def read(world: World, payout: Payout) -> Payout:
    return world.run(lambda tx: tx.db.get_one(Payout, payout.id))


def the_payout(world: World) -> Payout:
    """The one payout of a Monday."""
    [payout] = world.monday()
    return payout


def send(world: World) -> PayRequest:
    [request] = world.send_due()
    assert isinstance(request, PayRequest)
    return request


def fail_three_times(world: World) -> list[PayRequest]:
    """Three tries whose failure is known, eight hours apart."""
    tried = []
    for _ in range(3):
        tried.append(send(world))
        world.failed(tried[-1].attempt_id, Reason.BAD_RECIPIENT)
        world.clock.advance(seconds=PAYOUT_RETRY_SECONDS)
        world.pay_out()
    return tried
