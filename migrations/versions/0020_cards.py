"""Paying by card: which way an attempt takes money, its page, and the links to ours."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "attempts", sa.Column("method", sa.String(32), server_default="mpesa", nullable=False)
    )
    op.add_column("attempts", sa.Column("link", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_attempts_method"), "attempts", "method IN ('mpesa', 'card')"
    )
    op.create_check_constraint(
        op.f("ck_attempts_link"), "attempts", "link IS NULL OR method = 'card'"
    )
    op.create_table(
        "pay_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("msisdn", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_pay_links_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_pay_links")),
    )
    op.create_index(op.f("ix_pay_links_booking_id"), "pay_links", ["booking_id"])


def downgrade() -> None:
    op.drop_table("pay_links")
    op.drop_column("attempts", "link")
    op.drop_column("attempts", "method")
