"""Of all tries to take a payment back one has done it: the database says so, too."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TRIES = "ix_attempts_takes_back"
ONCE = "uq_attempts_taken_back"
COLUMNS = ["provider", "takes_back"]
TAKES_BACK = "takes_back IS NOT NULL"


def upgrade() -> None:
    op.create_index(TRIES, "attempts", COLUMNS, postgresql_where=text(TAKES_BACK))
    done = text(f"{TAKES_BACK} AND state = 'succeeded'")
    op.create_index(ONCE, "attempts", COLUMNS, unique=True, postgresql_where=done)


def downgrade() -> None:
    op.drop_index(ONCE, table_name="attempts")
    op.drop_index(TRIES, table_name="attempts")
