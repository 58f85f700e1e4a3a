"""Whose word a callback is, who wants to be written to, what messages cost, and dead letters."""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.drop_index("ix_inbox_due", table_name="inbox")
    op.create_index("ix_inbox_waiting", "inbox", ["received_at", "id"], postgresql_where=WAITING)
    op.add_column("inbox", sa.Column("person", sa.String(length=16), nullable=True))
    op.create_index(
        "ix_inbox_person",
        "inbox",
        ["person", "received_at"],
        postgresql_where=sa.text("state = 'waiting' AND person IS NOT NULL"),
    )
    op.create_index(
        "ix_inbox_postponed",
        "inbox",
        ["person", "received_at"],
        postgresql_where=sa.text("state = 'waiting' AND tries > 0"),
    )
    op.add_column("notices", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("estimate_cents", sa.Integer(), nullable=True))
    _allow("notices", "state", lambda values: values | {"dropped"})
    _allow("cases", "kind", lambda values: values | {"notices_dead"})
    op.create_index(
        "ix_notices_dead",
        "notices",
        ["created_at"],
        postgresql_where=sa.text("state IN ('dead', 'unknown')"),
    )
    op.create_index(
        "ix_inbox_dead", "inbox", ["received_at"], postgresql_where=sa.text("state = 'dead'")
    )
    op.create_table(
        "opt_out_words",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                *("bookings", "offers"),
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out_words")),
    )
    op.create_index(op.f("ix_opt_out_words_msisdn"), "opt_out_words", ["msisdn"])


def downgrade() -> None:
    op.drop_table("opt_out_words")
    op.drop_index("ix_inbox_dead", table_name="inbox")
    op.drop_index("ix_notices_dead", table_name="notices")
    op.execute("DELETE FROM cases WHERE kind = 'notices_dead'")
    _allow("cases", "kind", lambda values: values - {"notices_dead"})
    op.execute("UPDATE notices SET state = 'dead' WHERE state = 'dropped'")
    _allow("notices", "state", lambda values: values - {"dropped"})
    op.drop_column("notices", "estimate_cents")
    op.drop_column("notices", "language")
    op.drop_index("ix_inbox_postponed", table_name="inbox")
    op.drop_index("ix_inbox_person", table_name="inbox")
    op.drop_column("inbox", "person")
    op.drop_index("ix_inbox_waiting", table_name="inbox")
    op.create_index("ix_inbox_due", "inbox", ["due_at"], postgresql_where=WAITING)


def _allow(table: str, column: str, change: Callable[[set[str]], set[str]]) -> None:
    """Allow other values than now; which those are, other revisions may have said."""
    name = f"ck_{table}_{column}"
    definition = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": name},
    )
    values = sorted(change(set(re.findall(r"'(\w+)'", definition.scalar_one()))))
    op.drop_constraint(op.f(name), table)
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(name), table, f"{column} IN ({listed})")
