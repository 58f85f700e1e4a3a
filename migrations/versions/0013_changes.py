"""Changes of days or people, what the policy keeps of them, and the lock of the check-in PIN."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
STATES = ("asked", "awaiting_payment", "applied", "declined", "expired", "dropped")


def upgrade() -> None:
    _add("bookings", "kept_cents", sa.BigInteger())
    _add("bookings", "pin_tries", sa.Integer())
    op.add_column("bookings", sa.Column("pin_locked_until", MOMENT, nullable=True))
    op.create_check_constraint(
        op.f("ck_bookings_kept"),
        "bookings",
        "kept_cents BETWEEN 0 AND total_cents",
    )
    _changes()
    op.add_column("refunds", sa.Column("change_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_refunds_change_id_booking_changes"),
        "refunds",
        "booking_changes",
        ["change_id"],
        ["id"],
    )


def _changes() -> None:
    op.create_table(
        "booking_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", postgresql.JSONB(), nullable=False),
        sa.Column("was_starts_on", sa.Date(), nullable=False),
        sa.Column("was_ends_on", sa.Date(), nullable=False),
        sa.Column("was_people", sa.Integer(), nullable=False),
        sa.Column("was_cents", sa.BigInteger(), nullable=False),
        sa.Column("was_net_cents", sa.BigInteger(), nullable=False),
        sa.Column("to_pay_cents", sa.BigInteger(), nullable=False),
        sa.Column("refund_cents", sa.BigInteger(), nullable=False),
        sa.Column("kept_cents", sa.BigInteger(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("hold_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_booking_changes_days")),
        sa.CheckConstraint("people > 0 AND quantity > 0", name=op.f("ck_booking_changes_people")),
        sa.CheckConstraint(
            "to_pay_cents >= 0 AND refund_cents >= 0 AND kept_cents >= 0"
            " AND (to_pay_cents = 0 OR refund_cents + kept_cents = 0)",
            name=op.f("ck_booking_changes_one_way"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_changes_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_changes")),
    )
    op.create_index("ix_booking_changes_booking_id", "booking_changes", ["booking_id"])
    op.create_index(
        "ix_booking_changes_due_at",
        "booking_changes",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_booking_changes_open",
        "booking_changes",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'awaiting_payment')"),
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_refunds_change_id_booking_changes"), "refunds")
    op.drop_column("refunds", "change_id")
    op.drop_table("booking_changes")
    op.drop_constraint(op.f("ck_bookings_kept"), "bookings")
    for column in ("pin_locked_until", "pin_tries", "kept_cents"):
        op.drop_column("bookings", column)


def _add(table: str, column: str, kind: sa.types.TypeEngine[int]) -> None:
    """A counter that begins at nothing for the rows that are there."""
    op.add_column(table, sa.Column(column, kind, nullable=False, server_default="0"))
    op.alter_column(table, column, server_default=None)
