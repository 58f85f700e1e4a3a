"""Tickets and what both sides say."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.msisdn import MSISDN_MAX
from core.support.lifecycle import LIFECYCLE, TicketEvent, TicketState


class Author(StrEnum):
    """Whose words a note holds."""

    PERSON = "person"
    STAFF = "staff"


class Ticket(Base):
    """What one person asks us; its number is what people call it by."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        # Whoever writes again goes on with the ticket that they have.
        Index(
            "uq_tickets_live",
            "msisdn",
            unique=True,
            postgresql_where=text("state IN ('open', 'answered')"),
        ),
        Index("ix_tickets_waiting_since", "waiting_since", postgresql_where=text("state='open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX))
    state: Mapped[TicketState] = mapped_column(choice(TicketState, "state"))
    opened_at: Mapped[datetime]
    waiting_since: Mapped[datetime]
    """When the first words came that are not answered yet."""
    said_at: Mapped[datetime]
    """When anybody last wrote."""
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    """Whose e-mail address; empty when it ended by itself, or at the console."""

    def move(self, event: TicketEvent) -> TicketState:
        """Go where the table says; the only writer of the state; raises IllegalMove."""
        self.state = LIFECYCLE.target(self.state, event)
        return self.state


class TicketNote(Base):
    """What one side says, in its own words."""

    __tablename__ = "ticket_notes"
    __table_args__ = (Index("ix_ticket_notes_ticket_id_id", "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    author: Mapped[Author] = mapped_column(choice(Author, "author"))
    words: Mapped[str]
    at: Mapped[datetime]
    written_by: Mapped[str | None]
    """Whose of ours these are, by e-mail address; empty for a person's, and at the console."""
