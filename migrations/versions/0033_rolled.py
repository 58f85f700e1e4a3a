"""How far shared balances hold their postings is one number, not a note for each transfer.

Notes that lived a second each were a tenth of what a release costs: written, deleted, and swept up.
A posting's own number alone does not tell, for it is drawn before its transaction commits: a lower one
may appear after a higher one. So a number counts as settled once every transaction that was writing
postings when it was the last one drawn has ended; whoever writes postings holds a lock on their table
until then, and PostgreSQL shows these locks.
"""

from collections.abc import Sequence
from textwrap import dedent

from alembic import op
from sqlalchemy import text

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROLLED = """
CREATE TABLE ledger_rolled (
    one boolean NOT NULL,
    rolled_id bigint NOT NULL,
    marked_id bigint NOT NULL,
    writing text[] NOT NULL,
    CONSTRAINT pk_ledger_rolled PRIMARY KEY (one),
    CONSTRAINT ck_ledger_rolled_one CHECK (one),
    CONSTRAINT ck_ledger_rolled_marked CHECK (rolled_id <= marked_id)
)
"""
NOTHING_WAITS = """
INSERT INTO ledger_rolled (one, rolled_id, marked_id, writing)
SELECT true, drawn, drawn, '{}'
FROM (SELECT coalesce(pg_sequence_last_value('ledger_postings_id_seq'), 0) AS drawn) AS so_far
"""
# A few accounts of very many: those that the roll-up goes through.
SHARED = "CREATE INDEX ix_ledger_accounts_deferred ON ledger_accounts (path) WHERE deferred"

DEFERRED = """
CREATE TABLE ledger_deferred (
    transfer_id uuid NOT NULL,
    CONSTRAINT pk_ledger_deferred PRIMARY KEY (transfer_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
"""

CLOSED = "current_setting('nafasi.ledger', true) IS DISTINCT FROM 'open'"


