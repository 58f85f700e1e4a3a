"""A case: something that no rule decides, so a person must."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json, cents, choice


class CaseKind(StrEnum):
    """What has to be decided; the subject says of what."""

    SUSPENSE = "suspense"
    """Money came and nobody can be given it back by itself. Subject: the receipt's id."""
    RETURN_FAILED = "return_failed"
    """Money in suspense could not be sent back, for good. Subject: the receipt's id."""
    REFUND_FAILED = "refund_failed"
    """A customer's refund could not be sent, for good. Subject: the refund's id."""
    CAME_BACK = "came_back"
    """Money that a customer had got back came to us again. Subject: the attempt's id."""
    PAYOUT_FAILED = "payout_failed"
    """A vendor could not be paid, for good. Subject: the payout's id."""
    PAYOUT_HELD = "payout_held"
    """A vendor's money waits until a person has acted. Subject: the payout's id."""
    PAYOUT_REVERSED = "payout_reversed"
    """Money that a vendor had got came back. Subject: the attempt's id."""
    PAYOUTS_HALTED = "payouts_halted"
    """Nothing is sent through a provider. Subject: its name and since when."""
    ATTEMPT_UNKNOWN = "attempt_unknown"
    """Nobody can say whether money that we sent has arrived. Subject: the attempt's id."""
    OVERPAID = "overpaid"
    """Somebody was sent money twice: suspense is short of it. Subject: the attempt's id."""
    DISPUTE = "dispute"
    """A dispute waits for our decision. Subject: the dispute's id."""
    VENDOR_PENALTIES = "vendor_penalties"
    """A vendor keeps cancelling what was paid for. Subject: its id and which look it is."""
    NOTICES_UNKNOWN = "notices_unknown"
    """Messages that may not have gone out. Subject: the day in Kenya on which they were owed."""
    NOTICES_DEAD = "notices_dead"
    """Messages that could not be sent. Subject: the day in Kenya on which they were owed."""
    CALLBACK_DEAD = "callback_dead"
    """A callback that could not be applied. Subject: its row in the inbox."""
    DIFFERENCE = "difference"
    """A provider's statement says otherwise. Subject: fault, provider and receipt number."""
    STATEMENT_MISSING = "statement_missing"
    """Money of a month that no statement has shown yet. Subject: provider, account, month."""
    INVOICE_REFUSED = "invoice_refused"
    """The tax authority will not have an invoice. Subject: its number."""
    TAX_UNPAID = "tax_unpaid"
    """Tax of a month is overdue. Subject: the tax and the month."""
    INVARIANT = "invariant"
    """Something that must always be true is not. Subject: the invariant's name."""


class CaseState(StrEnum):
    """Whether somebody still has to act."""

    OPEN = "open"
    CLOSED = "closed"


class Case(Base):
    """One case. Its number is what people call it by."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        CheckConstraint("(state = 'closed') = (note IS NOT NULL)", name="closing_note"),
        Index(
            "uq_cases_open_subject",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_cases_subject", "kind", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    kind: Mapped[CaseKind] = mapped_column(choice(CaseKind, "kind"))
    subject: Mapped[str]
    state: Mapped[CaseState] = mapped_column(choice(CaseState, "state"))
    amount_cents: Mapped[int | None] = cents(nullable=True)
    """The money in question, where it is about money."""
    facts: Mapped[Json]
    """What is known: names and figures, no numbers of people and no words of messages."""
    owner: Mapped[str | None]
    """The e-mail address of whoever looks into it."""
    note: Mapped[str | None]
    """How it ended."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
