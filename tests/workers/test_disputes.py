"""Timers of disputes as a worker fires them; a broken one does not hold up the next."""

from sqlalchemy import text, update

from core.clock import ManualClock
from core.disputes.model import Dispute, Problem
from core.disputes.usecases import open_dispute
from core.limits import DISPUTE_ANSWER_SECONDS
from tests.support.factories import make_instant_listing, make_paid, make_vendor
from tests.support.fakes import notices
from tests.workers.conftest import Crew
from workers.disputes import run_disputes
from workers.timers import run_timers


def test_reminder_end_of_waiting_and_overdue_decision(crew: Crew, clock: ManualClock) -> None:
    with crew.database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx), units=2)
        bookings = [
            make_paid(tx, listing, receipt=receipt) for receipt in ("SFF6XYQ1A1", "SFF6XYQ1A2")
        ]
    clock.set(bookings[0].starts_at)
    with crew.database.transaction() as tx:
        for booking in bookings:
            open_dispute(tx, booking.id, booking.customer_id, Problem.UNCLEAN)
        # A kind that nobody knows: this one cannot be read.
        tx.db.execute(text("ALTER TABLE disputes DROP CONSTRAINT ck_disputes_problem"))
        broken = update(Dispute).where(Dispute.booking_id == bookings[0].id)
        tx.db.execute(broken.values(problem=text("'unheard_of'")))

    clock.advance(seconds=DISPUTE_ANSWER_SECONDS)
    assert run_timers(crew.parts) == 0, "the bookings stand still"
    assert run_disputes(crew.parts) == 1
    assert run_disputes(crew.parts) == 0
    clock.advance(days=3)
    assert run_disputes(crew.parts) == 1
    assert run_disputes(crew.parts) == 0

    assert notices(crew.database, "dispute_reminder_vendor") == [], "it was too late for one"
