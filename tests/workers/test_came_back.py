"""A refund that comes back, as its provider tells of it: in Daraja's words, through the inbox."""

from core.clock import ManualClock
from core.money import kes
from core.payments.model import Kind
from tests.core.booking.world import GOLDEN, World
from tests.core.payments.refunding import cancelled
from tests.support.factories import CUSTOMER
from tests.workers import callbacks
from tests.workers.callbacks import arrive
from tests.workers.conftest import Crew
from workers.attempts import run_attempts
from workers.cases import run_cases
from workers.inbox import run_inbox

PHONE = CUSTOMER.removeprefix("+")


def test_the_status_of_a_refund_says_reversed(crew: Crew, clock: ManualClock) -> None:
    world = World.open(crew.database, clock)
    booking = cancelled(world)
    assert run_attempts(crew.parts) == 1
    [refund] = world.attempts(Kind.RETURN)
    arrive(crew.database, callbacks.b2c(refund.id, 66_700, phone=PHONE))
    assert run_inbox(crew.parts) == 1
    assert world.balance("float:daraja") == kes(0)

    arrive(crew.database, callbacks.status(refund.id, "Reversed", 66_700))
    assert run_inbox(crew.parts) == 1
    # It is told once more, and the arrival, too, comes a second time.
    arrive(crew.database, callbacks.status(refund.id, "Reversed", 66_700, receipt=""))
    arrive(crew.database, callbacks.b2c(refund.id, 66_700, phone=PHONE, receipt="UAF5T4R3E2"))
    run_inbox(crew.parts)

    assert world.balance(f"escrow:{booking.code}") == GOLDEN
    assert run_cases(crew.parts) == 1
    clock.advance(days=2)
    assert run_attempts(crew.parts) == 0, "nothing is sent by itself"
    world.assert_sound()
