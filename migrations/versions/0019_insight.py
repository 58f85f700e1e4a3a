"""How conversations go: a row each, days, and how far trails have been read. A third language."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
ENDINGS = ("finished", "stuck", "cancelled", "timed_out", "error", "abandoned")


def upgrade() -> None:
    _languages("en", "sw", "ki")
    op.create_table(
        "ussd_sessions",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(_said(name) for name in ("network", "version", "language", "role", "screen")),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        *(_sum(name) for name in ("hops", "turns", "mistakes", "faults")),
        sa.Column("took_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("buckets", sa.ARRAY(sa.Integer()), nullable=True),
        _sum("stage"),
        _said("booking_code"),
        sa.Column(
            "ended",
            sa.Enum(*ENDINGS, name="ended", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        _said("told_status"),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("cost_cents", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "session_id", name=op.f("pk_ussd_sessions")),
    )
    op.create_index("ix_ussd_sessions_day", "ussd_sessions", ["day"])
    op.create_index(
        "ix_ussd_sessions_open",
        "ussd_sessions",
        ["last_at"],
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.create_table(
        "funnel_days",
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("version", "network", "language", "role")
        ),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "version", "network", "language", "role", name=op.f("pk_funnel_days")
        ),
    )
    op.create_table(
        "trail_sources",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_trail_sources")),
    )


def _languages(*offered: str) -> None:
    """Let people choose one of these."""
    op.drop_constraint(op.f("ck_users_language"), "users")
    words = ", ".join(f"'{language}'" for language in offered)
    op.create_check_constraint(op.f("ck_users_language"), "users", f"language IN ({words})")


def _said(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)


def _sum(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def downgrade() -> None:
    for table in ("trail_sources", "funnel_days", "ussd_sessions"):
        op.drop_table(table)
    op.execute("UPDATE users SET language = 'en' WHERE language = 'ki'")
    _languages("en", "sw")
