"""Attempts know where else they were tried, and bank payouts where they go."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("bank_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("attempts", sa.Column("rerouted_from", sa.Uuid(), nullable=True))
    op.add_column(
        "attempts",
        sa.Column("lost", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    # What was under way before this was noted may have lost an answer.
    op.execute(
        "UPDATE attempts SET lost = true"
        " WHERE sent_at IS NOT NULL AND state IN ('queued', 'sending', 'unknown')"
    )
    op.create_foreign_key(
        op.f("fk_attempts_rerouted_from_attempts"),
        "attempts",
        "attempts",
        ["rerouted_from"],
        ["id"],
    )
    # Once: what was moved already is not moved on, and two workers do not move it twice.
    op.create_index(
        op.f("uq_attempts_rerouted_from"),
        "attempts",
        ["rerouted_from"],
        unique=True,
        postgresql_where=sa.text("rerouted_from IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("uq_attempts_rerouted_from"), table_name="attempts")
    op.drop_constraint(op.f("fk_attempts_rerouted_from_attempts"), "attempts")
    op.drop_column("attempts", "lost")
    op.drop_column("attempts", "rerouted_from")
    op.drop_column("attempts", "bank_sealed")
