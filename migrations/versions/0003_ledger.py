"""The ledger: double entry, append-only, zero-sum at commit; and the dated rates.

Money moves only through ``ledger_post``, balances of shared accounts follow through
``ledger_roll_up``. Both functions open ``nafasi.ledger`` for themselves; triggers refuse whoever
writes without it. Errors that callers tell apart have a SQLSTATE of class NL.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


# Half-filled pages leave room for the next version of a balance on the same page, and no index
# holds a column that changes, so that an update never touches an index.
ACCOUNTS = """
CREATE TABLE ledger_accounts (
    path text NOT NULL,
    kind varchar(32) NOT NULL,
    currency varchar(3) NOT NULL,
    deferred boolean NOT NULL,
    balance_cents bigint NOT NULL,
    entries bigint NOT NULL,
    CONSTRAINT pk_ledger_accounts PRIMARY KEY (path),
    CONSTRAINT ck_ledger_accounts_kind CHECK (kind IN (
        'float', 'escrow', 'payable', 'revenue', 'tax', 'suspense', 'expense')),
    CONSTRAINT ck_ledger_accounts_path CHECK (path ~ '^[a-z]+:[A-Za-z0-9_-]{1,48}$'),
    CONSTRAINT ck_ledger_accounts_path_kind CHECK (kind = split_part(path, ':', 1)),
    CONSTRAINT ck_ledger_accounts_currency CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_ledger_accounts_deferred
        CHECK (deferred = (kind NOT IN ('escrow', 'payable'))),
    CONSTRAINT ck_ledger_accounts_not_overdrawn CHECK (deferred OR balance_cents <= 0)
) WITH (fillfactor = 50)
"""

TRANSFERS = """
CREATE TABLE ledger_transfers (
    id uuid NOT NULL,
    idempotency_key text NOT NULL,
    digest bytea NOT NULL,
    kind text NOT NULL,
    booking_id uuid,
    posted_at timestamptz NOT NULL,
    CONSTRAINT pk_ledger_transfers PRIMARY KEY (id),
    CONSTRAINT uq_ledger_transfers_idempotency_key UNIQUE (idempotency_key)
)
"""

POSTINGS = """
CREATE TABLE ledger_postings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    transfer_id uuid NOT NULL,
    account text NOT NULL,
    amount_cents bigint NOT NULL,
    entry_no bigint,
    balance_after_cents bigint,
    CONSTRAINT pk_ledger_postings PRIMARY KEY (id),
    CONSTRAINT fk_ledger_postings_transfer_id_ledger_transfers
        FOREIGN KEY (transfer_id) REFERENCES ledger_transfers (id),
    CONSTRAINT fk_ledger_postings_account_ledger_accounts
        FOREIGN KEY (account) REFERENCES ledger_accounts (path),
    CONSTRAINT ck_ledger_postings_amount CHECK (amount_cents <> 0),
    CONSTRAINT ck_ledger_postings_entry
        CHECK ((entry_no IS NULL) = (balance_after_cents IS NULL))
)
"""

# Rows live for about a second: vacuum by count, however small the share of them is.
DEFERRED = """
CREATE TABLE ledger_deferred (
    posting_id bigint NOT NULL,
    CONSTRAINT pk_ledger_deferred PRIMARY KEY (posting_id),
    CONSTRAINT fk_ledger_deferred_posting_id_ledger_postings
        FOREIGN KEY (posting_id) REFERENCES ledger_postings (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
"""

INDEXES = (
    (
        "CREATE INDEX ix_ledger_transfers_booking_id ON ledger_transfers (booking_id)"
        " WHERE booking_id IS NOT NULL"
    ),
    "CREATE INDEX ix_ledger_postings_transfer_id ON ledger_postings (transfer_id)",
    (
        "CREATE UNIQUE INDEX uq_ledger_postings_account_entry_no"
        " ON ledger_postings (account, entry_no) WHERE entry_no IS NOT NULL"
    ),
    (
        "CREATE INDEX ix_ledger_postings_account_id ON ledger_postings (account, id)"
        " WHERE entry_no IS NULL"
    ),
)

REFUSE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'NL403';
END
$$
"""

# Asked once a transfer, at commit. Legs cannot come to an old transfer: only ledger_post may
# insert them, and it brings its own transfer. (Asking again for each leg costs a fifth of the
# throughput.) Tables start empty, and a plan made then must not scan them once they are full:
# hence enable_seqscan in all three functions.
BALANCED = """
CREATE FUNCTION ledger_check_balanced() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    currencies integer;
    off numeric;
BEGIN
    -- No amount is zero, so whatever sums to zero has two legs at least.
    SELECT count(*), max(abs(total)) INTO currencies, off
    FROM (
        SELECT sum(amount_cents) AS total
        FROM ledger_postings
        WHERE transfer_id = NEW.id
        GROUP BY (SELECT currency FROM ledger_accounts WHERE path = account)
    ) AS sums;
    IF currencies = 0 OR off <> 0 THEN
        RAISE EXCEPTION 'transfer % is not balanced', NEW.id USING ERRCODE = 'NL422';
    END IF;
    RETURN NULL;
END
$$
"""

# One round trip. The key comes first: of several callers with one key the first inserts it, the
# others wait there for its commit, and then find it. Balances that have a limit are locked in the
# order of their paths, so that no two transfers can wait for each other. An account is made by
# whoever needs it first, also in order and before any balance is locked.
POST = """
CREATE FUNCTION ledger_post(
    new_id uuid,
    new_key text,
    new_digest bytea,
    new_kind text,
    new_booking_id uuid,
    new_posted_at timestamptz,
    paths text[],
    currencies text[],
    amounts bigint[]
) RETURNS uuid
LANGUAGE plpgsql SET nafasi.ledger = 'open' SET enable_seqscan = off AS $$
DECLARE
    earlier record;
    known integer;
    leg record;
    balance bigint;
    number bigint;
BEGIN
    INSERT INTO ledger_transfers (id, idempotency_key, digest, kind, booking_id, posted_at)
    VALUES (new_id, new_key, new_digest, new_kind, new_booking_id, new_posted_at)
    ON CONFLICT (idempotency_key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT id, digest INTO STRICT earlier
        FROM ledger_transfers WHERE idempotency_key = new_key;
        IF earlier.digest <> new_digest THEN
            RAISE EXCEPTION 'key % came with other content', new_key USING ERRCODE = 'NL409';
        END IF;
        RETURN earlier.id;
    END IF;

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

    WITH posted AS (
        INSERT INTO ledger_postings (transfer_id, account, amount_cents)
        SELECT new_id, path, amount
        FROM unnest(paths, amounts) AS wanted (path, amount)
        WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable')
        RETURNING id
    )
    INSERT INTO ledger_deferred (posting_id) SELECT id FROM posted;
    RETURN new_id;
END
$$
"""

# Rows that another roll-up has claimed are skipped; rows of open transactions are not seen yet
# and keep for the next time. Accounts are updated in the order of their paths.
ROLL_UP = """
CREATE FUNCTION ledger_roll_up(postings_max integer) RETURNS integer
LANGUAGE plpgsql SET nafasi.ledger = 'open' SET enable_seqscan = off AS $$
DECLARE
    part record;
    rolled integer = 0;
BEGIN
    FOR part IN
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

CLOSED = "current_setting('nafasi.ledger', true) IS DISTINCT FROM 'open'"
TRIGGERS = (
    *(
        f"CREATE TRIGGER {table}_closed BEFORE {events} ON {table}"
        f" FOR EACH STATEMENT WHEN ({CLOSED}) EXECUTE FUNCTION ledger_refuse()"
        for table, events in (
            ("ledger_accounts", "INSERT OR UPDATE"),
            ("ledger_transfers", "INSERT"),
            ("ledger_postings", "INSERT"),
            ("ledger_deferred", "INSERT OR DELETE"),
        )
    ),
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE {events} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
        for table, events in (
            ("ledger_accounts", "DELETE OR TRUNCATE"),
            ("ledger_transfers", "UPDATE OR DELETE OR TRUNCATE"),
            ("ledger_postings", "UPDATE OR DELETE OR TRUNCATE"),
            ("ledger_deferred", "UPDATE OR TRUNCATE"),
        )
    ),
    (
        "CREATE CONSTRAINT TRIGGER ledger_transfers_balanced AFTER INSERT ON ledger_transfers"
        " DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION ledger_check_balanced()"
    ),
)

RATES = """
CREATE TABLE rates (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name varchar(32) NOT NULL,
    category text,
    basis_points integer NOT NULL,
    effective_from date NOT NULL,
    CONSTRAINT pk_rates PRIMARY KEY (id),
    CONSTRAINT uq_rates_name_category_effective_from
        UNIQUE NULLS NOT DISTINCT (name, category, effective_from),
    CONSTRAINT ck_rates_name
        CHECK (name IN ('service_fee', 'commission', 'vat', 'withholding')),
    CONSTRAINT ck_rates_basis_points CHECK (basis_points BETWEEN 0 AND 10000)
)
"""

# The rates of the worked example (DESIGN §6): 15 %, 15 %, 16 %, 5 %.
DEFAULT_RATES = """
INSERT INTO rates (name, category, basis_points, effective_from) VALUES
    ('service_fee', NULL, 1500, '2024-12-27'),
    ('commission', NULL, 1500, '2024-12-27'),
    ('vat', NULL, 1600, '2024-12-27'),
    ('withholding', NULL, 500, '2024-12-27')
"""


def upgrade() -> None:
    for statement in (ACCOUNTS, TRANSFERS, POSTINGS, DEFERRED, *INDEXES):
        _run(statement)
    for statement in (REFUSE, BALANCED, POST, ROLL_UP, *TRIGGERS):
        _run(statement)
    _run(RATES)
    _run(DEFAULT_RATES)


def downgrade() -> None:
    _run("DROP TABLE rates")
    _run("DROP FUNCTION ledger_roll_up, ledger_post")
    _run("DROP TABLE ledger_deferred, ledger_postings, ledger_transfers, ledger_accounts")
    _run("DROP FUNCTION ledger_check_balanced, ledger_refuse")


def _run(statement: str) -> None:
    """Run SQL as written: colons and percent signs in it are its own."""
    op.execute(statement.replace(":", r"\:"))
