"""Cases, statements of providers with what they confirm, and the checker's last look."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "suspense", "return_failed", "refund_failed", "payout_failed", "overpaid", "notices_unknown", "callback_dead",
    "difference", "statement_missing", "invariant",
)  # fmt: skip


def upgrade() -> None:
    _cases()
    _statements()
    op.create_table(
        "checks",
        sa.Column("invariant", sa.Text(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("broken_since", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("invariant", name=op.f("pk_checks")),
    )


def _cases() -> None:
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint(f"kind IN ({kinds})", name=op.f("ck_cases_kind")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_cases_state")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_cases_closed_at")
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (note IS NOT NULL)", name=op.f("ck_cases_closing_note")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index("ix_cases_subject", "cases", ["kind", "subject"])
    op.create_index(
        "uq_cases_open_subject",
        "cases",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("begins", MOMENT, nullable=False),
        sa.Column("ends", MOMENT, nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("opening_cents", sa.BigInteger(), nullable=True),
        sa.Column("closing_cents", sa.BigInteger(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("matched_cents", sa.BigInteger(), nullable=False),
        sa.Column("unexplained_cents", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.CheckConstraint("begins < ends", name=op.f("ck_statements_period")),
        sa.CheckConstraint("lines > 0", name=op.f("ck_statements_lines")),
        sa.CheckConstraint(
            "(opening_cents IS NULL) = (closing_cents IS NULL)",
            name=op.f("ck_statements_both_balances"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("digest", name=op.f("uq_statements_digest")),
    )
    op.create_index("ix_statements_account", "statements", ["provider", "account", "ends"])
    op.create_table(
        "statement_matches",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", "statement_id", name=op.f("pk_statement_matches")),
        sa.ForeignKeyConstraint(
            ["receipt_id"],
            ["receipts.id"],
            name=op.f("fk_statement_matches_receipt_id_receipts"),
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
            name=op.f("fk_statement_matches_statement_id_statements"),
        ),
    )
    op.create_index("ix_statement_matches_statement_id", "statement_matches", ["statement_id"])


def downgrade() -> None:
    for table in ("statement_matches", "statements", "checks", "cases"):
        op.drop_table(table)
