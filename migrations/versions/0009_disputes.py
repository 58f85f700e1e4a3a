"""Disputes with what both sides say; a booking can be disputed, a dispute can be a case."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
BOOKING_STATES = (
    "requested", "awaiting_payment", "confirmed", "checked_in", "completed", "paid_out",
    "declined", "expired", "cancelled",
)  # fmt: skip
CASE_KINDS = (
    "suspense", "return_failed", "refund_failed", "payout_failed", "overpaid", "notices_unknown",
    "callback_dead", "difference", "statement_missing", "invariant",
)  # fmt: skip
PROBLEMS = ("not_there", "not_as_offered", "unclean", "extra_pay", "other")


def upgrade() -> None:
    _allow((*BOOKING_STATES, "disputed"), (*CASE_KINDS, "dispute"))
    _disputes()
    op.create_table(
        "dispute_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("side", _choice("side", "customer", "vendor", "admin"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["disputes.id"], name=op.f("fk_dispute_notes_dispute_id_disputes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_notes")),
    )
    op.create_index("ix_dispute_notes_dispute_id_id", "dispute_notes", ["dispute_id", "id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispute_notes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _disputes() -> None:
    states = ("waiting", "deciding", "resolved", "withdrawn")
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("problem", _choice("problem", *PROBLEMS), nullable=False),
        sa.Column("state", _choice("state", *states), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("answer_by", MOMENT, nullable=False),
        sa.Column("decide_by", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("customer_percent", sa.Integer(), nullable=True),
        sa.Column("refund_cents", sa.BigInteger(), nullable=True),
        sa.Column("kept_cents", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint("answer_by < decide_by", name=op.f("ck_disputes_deadlines")),
        sa.CheckConstraint(
            "(state IN ('resolved', 'withdrawn')) = (closed_at IS NOT NULL)",
            name=op.f("ck_disputes_closed_at"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(customer_percent, refund_cents, kept_cents, why)"
            " = CASE state WHEN 'resolved' THEN 4 ELSE 0 END",
            name=op.f("ck_disputes_decision"),
        ),
        sa.CheckConstraint(
            "customer_percent BETWEEN 0 AND 100", name=op.f("ck_disputes_customer_percent")
        ),
        sa.CheckConstraint(
            "refund_cents >= 0 AND kept_cents >= 0", name=op.f("ck_disputes_shares")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_disputes_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_booking_id", "disputes", ["booking_id"])
    op.create_index(
        "ix_disputes_due_at",
        "disputes",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_disputes_open",
        "disputes",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'deciding')"),
    )


def downgrade() -> None:
    op.drop_table("dispute_notes")
    op.drop_table("disputes")
    _allow(BOOKING_STATES, CASE_KINDS)


def _allow(states: Sequence[str], kinds: Sequence[str]) -> None:
    """Let bookings be in these states, and cases of these kinds."""
    for table, column, values in (
        ("bookings", "state", states),
        ("booking_events", "state_before", states),
        ("booking_events", "state_after", states),
        ("cases", "kind", kinds),
    ):
        name = op.f(f"ck_{table}_{column}")
        listed = ", ".join(f"'{value}'" for value in values)
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"{column} IN ({listed})")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
