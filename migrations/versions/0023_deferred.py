"""What is to be rolled up is noted once a transfer, and not for each of its legs.

Four notes with a foreign key each were a fifth of what a release costs. The statement that posts
the legs writes the note, only the ledger's functions may write either, and transfers are never
deleted: a foreign key could not fail.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

LEGS = """    WITH posted AS (
        INSERT INTO ledger_postings (transfer_id, account, amount_cents)
        SELECT new_id, path, amount
        FROM unnest(paths, amounts) AS wanted (path, amount)
        WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable')
        RETURNING id
    )
    INSERT INTO ledger_deferred (posting_id) SELECT id FROM posted;
"""
LEGS_NOTED_ONCE = """    INSERT INTO ledger_postings (transfer_id, account, amount_cents)
    SELECT new_id, path, amount
    FROM unnest(paths, amounts) AS wanted (path, amount)
    WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable');
    IF FOUND THEN
        INSERT INTO ledger_deferred (transfer_id) VALUES (new_id);
    END IF;
"""
MANY = """        RETURNING id
    )
    INSERT INTO ledger_deferred (posting_id) SELECT id FROM posted;
"""
MANY_NOTED_ONCE = """        RETURNING transfer_id
    )
    INSERT INTO ledger_deferred (transfer_id) SELECT DISTINCT transfer_id FROM posted;
"""
CLAIMED = """
        WITH claimed AS (
            SELECT posting_id FROM ledger_deferred
            ORDER BY posting_id LIMIT postings_max FOR UPDATE SKIP LOCKED
        ), taken AS (
            DELETE FROM ledger_deferred USING claimed
            WHERE ledger_deferred.posting_id = claimed.posting_id
            RETURNING claimed.posting_id
        )
        SELECT account, sum(amount_cents) AS amount, count(*) AS postings
        FROM taken JOIN ledger_postings ON id = posting_id
"""
CLAIMED_BY_TRANSFER = """
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
"""
POSTINGS, TRANSFERS = "postings_max integer", "transfers_max integer"
FOREIGN_KEY = """
ALTER TABLE ledger_deferred ADD CONSTRAINT fk_ledger_deferred_posting_id_ledger_postings
FOREIGN KEY (posting_id) REFERENCES ledger_postings (id)
"""


def upgrade() -> None:
    _empty()
    _column("transfer_id", "uuid")
    _rewrite("ledger_post", (LEGS, LEGS_NOTED_ONCE))
    _rewrite("ledger_post_all", (MANY, MANY_NOTED_ONCE))
    _rewrite("ledger_roll_up", (CLAIMED, CLAIMED_BY_TRANSFER), (POSTINGS, TRANSFERS))


def downgrade() -> None:
    _empty()
    _column("posting_id", "bigint")
    _rewrite("ledger_post", (LEGS_NOTED_ONCE, LEGS))
    _rewrite("ledger_post_all", (MANY_NOTED_ONCE, MANY))
    _rewrite("ledger_roll_up", (CLAIMED_BY_TRANSFER, CLAIMED), (TRANSFERS, POSTINGS))
    op.execute(FOREIGN_KEY)


def _empty() -> None:
    """Roll up what waits; nobody adds to it before this is over."""
    op.execute("LOCK TABLE ledger_deferred IN ACCESS EXCLUSIVE MODE")
    while op.get_bind().scalar(text("SELECT ledger_roll_up(10000)")):
        pass


def _column(name: str, kind: str) -> None:
    """Give the empty table another single column; its triggers stay."""
    old = "posting_id" if name == "transfer_id" else "transfer_id"
    op.execute(
        f"ALTER TABLE ledger_deferred DROP COLUMN {old},"
        f" ADD COLUMN {name} {kind} CONSTRAINT pk_ledger_deferred PRIMARY KEY"
    )


def _rewrite(name: str, *changes: tuple[str, str]) -> None:
    """Replace words of one of the ledger's functions, of which each stands there once."""
    source: str = op.get_bind().scalar(
        text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": name}
    )
    for words, instead in changes:
        assert source.count(words) == 1, f"{name} has another shape"
        source = source.replace(words, instead)
    # The names of what a function is given cannot be replaced in place.
    op.execute(f"DROP FUNCTION {name}")
    op.execute(source)
