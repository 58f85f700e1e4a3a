"""What our ledger is measured against, made in scratch schemas of the same database.

``pairs``: two-legged transfers in the manner of pgledger, the plain PostgreSQL ledger that others
hold up: accounts locked in order by ``FOR UPDATE``, an entry with the balance before and after and
a version, numeric amounts, text ids. Written anew after its published design; ids are drawn by
PostgreSQL's own function, which makes it a little faster than the original.

``locked``: our own ledger with one difference: no balance is deferred, each account's row is
locked by each transfer. It is made from the functions and triggers as they are, so that it stays
the same posting whatever becomes of them.
"""

import re

import psycopg

PAIRS = """
CREATE SCHEMA pairs;
CREATE TABLE pairs.accounts (
    id text PRIMARY KEY,
    name text NOT NULL,
    currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    allow_negative_balance boolean NOT NULL,
    allow_positive_balance boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE pairs.transfers (
    id text PRIMARY KEY,
    from_account_id text NOT NULL REFERENCES pairs.accounts (id),
    to_account_id text NOT NULL REFERENCES pairs.accounts (id),
    amount numeric NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    event_at timestamptz NOT NULL,
    metadata jsonb,
    CHECK (from_account_id <> to_account_id)
);
CREATE INDEX ON pairs.transfers (from_account_id);
CREATE INDEX ON pairs.transfers (to_account_id);
CREATE TABLE pairs.entries (
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES pairs.accounts (id),
    transfer_id text NOT NULL REFERENCES pairs.transfers (id),
    amount numeric NOT NULL,
    account_previous_balance numeric NOT NULL,
    account_current_balance numeric NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON pairs.entries (account_id);
CREATE INDEX ON pairs.entries (transfer_id);

CREATE FUNCTION pairs.new_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT prefix || '_' || gen_random_uuid()::text
$$;

CREATE FUNCTION pairs.add_entry(of_transfer text, of_account text, moved numeric) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    changed pairs.accounts;
BEGIN
    UPDATE pairs.accounts
    SET balance = balance + moved, version = version + 1, updated_at = now()
    WHERE id = of_account
    RETURNING * INTO changed;
    IF changed.balance < 0 AND NOT changed.allow_negative_balance
        OR changed.balance > 0 AND NOT changed.allow_positive_balance THEN
        RAISE EXCEPTION 'account % may not hold %', of_account, changed.balance;
    END IF;
    INSERT INTO pairs.entries (id, account_id, transfer_id, amount, account_previous_balance,
        account_current_balance, account_version)
    VALUES (pairs.new_id('entry'), of_account, of_transfer, moved, changed.balance - moved,
        changed.balance, changed.version);
END
$$;

CREATE FUNCTION pairs.transfer(
    from_account text, to_account text, moved numeric, happened_at timestamptz, noted jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_id text = pairs.new_id('transfer');
    currencies bigint;
BEGIN
    IF moved <= 0 THEN
        RAISE EXCEPTION 'a transfer moves something';
    END IF;
    PERFORM FROM pairs.accounts WHERE id IN (from_account, to_account) ORDER BY id FOR UPDATE;
    SELECT count(DISTINCT currency) INTO currencies
    FROM pairs.accounts WHERE id IN (from_account, to_account);
    IF currencies <> 1 THEN
        RAISE EXCEPTION 'both accounts hold one currency';
    END IF;
    INSERT INTO pairs.transfers (id, from_account_id, to_account_id, amount, event_at, metadata)
    VALUES (new_id, from_account, to_account, moved, happened_at, noted);
    PERFORM pairs.add_entry(new_id, from_account, -moved);
    PERFORM pairs.add_entry(new_id, to_account, moved);
    RETURN new_id;
END
$$;
"""

LOCKED = """
CREATE SCHEMA locked;
CREATE TABLE locked.ledger_accounts (LIKE public.ledger_accounts INCLUDING ALL)
    WITH (fillfactor = 50);
CREATE TABLE locked.ledger_transfers (LIKE public.ledger_transfers INCLUDING ALL);
CREATE TABLE locked.ledger_postings (LIKE public.ledger_postings INCLUDING ALL,
    FOREIGN KEY (transfer_id) REFERENCES locked.ledger_transfers (id));
"""
FUNCTIONS = (
    "ledger_refuse",
    "ledger_keep_closed",
    "ledger_check_balanced",
    "ledger_open",
    "ledger_post",
)
# Which legs are written under their account's lock; the others are appended, to be added up later.
NUMBERED = "WHERE split_part(path, ':', 1) IN ('escrow', 'payable') ORDER BY"
TRIGGERS = """
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    AND relname IN ('ledger_accounts', 'ledger_transfers', 'ledger_postings')
"""


def make_baselines(connection: psycopg.Connection[tuple[str]]) -> None:
    """Make both schemas beside the migrated ledger."""
    connection.execute(PAIRS)
    connection.execute(LOCKED)
    for name in FUNCTIONS:
        connection.execute(_as_bytes(_moved(_function(connection, name))))
    for (definition,) in connection.execute(TRIGGERS).fetchall():
        connection.execute(_as_bytes(_moved(definition)))


def _function(connection: psycopg.Connection[tuple[str]], name: str) -> str:
    found = connection.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchone()
    assert found is not None, "a migrated database has the ledger's functions"
    source = found[0]
    if name == "ledger_post":
        assert source.count(NUMBERED) == 1, "ledger_post has another shape: look again"
        source = source.replace(NUMBERED, "WHERE true ORDER BY")
    return source


def _moved(definition: str) -> str:
    """A function or trigger of ours, over the tables of the scratch schema."""
    of_ours = r"(?:public\.)?\bledger_(accounts|transfers|postings)\b(?!_)"
    definition = re.sub(of_ours, r"locked.ledger_\1", definition)
    return re.sub(rf"(?:public\.)?\b({'|'.join(FUNCTIONS)})\(", r"locked.\1(", definition)


def _as_bytes(statement: str) -> bytes:
    return statement.encode()
