"""A transfer costs less to post: nothing is planned anew, no list of kinds read for each.

PostgreSQL plans a statement over arrays anew each time, for it reckons a plan that knows how long
they are to be the cheaper one; ours have six legs at the most, and the planning was the dearer part.
A trigger's condition is read from its text by each statement: the list of kinds moves into the
function, which is asked for transfers of bookings alone.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

POST = "ledger_post(uuid, text, bytea, text, uuid, timestamptz, text[], text[], bigint[])"
KINDS = "('paid', 'matched', 'returned', 'set_aside')"
OF_A_BOOKING = "NEW.booking_id IS NOT NULL"
NOTE = "INSERT INTO documents_due (transfer_id) VALUES (NEW.id);"


def upgrade() -> None:
    op.execute(f"ALTER FUNCTION {POST} SET plan_cache_mode = force_generic_plan")
    _owe(OF_A_BOOKING, f"IF NEW.kind IN {KINDS} THEN {NOTE} END IF;")


def downgrade() -> None:
    _owe(f"{OF_A_BOOKING} AND NEW.kind IN {KINDS}", NOTE)
    op.execute(f"ALTER FUNCTION {POST} RESET plan_cache_mode")


def _owe(when: str, body: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION document_owe() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body} RETURN NULL; END $$"
    )
    op.execute(
        "CREATE OR REPLACE TRIGGER owe_document AFTER INSERT ON ledger_transfers"
        f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION document_owe()"
    )
