"""Staff act under their name: who answered a question, and who closed it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("ticket_notes", sa.Column("written_by", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("closed_by", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tickets", "closed_by")
    op.drop_column("ticket_notes", "written_by")
