"""Staff act under their name; a refresh token that was just used leads to the next one again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("ticket_notes", sa.Column("written_by", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("closed_by", sa.Text(), nullable=True))
    salt = sa.Column("refresh_salt", sa.Text(), server_default="", nullable=False)
    op.add_column("admin_sessions", salt)
    op.alter_column("admin_sessions", "refresh_salt", server_default=None)
    op.add_column("admin_sessions", sa.Column("refreshed_at", MOMENT, nullable=True))
    op.execute("UPDATE admin_sessions SET refreshed_at = begun_at")
    op.alter_column("admin_sessions", "refreshed_at", nullable=False)


def downgrade() -> None:
    for name in ("refreshed_at", "refresh_salt"):
        op.drop_column("admin_sessions", name)
    op.drop_column("tickets", "closed_by")
    op.drop_column("ticket_notes", "written_by")
