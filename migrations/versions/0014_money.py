"""Postings no longer lock the shared accounts that they name: the check at commit looks instead."""

from collections.abc import Sequence

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

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


def downgrade() -> None:
    op.create_foreign_key(ACCOUNT_KEY, "ledger_postings", "ledger_accounts", ["account"], ["path"])
    op.execute(BALANCED_BEFORE)
