"""Conversations by message and link, and tickets."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "talks",
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("channel", _choice("channel", "ussd", "sms", "web"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(), nullable=True),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("offer_at", MOMENT, nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("last_words", sa.Text(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("msisdn", name=op.f("pk_talks")),
        sa.UniqueConstraint("token", name=op.f("uq_talks_token")),
    )
    op.create_index(
        "ix_talks_offer_at",
        "talks",
        ["offer_at"],
        postgresql_where=sa.text("offer_at IS NOT NULL"),
    )
    _tickets()


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("state", _choice("state", "open", "answered", "closed"), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("waiting_since", MOMENT, nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("number", name=op.f("uq_tickets_number")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_tickets_closed_at")
        ),
    )
    op.create_index(
        "uq_tickets_live",
        "tickets",
        ["msisdn"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'answered')"),
    )
    op.create_index(
        "ix_tickets_waiting_since",
        "tickets",
        ["waiting_since"],
        postgresql_where=sa.text("state='open'"),
    )
    op.create_table(
        "ticket_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("author", _choice("author", "person", "staff"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_notes")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_notes_ticket_id_tickets")
        ),
    )
    op.create_index("ix_ticket_notes_ticket_id_id", "ticket_notes", ["ticket_id", "id"])


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def downgrade() -> None:
    op.drop_table("ticket_notes")
    op.drop_table("tickets")
    op.drop_table("talks")
