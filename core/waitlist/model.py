"""Places in the line for a full day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.waitlist.lifecycle import LIFECYCLE, WaitEvent, WaitState


class Wait(Base):
    """One customer who waits for some days of one listing. The older one is served first."""

    __tablename__ = "waits"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="days"),
        CheckConstraint("people > 0 AND quantity > 0", name="people"),
        CheckConstraint("(state IN ('waiting', 'offered')) = (due_at IS NOT NULL)", name="due_at"),
        CheckConstraint("state <> 'offered' OR total_cents IS NOT NULL", name="offered"),
        CheckConstraint("(state = 'taken') = (booking_id IS NOT NULL)", name="taken"),
        Index(
            "uq_waits_open",
            "customer_id",
            "listing_id",
            "starts_on",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'offered')"),
        ),
        Index(
            "ix_waits_listing_id_created_at",
            "listing_id",
            "created_at",
            postgresql_where=text("state IN ('waiting', 'offered')"),
        ),
        Index("ix_waits_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    state: Mapped[WaitState] = mapped_column(choice(WaitState, "state"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    people: Mapped[int]
    quantity: Mapped[int]
    """Units that these people need."""
    total_cents: Mapped[int | None] = cents(nullable=True)
    """The price that was offered last."""
    due_at: Mapped[datetime | None]
    """Until when an offer stands, or until when waiting makes sense: by state."""
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings.id"))
    created_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]

    def move(self, event: WaitEvent) -> WaitState:
        """Go where the table says; raises core.errors.IllegalMove.

        With ``usecases.leave_all_lines`` the only writer of the state.
        """
        self.state = LIFECYCLE.target(self.state, event)
        return self.state
