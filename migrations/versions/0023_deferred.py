"""Notes of what is to be rolled up are not looked up one by one.

The statement that writes a posting writes its note, only the ledger's functions may write either,
and postings are never deleted: the foreign key could not fail, and four of its lookups were a
sixth of what a release costs.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

KEY = "fk_ledger_deferred_posting_id_ledger_postings"


def upgrade() -> None:
    op.drop_constraint(KEY, "ledger_deferred", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(KEY, "ledger_deferred", "ledger_postings", ["posting_id"], ["id"])
