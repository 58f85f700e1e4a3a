"""A posting is found by its transfer: one index less to write for each leg.

Nobody asks for a posting by its own number alone, which only keeps the order in which they came. A
key that begins with the transfer serves both the look-up and the order.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

KEY = "pk_ledger_postings"
INDEX = "ix_ledger_postings_transfer_id"


def upgrade() -> None:
    _key("transfer_id, id")
    op.drop_index(INDEX, table_name="ledger_postings")


def downgrade() -> None:
    _key("id")
    op.create_index(INDEX, "ledger_postings", ["transfer_id"])


def _key(columns: str) -> None:
    op.execute(
        f"ALTER TABLE ledger_postings DROP CONSTRAINT {KEY},"
        f" ADD CONSTRAINT {KEY} PRIMARY KEY ({columns})"
    )
