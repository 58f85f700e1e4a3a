"""Whose word a callback is, so that what one person sends is applied in order."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.drop_index("ix_inbox_due", table_name="inbox")
    op.create_index(
        "ix_inbox_waiting", "inbox", ["received_at", "id"], postgresql_where=WAITING
    )
    op.add_column("inbox", sa.Column("person", sa.String(length=16), nullable=True))
    op.create_index(
        "ix_inbox_person",
        "inbox",
        ["person", "received_at"],
        postgresql_where=sa.text("state = 'waiting' AND person IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_person", table_name="inbox")
    op.drop_column("inbox", "person")
    op.drop_index("ix_inbox_waiting", table_name="inbox")
    op.create_index("ix_inbox_due", "inbox", ["due_at"], postgresql_where=WAITING)
