"""What the stories of prompts and payments share."""

from uuid import UUID

from core.booking.model import Booking
from core.clock import ManualClock
from core.db.tx import Database
from core.escrow import ledger
from core.limits import STK_DELAY_SECONDS
from core.money import Money
from core.payments.model import Attempt
from tests.workers.conftest import Crew
from workers.attempts import run_attempts


class Died(BaseException):
    """The worker is gone at this very moment."""


def die() -> None:
    raise Died


def attempt(database: Database, attempt_id: UUID) -> Attempt:
    with database.transaction() as tx:
        return tx.db.get_one(Attempt, attempt_id)


def booking_of(database: Database, attempt_id: UUID) -> Booking:
    with database.transaction() as tx:
        return tx.db.get_one(Booking, tx.db.get_one(Attempt, attempt_id).booking_id)


def balance(database: Database, path: str) -> Money:
    with database.transaction() as tx:
        return ledger.balance(tx, path)


def send(crew: Crew, clock: ManualClock) -> None:
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)
