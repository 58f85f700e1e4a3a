"""Postings lock no account that all name; money that comes back or is taken back; tax."""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

OPEN = "state IN ('queued', 'sending', 'pending', 'unknown')"
REFUND_STATES = ("open", "returned", "failed")
NEW_CASES = {"came_back", "tax_unpaid"}
ACCOUNT_KEY = "fk_ledger_postings_account_ledger_accounts"

# A foreign key locks the row that it finds, and all postings find the same few shared accounts:
# their lists of who holds a lock cost a quarter of a release. Accounts cannot be deleted and only
# the ledger's functions write postings, so it is enough to look once, without a lock, at commit.
BALANCED = """
CREATE OR REPLACE FUNCTION ledger_check_balanced() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    currencies integer;
    off numeric;
    known boolean;
BEGIN
    -- No amount is zero, so whatever sums to zero has two legs at least.
    SELECT count(*), max(abs(total)), bool_and(currency IS NOT NULL) INTO currencies, off, known
    FROM (
        SELECT (SELECT currency FROM ledger_accounts WHERE path = account) AS currency,
            sum(amount_cents) AS total
        FROM ledger_postings
        WHERE transfer_id = NEW.id
        GROUP BY 1
    ) AS sums;
    IF currencies = 0 OR off <> 0 OR NOT known THEN
        RAISE EXCEPTION 'transfer % is not balanced', NEW.id USING ERRCODE = 'NL422';
    END IF;
    RETURN NULL;
END
$$
"""
BALANCED_BEFORE = """
CREATE OR REPLACE FUNCTION ledger_check_balanced() RETURNS trigger
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


def upgrade() -> None:
    op.execute(BALANCED)
    op.drop_constraint(ACCOUNT_KEY, "ledger_postings")
    _allow("refunds", "state", (*REFUND_STATES, "reversed"))
    _case_kinds(lambda kinds: kinds | NEW_CASES)
    _tax_payments()
    _vendor_notes()
    op.add_column("attempts", sa.Column("takes_back", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_attempts_takes_back"), "attempts", "takes_back IS NULL OR kind = 'return'"
    )
    op.create_index(
        "uq_attempts_open_return",
        "attempts",
        ["receipt_id"],
        unique=True,
        postgresql_where=sa.text(f"receipt_id IS NOT NULL AND {OPEN}"),
    )


def _tax_payments() -> None:
    op.create_table(
        "tax_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "tax",
            sa.Enum(
                *("vat", "withholding"),
                name="tax",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_payments")),
        sa.UniqueConstraint(
            "provider", "reference", name=op.f("uq_tax_payments_provider_reference")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_tax_payments_amount")),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("ck_tax_payments_month")),
    )


def _vendor_notes() -> None:
    decisions = ("verified", "suspended", "reinstated")
    op.create_table(
        "vendor_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                *decisions,
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_notes_vendor_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_notes")),
    )
    op.create_index("ix_vendor_notes_vendor_id_id", "vendor_notes", ["vendor_id", "id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vendor_notes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index("uq_attempts_open_return", table_name="attempts")
    op.drop_constraint(op.f("ck_attempts_takes_back"), "attempts")
    op.drop_column("attempts", "takes_back")
    op.drop_table("vendor_notes")
    op.drop_table("tax_payments")
    op.execute("DELETE FROM cases WHERE kind IN ('came_back', 'tax_unpaid')")
    _case_kinds(lambda kinds: kinds - NEW_CASES)
    op.execute("UPDATE refunds SET state = 'failed' WHERE state = 'reversed'")
    _allow("refunds", "state", REFUND_STATES)
    op.create_foreign_key(ACCOUNT_KEY, "ledger_postings", "ledger_accounts", ["account"], ["path"])
    op.execute(BALANCED_BEFORE)


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
