"""Which long message a callback is a part of, so that its parts are joined before it is read."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("inbox", sa.Column("part_of", sa.Text(), nullable=True))
    op.create_index(
        "ix_inbox_part_of",
        "inbox",
        ["person", "part_of", "received_at"],
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_part_of", table_name="inbox")
    op.drop_column("inbox", "part_of")
