"""Staff act under their name: answers, ends of tickets, photos taken down; tabs that refresh.

A refresh token that was just used leads to the next one again.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
TAKE_DOWNS = "listing_photo_take_downs"


def upgrade() -> None:
    op.add_column("ticket_notes", sa.Column("written_by", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("closed_by", sa.Text(), nullable=True))
    salt = sa.Column("refresh_salt", sa.Text(), server_default="", nullable=False)
    op.add_column("admin_sessions", salt)
    op.alter_column("admin_sessions", "refresh_salt", server_default=None)
    op.add_column("admin_sessions", sa.Column("refreshed_at", MOMENT, nullable=True))
    op.execute("UPDATE admin_sessions SET refreshed_at = begun_at")
    op.alter_column("admin_sessions", "refreshed_at", nullable=False)
    number = sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    op.add_column("listing_photos", number)
    op.create_unique_constraint(op.f("uq_listing_photos_number"), "listing_photos", ["number"])
    op.create_table(
        TAKE_DOWNS,
        sa.Column("photo_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("taken_down_at", MOMENT, nullable=False),
        sa.Column("taken_down_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f(f"fk_{TAKE_DOWNS}_listing_id_listings")
        ),
        sa.PrimaryKeyConstraint("photo_number", name=op.f(f"pk_{TAKE_DOWNS}")),
    )
    op.create_index(op.f(f"ix_{TAKE_DOWNS}_listing_id"), TAKE_DOWNS, ["listing_id"])


def downgrade() -> None:
    op.drop_table(TAKE_DOWNS)
    op.drop_column("listing_photos", "number")
    for name in ("refreshed_at", "refresh_salt"):
        op.drop_column("admin_sessions", name)
    op.drop_column("tickets", "closed_by")
    op.drop_column("ticket_notes", "written_by")