def _triggers(table: str, written: str, never: str) -> tuple[str, str]:
    return (
        (
            f"CREATE TRIGGER {table}_closed BEFORE {written} ON {table}"
            f" FOR EACH STATEMENT WHEN ({CLOSED}) EXECUTE FUNCTION ledger_refuse()"
        ),
        (
            f"CREATE TRIGGER {table}_append_only BEFORE {never} ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        ),
    )


# One at a time; whoever comes second has nothing to do. The numbers drawn are read before the locks:
# whoever has drawn one of them holds its lock then, or has ended, and what it wrote is seen by the
# statements that follow. For these to see it, each must look anew.
# Nothing is compiled (JIT): a scan that is forbidden and yet the only way, as to the single row here,
# counts as so dear that each roll-up would be, for 40 ms of work that takes half of one.
ROLL_UP = """
CREATE FUNCTION ledger_roll_up(postings_max integer) RETURNS integer
LANGUAGE plpgsql SET nafasi.ledger = 'open' SET enable_seqscan = off SET jit = off AS $$
DECLARE
    mark ledger_rolled;
    drawn bigint;
    now_writing text[];
    settled bigint;
    part record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a roll-up has to see what commits while it runs';
    END IF;
    SELECT * INTO mark FROM ledger_rolled FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    drawn = coalesce(pg_sequence_last_value('ledger_postings_id_seq'), 0);
    SELECT coalesce(array_agg(virtualtransaction), '{}') INTO now_writing
    FROM pg_locks
    WHERE relation = 'ledger_postings'::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid();
    IF now_writing = '{}' THEN
        settled = drawn;
    ELSIF NOT now_writing && mark.writing THEN
        settled = mark.marked_id;
    ELSE
        settled = mark.rolled_id;
    END IF;
    settled = least(settled, mark.rolled_id + postings_max);

    FOR part IN
        SELECT path, amount, postings
        FROM ledger_accounts, LATERAL (
            SELECT sum(amount_cents) AS amount, count(*) AS postings
            FROM ledger_postings
            WHERE account = path AND entry_no IS NULL
                AND id > mark.rolled_id AND id <= settled
        ) AS sums
        WHERE deferred AND postings > 0 ORDER BY path
    LOOP
        UPDATE ledger_accounts
        SET balance_cents = balance_cents + part.amount, entries = entries + part.postings
        WHERE path = part.path;
    END LOOP;

    -- A mark stays until all that it settles is rolled up, however busy it is.
    IF settled >= mark.marked_id THEN
        UPDATE ledger_rolled SET rolled_id = settled, marked_id = drawn, writing = now_writing;
    ELSIF settled > mark.rolled_id THEN
        UPDATE ledger_rolled SET rolled_id = settled;
    END IF;
    RETURN settled - mark.rolled_id;
END
$$
"""
ROLL_UP_NOTES = """
CREATE FUNCTION ledger_roll_up(transfers_max integer) RETURNS integer
LANGUAGE plpgsql SET nafasi.ledger = 'open' SET enable_seqscan = off AS $$
DECLARE
    part record;
    rolled integer = 0;
BEGIN
    FOR part IN
        WITH claimed AS (
            SELECT transfer_id FROM ledger_deferred
            ORDER BY transfer_id LIMIT transfers_max FOR UPDATE SKIP LOCKED
        ), taken AS (
            DELETE FROM ledger_deferred USING claimed
            WHERE ledger_deferred.transfer_id = claimed.transfer_id
            RETURNING claimed.transfer_id
        )
        SELECT account, sum(amount_cents) AS amount, count(*) AS postings
        FROM taken JOIN ledger_postings USING (transfer_id)
        WHERE entry_no IS NULL
        GROUP BY account ORDER BY account
    LOOP
        UPDATE ledger_accounts
        SET balance_cents = balance_cents + part.amount, entries = entries + part.postings
        WHERE path = part.account;
        rolled = rolled + part.postings;
    END LOOP;
    RETURN rolled;
END
$$
"""

ONE_NOTE = """    IF FOUND THEN
        INSERT INTO ledger_deferred (transfer_id) VALUES (new_id);
    END IF;
"""
ONE_DONE = "    RETURN new_id;\nEND"
MANY = """
        INSERT INTO ledger_postings (transfer_id, account, amount_cents)
        SELECT ids[place], path, amount
        FROM unnest(places, paths, amounts) AS leg (place, path, amount)
        WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable')
            AND ids[place] IN (SELECT unnest(inserted))"""
MANY_NOTED = f"""    WITH posted AS ({MANY}
        RETURNING transfer_id
    )
    INSERT INTO ledger_deferred (transfer_id) SELECT DISTINCT transfer_id FROM posted;
"""
MANY_BARE = f"{dedent(MANY).strip()};\n"


def upgrade() -> None:
    _roll_up_all()
    op.execute("DROP FUNCTION ledger_roll_up")
    op.execute("DROP TABLE ledger_deferred")
    for statement in (ROLLED, NOTHING_WAITS, SHARED, ROLL_UP):
        _run(statement)
    for trigger in _triggers("ledger_rolled", "INSERT OR UPDATE", "DELETE OR TRUNCATE"):
        op.execute(trigger)
    _rewrite("ledger_post", (ONE_NOTE, ""))
    _rewrite("ledger_post_all", (MANY_NOTED, MANY_BARE))


def downgrade() -> None:
    _roll_up_all()
    op.execute("DROP FUNCTION ledger_roll_up")
    op.execute("DROP INDEX ix_ledger_accounts_deferred")
    op.execute("DROP TABLE ledger_rolled")
    for statement in (DEFERRED, ROLL_UP_NOTES):
        op.execute(statement)
    for trigger in _triggers("ledger_deferred", "INSERT OR DELETE", "UPDATE OR TRUNCATE"):
        op.execute(trigger)
    _rewrite("ledger_post", (ONE_DONE, ONE_NOTE + ONE_DONE))
    _rewrite("ledger_post_all", (MANY_BARE, MANY_NOTED))


def _roll_up_all() -> None:
    """Roll up what waits; nobody posts before this is over."""
    op.execute("LOCK TABLE ledger_transfers, ledger_postings IN SHARE ROW EXCLUSIVE MODE")
    while op.get_bind().scalar(text("SELECT ledger_roll_up(10000)")):
        pass


def _run(statement: str) -> None:
    """Run SQL as written: colons in it are its own."""
    op.execute(statement.replace(":", r"\:"))


def _rewrite(name: str, *changes: tuple[str, str]) -> None:
    """Replace words of one of the ledger's functions, of which each stands there once."""
    source: str = op.get_bind().scalar(
        text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": name}
    )
    for words, instead in changes:
        assert source.count(words) == 1, f"{name} has another shape"
        source = source.replace(words, instead)
    _run(source)
