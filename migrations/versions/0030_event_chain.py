"""Each audit row of a booking holds a digest of itself and of the row before (invariant I15).

Rows are append-only by a trigger; whoever gets around that and rewrites, removes or moves one leaves
a chain that does not fit. The database makes the digest, so that no writer can forget it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# A moment as it is sent, as its words depend on who reads it; the note last, as it may hold
# anything. A nightly check reads all of them: JSON took three times as long.
DIGEST = """
CREATE FUNCTION booking_event_digest(before bytea, event booking_events) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(before, '') || timestamptz_send(event.at) || convert_to(concat_ws('|',
        event.id, event.booking_id, event.event, coalesce(event.state_before, ''),
        event.state_after, event.actor, coalesce(event.actor_id::text, ''), 'note ' || event.note
    ), 'UTF8'))
$$
"""
CHAINED = """
CREATE FUNCTION booking_event_chained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.chain = booking_event_digest(
        (
            SELECT chain FROM booking_events
            WHERE booking_id = NEW.booking_id ORDER BY id DESC LIMIT 1
        ),
        NEW
    );
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER chained BEFORE INSERT ON booking_events
FOR EACH ROW EXECUTE FUNCTION booking_event_chained()
"""
EARLIER = """
DO $$
DECLARE row booking_events; last bytea; booking uuid;
BEGIN
    FOR row IN SELECT * FROM booking_events ORDER BY booking_id, id LOOP
        IF row.booking_id IS DISTINCT FROM booking THEN
            booking = row.booking_id;
            last = NULL;
        END IF;
        last = booking_event_digest(last, row);
        UPDATE booking_events SET chain = last WHERE id = row.id;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.add_column(
        "booking_events",
        sa.Column("chain", sa.LargeBinary(), server_default=sa.text("''"), nullable=False),
    )
    op.execute(DIGEST)
    op.execute("ALTER TABLE booking_events DISABLE TRIGGER append_only")
    op.execute(EARLIER)
    op.execute("ALTER TABLE booking_events ENABLE TRIGGER append_only")
    op.execute(CHAINED)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER chained ON booking_events")
    op.execute("DROP FUNCTION booking_event_chained, booking_event_digest")
    op.drop_column("booking_events", "chain")
