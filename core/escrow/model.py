"""The ledger's tables, for reading. They are written by the functions of migration 0003 only.

The database refuses any other writing: triggers guard every table, transfers and postings are
append-only, and a deferred constraint holds each transfer to a sum of zero.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, cents, choice
from core.escrow.accounts import AccountKind


class Account(Base):
    """A balance.

    Attributes:
        path: ``kind:name``.
        kind: the part of the path before the colon.
        currency: ISO 4217; an account has one.
        deferred: a shared account, whose balance follows its postings by a roll-up.
        balance_cents: debit positive; of a deferred account up to ``Rolled.rolled_id``.
        entries: how many postings the balance holds.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("path ~ '^[a-z]+:[A-Za-z0-9_-]{1,48}$'", name="path"),
        CheckConstraint("kind = split_part(path, ':', 1)", name="path_kind"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("deferred = (kind NOT IN ('escrow', 'payable'))", name="deferred"),
        CheckConstraint("deferred OR balance_cents <= 0", name="not_overdrawn"),
        Index("ix_ledger_accounts_deferred", "path", postgresql_where=text("deferred")),
    )

    path: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(choice(AccountKind, "kind"))
    currency: Mapped[str] = mapped_column(String(3))
    deferred: Mapped[bool]
    balance_cents: Mapped[int] = cents()
    entries: Mapped[int] = mapped_column(BigInteger)


class TransferRow(Base):
    """One movement of money, as posted.

    Attributes:
        idempotency_key: which occurrence; unique.
        digest: SHA-256 of what moved.
        kind: why it moved.
        booking_id: the booking it belongs to. No foreign key: the ledger stands by itself.
    """

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        Index(
            "ix_ledger_transfers_booking_id",
            "booking_id",
            postgresql_where=text("booking_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    booking_id: Mapped[UUID | None]
    posted_at: Mapped[datetime]


class Posting(Base):
    """One leg, as posted.

    Attributes:
        amount_cents: debit positive, never zero.
        entry_no: its place among the account's postings from 1 on, without gaps; None on a
            deferred account.
        balance_after_cents: the account's balance with it; None on a deferred account.
    """

    __tablename__ = "ledger_postings"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        CheckConstraint("(entry_no IS NULL) = (balance_after_cents IS NULL)", name="entry"),
        # Found by its transfer; its own number only keeps the order.
        PrimaryKeyConstraint("transfer_id", "id"),
        Index(
            "uq_ledger_postings_account_entry_no",
            "account",
            "entry_no",
            unique=True,
            postgresql_where=text("entry_no IS NOT NULL"),
        ),
        Index(
            "ix_ledger_postings_account_id",
            "account",
            "id",
            postgresql_where=text("entry_no IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey(TransferRow.id))
    account: Mapped[str] = mapped_column(Text)
    """A path; no foreign key, which would lock the row that everybody names."""
    amount_cents: Mapped[int] = cents()
    entry_no: Mapped[int | None] = mapped_column(BigInteger)
    balance_after_cents: Mapped[int | None] = cents(nullable=True)


class Rolled(Base):
    """How far the balances of shared accounts hold their postings: one row.

    A posting's number is drawn before its transaction commits, so a lower one can appear after a
    higher one was rolled up. Numbers up to a mark are settled once whoever was writing postings
    when it was made has ended.

    Attributes:
        rolled_id: postings up to this number are in the balances.
        marked_id: those up to this one will be next.
        writing: the transactions that were writing postings when the mark was made, as
            PostgreSQL names them (``pg_locks.virtualtransaction``).
    """

    __tablename__ = "ledger_rolled"
    __table_args__ = (
        CheckConstraint("one", name="one"),
        CheckConstraint("rolled_id <= marked_id", name="marked"),
    )

    one: Mapped[bool] = mapped_column(primary_key=True)
    rolled_id: Mapped[int] = mapped_column(BigInteger)
    marked_id: Mapped[int] = mapped_column(BigInteger)
    writing: Mapped[list[str]] = mapped_column(ARRAY(Text))
