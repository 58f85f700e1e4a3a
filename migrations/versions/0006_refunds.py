"""Refunds of cancelled bookings, and the penalties of vendors who cancel."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

OPEN = "refund_id IS NOT NULL AND state IN ('queued', 'sending', 'pending', 'unknown')"
REASONS = (
    "cancelled",
    "insufficient",
    "wrong_pin",
    "unreachable",
    "expired",
    "busy",
    "limit",
    "bad_recipient",
    "no_float",
    "credentials",
    "configuration",
    "silent",
    "other",
)


def upgrade() -> None:
    op.add_column(
        "bookings",
        sa.Column("refunds_cents", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.alter_column("bookings", "refunds_cents", server_default=None)
    op.add_column("bookings", sa.Column("released_net_cents", sa.BigInteger(), nullable=True))
    op.add_column("bookings", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_bookings_refunds"), "bookings", "refunds_cents BETWEEN 0 AND total_cents"
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("state", "open", "returned", "failed"), nullable=False),
        sa.Column("reason", _choice("reason", *REASONS), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount_cents > 0 AND mod(amount_cents, 100) = 0",
            name=op.f("ck_refunds_whole_shillings"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_refunds_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("number", name=op.f("uq_refunds_number")),
    )
    op.create_index("ix_refunds_booking_id", "refunds", ["booking_id"], unique=False)
    op.create_index("ix_refunds_receipt_id", "refunds", ["receipt_id"], unique=False)
    op.add_column("attempts", sa.Column("refund_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_attempts_refund_id_refunds"), "attempts", "refunds", ["refund_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_attempts_refund"), "attempts", "refund_id IS NULL OR kind = 'return'"
    )
    op.create_index(
        "uq_attempts_open_refund",
        "attempts",
        ["refund_id"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "vendor_penalties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_vendor_penalties_booking_id_bookings")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_penalties_vendor_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_penalties")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_vendor_penalties_booking_id")),
    )
    op.create_index(
        "ix_vendor_penalties_vendor_id_at", "vendor_penalties", ["vendor_id", "at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("vendor_penalties")
    op.drop_index("uq_attempts_open_refund", table_name="attempts")
    op.drop_constraint(op.f("ck_attempts_refund"), "attempts")
    op.drop_constraint(op.f("fk_attempts_refund_id_refunds"), "attempts")
    op.drop_column("attempts", "refund_id")
    op.drop_table("refunds")
    op.drop_constraint(op.f("ck_bookings_refunds"), "bookings")
    op.drop_column("bookings", "cancelled_at")
    op.drop_column("bookings", "released_net_cents")
    op.drop_column("bookings", "refunds_cents")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
