"""A booking keeps the day whose rates its price has, and rates of the past cannot change.

A change is priced on its own day. Until now reports, receipts and what the tax authority is told
looked rates up by the day on which it was booked.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

PRICED_ON = """
UPDATE bookings SET priced_on = (
    coalesce(
        (
            SELECT max(booking_changes.created_at) FROM booking_changes
            WHERE booking_id = bookings.id AND booking_changes.state = 'applied'
        ),
        created_at
    ) AT TIME ZONE 'Africa/Nairobi'
)::date
"""
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rates
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.add_column("bookings", sa.Column("priced_on", sa.Date(), nullable=True))
    op.execute(PRICED_ON)
    op.alter_column("bookings", "priced_on", nullable=False)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON rates")
    op.drop_column("bookings", "priced_on")
