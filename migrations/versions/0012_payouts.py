"""Payouts that are held, halted or come back; balances of providers; many transfers at once."""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
STATES = ("released", "held", "paid", "failed", "reversed")
HOLD_REASONS = ("restricted", "admin", "kyc", "no_details", "unverified", "changed", "no_route")
NEW_CASES = {"payout_held", "payout_reversed", "payouts_halted"}

# Many transfers at once: the same rules as ledger_post, with as many statements for a thousand
# transfers as for one. Legs come in one list, each with the place of its transfer among the keys.
# Keys are inserted in their order and balances locked in the order of their paths, so that no two
# calls can wait for each other. Within a call legs follow the order of the transfers; a limited
# balance that would go beyond its limit on the way is refused, also when it comes back.
POST_ALL = """
CREATE FUNCTION ledger_post_all(
    ids uuid[],
    keys text[],
    digests bytea[],
    kinds text[],
    booking_ids uuid[],
    new_posted_at timestamptz,
    places integer[],
    paths text[],
    currencies text[],
    amounts bigint[]
) RETURNS SETOF uuid
LANGUAGE plpgsql SET nafasi.ledger = 'open' SET enable_seqscan = off AS $$
DECLARE
    known integer;
    inserted uuid[];
    reused text;
BEGIN
    WITH posted AS (
        INSERT INTO ledger_transfers (id, idempotency_key, digest, kind, booking_id, posted_at)
        SELECT id, key, digest, kind, booking_id, new_posted_at
        FROM unnest(ids, keys, digests, kinds, booking_ids)
            AS given (id, key, digest, kind, booking_id)
        ORDER BY key
        ON CONFLICT (idempotency_key) DO NOTHING
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO inserted FROM posted;

    IF cardinality(inserted) < cardinality(ids) THEN
        SELECT key INTO reused
        FROM unnest(keys, digests) AS given (key, digest)
        JOIN ledger_transfers ON idempotency_key = key
        WHERE ledger_transfers.digest <> given.digest
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'key % came with other content', reused USING ERRCODE = 'NL409';
        END IF;
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

    -- A statement of its own: what it waits for is seen by the one that follows.
    PERFORM FROM ledger_accounts
    WHERE path IN (
        SELECT path FROM unnest(paths) AS wanted (path)
        WHERE split_part(path, ':', 1) IN ('escrow', 'payable')
    )
    ORDER BY path FOR NO KEY UPDATE;

    WITH legs AS (
        SELECT ids[place] AS transfer, leg.path, amount,
            balance_cents + sum(amount) OVER chain AS balance,
            entries + row_number() OVER chain AS number,
            last_value(ordinality) OVER whole = ordinality AS is_last
        FROM unnest(places, paths, amounts) WITH ORDINALITY
            AS leg (place, path, amount, ordinality)
        JOIN ledger_accounts ON ledger_accounts.path = leg.path
        WHERE split_part(leg.path, ':', 1) IN ('escrow', 'payable')
            AND ids[place] IN (SELECT unnest(inserted))
        WINDOW chain AS (PARTITION BY leg.path ORDER BY ordinality),
            whole AS (PARTITION BY leg.path ORDER BY ordinality
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ), written AS (
        INSERT INTO ledger_postings
            (transfer_id, account, amount_cents, entry_no, balance_after_cents)
        SELECT transfer, path, amount, number, balance FROM legs ORDER BY path, number
        RETURNING balance_after_cents
    ), moved AS (
        UPDATE ledger_accounts SET balance_cents = legs.balance, entries = legs.number
        FROM legs WHERE legs.is_last AND ledger_accounts.path = legs.path
    )
    SELECT count(*) INTO known FROM written WHERE balance_after_cents > 0;
    IF known > 0 THEN
        RAISE EXCEPTION 'a balance would go beyond its limit'
            USING ERRCODE = '23514', CONSTRAINT = 'ck_ledger_accounts_not_overdrawn';
    END IF;

    WITH posted AS (
        INSERT INTO ledger_postings (transfer_id, account, amount_cents)
        SELECT ids[place], path, amount
        FROM unnest(places, paths, amounts) AS leg (place, path, amount)
        WHERE split_part(path, ':', 1) NOT IN ('escrow', 'payable')
            AND ids[place] IN (SELECT unnest(inserted))
        RETURNING id
    )
    INSERT INTO ledger_deferred (posting_id) SELECT id FROM posted;

    RETURN QUERY
        SELECT ledger_transfers.id
        FROM unnest(keys) WITH ORDINALITY AS given (key, place)
        JOIN ledger_transfers ON idempotency_key = key
        ORDER BY place;
END
$$
"""


