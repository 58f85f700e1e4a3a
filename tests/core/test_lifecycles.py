"""One table a lifecycle: the code, the database and the documentation say the same."""

from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from core.booking import lifecycle as booking
from core.booking.model import Booking, BookingChange
from core.disputes import lifecycle as dispute
from core.disputes.model import Dispute
from core.documents import lifecycle as invoice
from core.documents.model import TaxInvoice
from core.errors import IllegalMove
from core.lifecycle import Lifecycle
from core.payments import lifecycle as attempt
from core.payments.model import Attempt, Refund
from core.payouts import model as payout
from core.support import lifecycle as ticket
from core.support.model import Ticket
from core.waitlist import lifecycle as wait
from core.waitlist.model import Wait
from tests.support.servers import ROOT
from web.commands.docs import LIFECYCLE_PAGE, lifecycle_markdown

LIFECYCLES: dict[str, tuple[Lifecycle[Any, Any], type[StrEnum], type[StrEnum], Any]] = {
    "bookings": (booking.LIFECYCLE, booking.State, booking.Event, Booking),
    "booking_changes": (
        booking.CHANGE_LIFECYCLE,
        booking.ChangeState,
        booking.ChangeEvent,
        BookingChange,
    ),
    "attempts": (
        attempt.LIFECYCLE,
        attempt.AttemptState,
        attempt.AttemptEvent,
        Attempt,
    ),
    "disputes": (dispute.LIFECYCLE, dispute.DisputeState, dispute.DisputeEvent, Dispute),
    "refunds": (
        attempt.REFUND_LIFECYCLE,
        attempt.RefundState,
        attempt.RefundEvent,
        Refund,
    ),
    "payouts": (payout.LIFECYCLE, payout.PayoutState, payout.PayoutEvent, payout.Payout),
    "waits": (wait.LIFECYCLE, wait.WaitState, wait.WaitEvent, Wait),
    "tax_invoices": (
        invoice.LIFECYCLE,
        invoice.InvoiceState,
        invoice.InvoiceEvent,
        TaxInvoice,
    ),
    "tickets": (ticket.LIFECYCLE, ticket.TicketState, ticket.TicketEvent, Ticket),
}

every_lifecycle = pytest.mark.parametrize("table", LIFECYCLES)


@every_lifecycle
def test_every_pair_of_the_table_moves_and_every_other_pair_is_refused(table: str) -> None:
    lifecycle, states, events, model = LIFECYCLES[table]
    targets = {(event, before): after for event, before, after in lifecycle.rows}

    for event, state in product(events, states):
        thing = model(state=state)
        assert lifecycle.allows(state, event) is ((event, state) in targets)
        if (event, state) in targets:
            assert thing.move(event) is thing.state is targets[event, state]
        else:
            with pytest.raises(IllegalMove) as refused:
                thing.move(event)
            assert refused.value.data == {"state": state.value, "event": event.value}
            assert thing.state is state


@every_lifecycle
def test_every_state_can_be_reached_and_every_event_happens(table: str) -> None:
    lifecycle, states, events, _ = LIFECYCLES[table]
    firsts = {
        "bookings": {booking.State.REQUESTED, booking.State.AWAITING_PAYMENT},
        "booking_changes": {booking.ChangeState.ASKED},
        "attempts": {attempt.AttemptState.QUEUED},
        "disputes": {dispute.DisputeState.WAITING},
        "refunds": {attempt.RefundState.OPEN},
        "payouts": {payout.PayoutState.RELEASED, payout.PayoutState.HELD},
        "waits": {wait.WaitState.WAITING},
        "tax_invoices": {invoice.InvoiceState.WAITING},
        "tickets": {ticket.TicketState.OPEN},
    }[table]

    reached: set[Any] = set(firsts)
    while more := {after for _, before, after in lifecycle.rows if before in reached} - reached:
        reached |= more

    assert reached == set(states)
    assert {event for event, *_ in lifecycle.rows} == set(events)


@every_lifecycle
def test_the_page_draws_every_move(table: str) -> None:
    lifecycle, *_ = LIFECYCLES[table]
    page = (ROOT / LIFECYCLE_PAGE).read_text()

    assert lifecycle.diagram() in page
    for event, before, after in lifecycle.rows:
        assert f"| {before} | {event} | {after} |" in page


def test_the_page_is_not_stale() -> None:
    assert (ROOT / LIFECYCLE_PAGE).read_text() == lifecycle_markdown()


def test_success_is_terminal_and_beats_every_other_state() -> None:
    """DESIGN §3 rule 4."""
    done = attempt.AttemptState.SUCCEEDED

    assert attempt.LIFECYCLE.events(done) == []
    for state in set(attempt.AttemptState) - {done}:
        assert attempt.LIFECYCLE.target(state, attempt.AttemptEvent.SUCCEED) is done


def test_a_table_with_two_ways_for_one_event_is_no_table() -> None:
    state, event = payout.PayoutState, payout.PayoutEvent
    with pytest.raises(AssertionError, match="one state only"):
        Lifecycle(
            state,
            [
                (event.PAY, state.RELEASED, state.PAID),
                (event.PAY, state.RELEASED, state.FAILED),
            ],
        )


def test_every_state_has_a_public_word() -> None:
    assert set(booking.PUBLIC) == set(booking.State)
