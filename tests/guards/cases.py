"""Guards of what a person of ours decides: cases, disputes, tickets."""

from sqlalchemy import select

from core.cases.model import Case, CaseKind
from core.cases.usecases import open_case
from core.disputes import rules
from core.disputes.model import Dispute, Problem
from core.disputes.usecases import open_dispute
from core.errors import Refused
from core.support import usecases as support
from core.support.model import Ticket
from tests.core.booking.world import World
from tests.core.disputes.court import Court
from tests.guards.guard import (
    Guard,
    check,
    constraint,
    copy_row,
    count,
    never,
    outcome,
    trigger,
    unique,
    unique_index,
)
from tests.support.factories import CUSTOMER, OTHER_CUSTOMER

DECIDED = (
    "UPDATE disputes SET state = 'resolved', closed_at = now(), why = 'It was wet.',"
    " customer_percent = {percent}, refund_cents = {refund}, kept_cents = 0"
)


def _case(world: World) -> None:
    world.run(lambda tx: open_case(tx, CaseKind.INVARIANT, "I7"))


def _ticket(world: World) -> None:
    world.run(lambda tx: support.write(tx, CUSTOMER, "Is there parking?"))


def _disputed(world: World) -> Dispute:
    booking = world.confirmed()
    world.clock.set(world.due(booking))
    world.fire()
    return world.run(
        lambda tx: open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER, "No water.")
    )


def _one_dispute(world: World) -> None:
    dispute = _disputed(world)

    copy_row(world, "disputes", dispute.id)

    assert count(world, "SELECT count(*) FROM disputes") == 1


def _rest_owed(world: World) -> None:
    court = Court(world.database, world.clock, world.vendor, world.listing)
    booking = court.begun_with_a_deposit()

    result = outcome(lambda: court.decide(court.heard(booking), 40))

    assert isinstance(result, Refused), "an admin meets a fault"


def _a_number_each(world: World) -> None:
    _case(world)
    case_id = world.run(lambda tx: tx.db.scalars(select(Case.id)).one())

    copy_row(world, "cases", case_id, subject="I8")

    assert count(world, "SELECT count(*) FROM cases") == 1


def _a_ticket_each(world: World) -> None:
    _ticket(world)
    ticket_id = world.run(lambda tx: tx.db.scalars(select(Ticket.id)).one())

    copy_row(world, "tickets", ticket_id, msisdn=OTHER_CUSTOMER)

    assert count(world, "SELECT count(*) FROM tickets") == 1


GUARDS = (
    Guard("a booking is disputed twice at once", unique_index("uq_disputes_open"), _one_dispute),
    Guard(
        "a dispute is opened that nobody can decide",
        check("all of the price is there", rules, "left_cents", lambda _booking: 0),
        _rest_owed,
    ),
    never(
        "a dispute is decided without a word on how",
        constraint("disputes", "ck_disputes_decision"),
        _disputed,
        "UPDATE disputes SET state = 'resolved', closed_at = now()",
        "disputes WHERE state = 'resolved' AND why IS NULL",
    ),
    never(
        "what both sides said is rewritten",
        trigger("dispute_notes", "append_only"),
        _disputed,
        "UPDATE dispute_notes SET words = 'All was well.'",
        "dispute_notes WHERE words = 'All was well.'",
    ),
    never(
        "a case is closed without a word on how",
        constraint("cases", "ck_cases_closing_note"),
        _case,
        "UPDATE cases SET state = 'closed', closed_at = now()",
        "cases WHERE state = 'closed' AND note IS NULL",
    ),
    never(
        "a case is closed at no time",
        constraint("cases", "ck_cases_closed_at"),
        _case,
        "UPDATE cases SET state = 'closed', note = 'It was a test.'",
        "cases WHERE state = 'closed' AND closed_at IS NULL",
    ),
    Guard(
        "who names a case by its number decides another",
        unique("cases", "uq_cases_number"),
        _a_number_each,
    ),
    never(
        "a dispute is over, and nobody knows since when",
        constraint("disputes", "ck_disputes_closed_at"),
        _disputed,
        "UPDATE disputes SET state = 'withdrawn', due_at = NULL",
        "disputes WHERE state = 'withdrawn' AND closed_at IS NULL",
    ),
    never(
        "a dispute is to be decided before its vendor may have answered",
        constraint("disputes", "ck_disputes_deadlines"),
        _disputed,
        "UPDATE disputes SET decide_by = answer_by",
        "disputes WHERE decide_by <= answer_by",
    ),
    never(
        "a customer is given back more than all",
        constraint("disputes", "ck_disputes_customer_percent"),
        _disputed,
        DECIDED.format(percent=101, refund=100),
        "disputes WHERE customer_percent > 100",
    ),
    never(
        "a decision takes more from a customer who had complained",
        constraint("disputes", "ck_disputes_shares"),
        _disputed,
        DECIDED.format(percent=0, refund=-100),
        "disputes WHERE refund_cents < 0",
    ),
    never(
        "a ticket is closed at no time, and its words are kept for ever",
        constraint("tickets", "ck_tickets_closed_at"),
        _ticket,
        "UPDATE tickets SET state = 'closed'",
        "tickets WHERE state = 'closed' AND closed_at IS NULL",
    ),
    Guard(
        "an answer goes to somebody who has asked something else",
        unique("tickets", "uq_tickets_number"),
        _a_ticket_each,
    ),
)