def upgrade() -> None:
    op.add_column("vendors", sa.Column("payout_verified_at", MOMENT, nullable=True))
    op.add_column("vendors", sa.Column("payouts_held_why", sa.Text(), nullable=True))
    # Who was paid until now was checked together with the vendor.
    op.execute(
        "UPDATE vendors SET payout_verified_at = kyc_verified_at WHERE payout_sealed IS NOT NULL"
    )
    op.add_column("attempts", sa.Column("reversed_at", MOMENT, nullable=True))
    _payouts()
    op.create_table(
        "payout_halts",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.CheckConstraint(
            "reason IN ('credentials', 'configuration', 'low_float')",
            name=op.f("ck_payout_halts_reason"),
        ),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_payout_halts")),
    )
    _balances()
    _case_kinds(lambda kinds: kinds | NEW_CASES)
    op.execute(POST_ALL.replace(":", r"\:"))


def _payouts() -> None:
    op.add_column("payouts", sa.Column("hold_reason", sa.String(length=32), nullable=True))
    op.add_column("payouts", sa.Column("method", sa.String(length=32), nullable=True))
    op.add_column("payouts", sa.Column("recipient_sealed", sa.LargeBinary(), nullable=True))
    op.execute(
        "UPDATE payouts SET method = vendors.payout_method,"
        " recipient_sealed = vendors.payout_sealed"
        " FROM vendors WHERE vendors.id = vendor_id"
    )
    _allow("payouts", "state", STATES)
    reasons = ", ".join(f"'{reason}'" for reason in HOLD_REASONS)
    for name, rule in (
        ("hold_reason", f"hold_reason IN ({reasons})"),
        ("method", "method IN ('mpesa', 'bank')"),
        ("held_for_a_reason", "state <> 'held' OR hold_reason IS NOT NULL"),
        ("recipient", "state <> 'released' OR recipient_sealed IS NOT NULL"),
    ):
        op.create_check_constraint(op.f(f"ck_payouts_{name}"), "payouts", rule)
    _live("state IN ('released', 'held')")


def _balances() -> None:
    op.create_table(
        "balance_readings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("pays", sa.Boolean(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("available_cents", sa.BigInteger(), nullable=True),
        sa.Column("held_cents", sa.BigInteger(), nullable=True),
        sa.Column("charges_cents", sa.BigInteger(), nullable=True),
        sa.Column("gap_cents", sa.BigInteger(), nullable=True),
        sa.Column("difference_cents", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_readings")),
        sa.UniqueConstraint(
            "provider",
            "asked_at",
            "account",
            name=op.f("uq_balance_readings_provider_asked_at_account"),
        ),
    )
    op.create_index("ix_balance_readings_asked_at", "balance_readings", ["asked_at"])


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_post_all")
    op.execute(
        "DELETE FROM cases WHERE kind IN ('payout_held', 'payout_reversed', 'payouts_halted')"
    )
    _case_kinds(lambda kinds: kinds - NEW_CASES)
    op.drop_table("balance_readings")
    op.drop_table("payout_halts")
    # What was held is owed like what has failed; what came back was paid once.
    op.execute(
        "UPDATE payout_items SET live = false WHERE payout_id IN"
        " (SELECT id FROM payouts WHERE state IN ('held', 'reversed'))"
    )
    op.execute(
        "UPDATE payouts SET state = 'failed', due_at = NULL WHERE state IN ('held', 'reversed')"
    )
    for name in ("hold_reason", "method", "held_for_a_reason", "recipient"):
        op.drop_constraint(op.f(f"ck_payouts_{name}"), "payouts")
    _live("state = 'released'")
    _allow("payouts", "state", ("released", "paid", "failed"))
    for column in ("recipient_sealed", "method", "hold_reason"):
        op.drop_column("payouts", column)
    op.drop_column("attempts", "reversed_at")
    op.drop_column("vendors", "payouts_held_why")
    op.drop_column("vendors", "payout_verified_at")


def _live(where: str) -> None:
    op.drop_index("uq_payouts_live", table_name="payouts")
    op.create_index(
        "uq_payouts_live", "payouts", ["vendor_id"], unique=True, postgresql_where=sa.text(where)
    )


def _allow(table: str, column: str, words: Sequence[str]) -> None:
    """Let a column hold these words and no others."""
    listed = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")


def _case_kinds(change: Callable[[set[str]], set[str]]) -> None:
    """Allow other kinds of cases than now; which those are, other revisions may have said."""
    definition = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": "ck_cases_kind"},
    )
    _allow("cases", "kind", sorted(change(set(re.findall(r"'(\w+)'", definition.scalar_one())))))
