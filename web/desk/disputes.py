"""Disputes as the people who decide them see them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from core.disputes.lifecycle import DisputeState
from core.disputes.model import Problem, Side
from core.disputes.queries import DisputeView
from core.payments.refunds import refundable


class SideNote(BaseModel):
    """What one side said."""

    at: datetime
    side: Side
    words: str


class ToldDispute(BaseModel):
    """One dispute with what both sides say, the oldest first; people are named by their side."""

    booking: str = Field(description="The booking's code.")
    problem: Problem
    state: DisputeState
    held_cents: int = Field(description="What can be decided about, in cents of a shilling.")
    opened_at: datetime
    answer_by: datetime
    decide_by: datetime
    closed_at: datetime | None
    customer_percent: int | None
    refund_cents: int | None
    kept_cents: int | None
    why: str | None
    notes: list[SideNote]

    @classmethod
    def of(cls, view: DisputeView) -> Self:
        """Return a dispute with its booking's money."""
        dispute = view.dispute
        return cls(
            booking=view.booking.code,
            problem=dispute.problem,
            state=dispute.state,
            held_cents=refundable(view.booking).cents,
            opened_at=dispute.opened_at,
            answer_by=dispute.answer_by,
            decide_by=dispute.decide_by,
            closed_at=dispute.closed_at,
            customer_percent=dispute.customer_percent,
            refund_cents=dispute.refund_cents,
            kept_cents=dispute.kept_cents,
            why=dispute.why,
            notes=[SideNote(at=each.at, side=each.side, words=each.words) for each in view.notes],
        )
