"""A transfer costs a seventh less to post.

All legs are inserted by one statement, and accounts are looked up by those statements that need them,
not by one of their own before. Whether the ledger is open is asked by a function: a trigger's condition
is read from its text by every statement, which took four times as long.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CONDITION = "current_setting('nafasi.ledger', true) IS DISTINCT FROM 'open'"
KEEP_CLOSED = f"""
CREATE FUNCTION ledger_keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {CONDITION} THEN
        RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'NL403';
    END IF;
    RETURN NULL;
END
$$
"""
CLOSED = {
    "ledger_accounts": "INSERT OR UPDATE",
    "ledger_transfers": "INSERT",
    "ledger_postings": "INSERT",
    "ledger_rolled": "INSERT OR UPDATE",
}

OPEN = """
CREATE FUNCTION ledger_open(new_path text, new_currency text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    its text;
BEGIN
    INSERT INTO ledger_accounts (path, kind, currency, deferred, balance_cents, entries)
    VALUES (new_path, split_part(new_path, ':', 1), new_currency,
        split_part(new_path, ':', 1) NOT IN ('escrow', 'payable'), 0, 0)
    ON CONFLICT (path) DO NOTHING;
    SELECT currency INTO its FROM ledger_accounts WHERE path = new_path;
    IF its <> new_currency THEN
        RAISE EXCEPTION 'an account has another currency' USING ERRCODE = 'NL404';
    END IF;
    RETURN its;
END
$$
"""

VARIABLES = """    known integer;
    leg record;
    balance bigint;
    number bigint;
"""
LEGS = """
    FOR attempt IN 1..2 LOOP
        SELECT count(*) INTO known
        FROM unnest(paths, currencies) AS wanted (path, currency)
        WHERE currency = (SELECT currency FROM ledger_accounts WHERE path = wanted.path);
        EXIT WHEN known = cardinality(paths);
        IF attempt = 2 THEN
            RAISE EXCEPTION 'an account has another currency' USING ERRCODE = 'NL404';
        END IF;
        INSERT INTO ledger_accounts (path, kind, currency, deferred, balance_cents, entries)
        SELECT path, split_part(path, ':', 1), min(currency),
            split_part(path, ':', 1) NOT IN ('escrow', 'payable'), 0, 0
        FROM unnest(paths, currencies) AS wanted (path, currency)
        GROUP BY path ORDER BY path
        ON CONFLICT (path) DO NOTHING;
    END LOOP;

    FOR leg IN
        SELECT path, amount
        FROM unnest(paths, amounts) AS wanted (path, amount)
        WHERE split_part(path, ':', 1) IN ('escrow', 'payable') ORDER BY path, amount
    LOOP
        UPDATE ledger_accounts
        SET balance_cents = balance_cents + leg.amount, entries = entries + 1
        WHERE path = leg.path
        RETURNING balance_cents, entries INTO balance, number;
        INSERT INTO ledger_postings
            (transfer_id, account, amount_cents, entry_no, balance_after_cents)
        VALUES (new_id, leg.path, leg.amount, number, balance);
    END LOOP;

    INSERT INTO ledger_postings (transfer_id, account, amount_cents)
    SELECT new_id, path, amount
    FROM unnest(paths, amounts) AS wanted (path, amount)
    WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable');
"""

NEW_VARIABLES = """    leg record;
    balance bigint;
    number bigint;
    balances bigint[] = array_fill(NULL::bigint, ARRAY[cardinality(paths)]);
    numbers bigint[] = balances;
"""
# An account is opened by whoever needs it first: one with a limit in its place in the order of locks,
# a shared one afterwards. Of two that open the same shared accounts at once and meet there, PostgreSQL
# ends one, which is then run again; it can only be once in an account's life.
NEW_LEGS = """
    FOR leg IN
        SELECT place, path, currency, amount
        FROM unnest(paths, currencies, amounts) WITH ORDINALITY
            AS wanted (path, currency, amount, place)
        WHERE split_part(path, ':', 1) IN ('escrow', 'payable') ORDER BY path, amount
    LOOP
        LOOP
            UPDATE ledger_accounts
            SET balance_cents = balance_cents + leg.amount, entries = entries + 1
            WHERE path = leg.path AND currency = leg.currency
            RETURNING balance_cents, entries INTO balance, number;
            EXIT WHEN FOUND;
            PERFORM ledger_open(leg.path, leg.currency);
        END LOOP;
        balances[leg.place] = balance;
        numbers[leg.place] = number;
    END LOOP;

    INSERT INTO ledger_postings
        (transfer_id, account, amount_cents, entry_no, balance_after_cents)
    SELECT new_id, path, amount, entry_no, balance_after
    FROM unnest(paths, currencies, amounts, numbers, balances)
        AS wanted (path, currency, amount, entry_no, balance_after)
    WHERE entry_no IS NOT NULL
        OR currency = (SELECT currency FROM ledger_accounts WHERE path = wanted.path)
        OR currency = ledger_open(path, currency);
"""


def upgrade() -> None:
    op.execute(KEEP_CLOSED)
    _close("", "ledger_keep_closed")
    _run(OPEN)
    _rewrite("ledger_post", (VARIABLES, NEW_VARIABLES), (LEGS, NEW_LEGS))


def downgrade() -> None:
    _rewrite("ledger_post", (NEW_VARIABLES, VARIABLES), (NEW_LEGS, LEGS))
    op.execute("DROP FUNCTION ledger_open")
    _close(f"WHEN ({CONDITION})", "ledger_refuse")
    op.execute("DROP FUNCTION ledger_keep_closed")


def _close(when: str, function: str) -> None:
    for table, written in CLOSED.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_closed BEFORE {written} ON {table}"
            f" FOR EACH STATEMENT {when} EXECUTE FUNCTION {function}()"
        )


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
