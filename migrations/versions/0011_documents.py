"""Receipts and credit notes, invoices for the tax authority, one-time links to statements."""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
NEW_CASE = "invoice_refused"
# What brings money to a booking, and what takes it from there unused.
KINDS = "'paid', 'matched', 'returned', 'set_aside'"

# Whatever code moves the money of a booking: the ledger itself notes that a document is owed.
OWE = """
CREATE FUNCTION document_owe() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO documents_due (transfer_id) VALUES (NEW.id);
    RETURN NULL;
END
$$
"""
OWED = f"""
CREATE TRIGGER owe_document AFTER INSERT ON ledger_transfers
FOR EACH ROW WHEN (NEW.booking_id IS NOT NULL AND NEW.kind IN ({KINDS}))
EXECUTE FUNCTION document_owe()
"""
# What moved before there were documents gets one too.
OWED_BEFORE = f"""
INSERT INTO documents_due (transfer_id)
SELECT id FROM ledger_transfers WHERE booking_id IS NOT NULL AND kind IN ({KINDS})
"""


def upgrade() -> None:
    _rate_bases()
    _numbers()
    _documents()
    _tax_invoices()
    _statement_links()
    for statement in (OWED_BEFORE, OWE, OWED):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON documents"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _case_kinds(lambda kinds: kinds | {NEW_CASE})


def _rate_bases() -> None:
    bases = ("price_and_fee", "fee", "price", "after_commission")
    op.add_column("rates", sa.Column("base", sa.String(length=32), nullable=True))
    listed = ", ".join(f"'{base}'" for base in bases)
    op.create_check_constraint(op.f("ck_rates_base"), "rates", f"base IN ({listed})")
    op.create_check_constraint(
        op.f("ck_rates_base_of_name"),
        "rates",
        "base IS NULL OR name = 'vat' AND base IN ('price_and_fee', 'fee')"
        " OR name = 'withholding' AND base IN ('price', 'after_commission')",
    )


def _numbers() -> None:
    op.create_table(
        "document_series",
        sa.Column("name", _choice("name", "receipt", "credit_note", "invoice"), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "year", name=op.f("pk_document_series")),
    )
    op.create_table(
        "documents_due",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_documents_due")),
        # Rows live for seconds: vacuum by count, however small the share of them is.
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "5000",
        },
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", _choice("kind", "receipt", "credit_note"), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("original_id", sa.Uuid(), nullable=True),
        sa.Column("base_cents", sa.BigInteger(), nullable=False),
        sa.Column("service_fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("rounding_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("verify_token", sa.Text(), nullable=False),
        sa.Column("download_token", sa.Text(), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "total_cents = base_cents + service_fee_cents + vat_cents + rounding_cents",
            name=op.f("ck_documents_total"),
        ),
        sa.CheckConstraint(
            "total_cents > 0 AND base_cents >= 0 AND service_fee_cents >= 0"
            " AND vat_cents >= 0 AND rounding_cents >= 0",
            name=op.f("ck_documents_positive"),
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_documents_number")),
        sa.CheckConstraint(
            "(kind = 'credit_note') = (original_id IS NOT NULL)"
            " AND (kind = 'credit_note' OR refund_id IS NULL)",
            name=op.f("ck_documents_credit_note"),
        ),
        _key("documents", "booking_id", "bookings"),
        _key("documents", "refund_id", "refunds"),
        _key("documents", "original_id", "documents"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("kind", "year", "number", name=op.f("uq_documents_kind_year_number")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_documents_transfer_id")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_documents_refund_id")),
        sa.UniqueConstraint("verify_token", name=op.f("uq_documents_verify_token")),
        sa.UniqueConstraint("download_token", name=op.f("uq_documents_download_token")),
    )
    op.create_index("ix_documents_booking_id", "documents", ["booking_id"])
    op.create_index(
        "ix_documents_original_id",
        "documents",
        ["original_id"],
        postgresql_where=sa.text("original_id IS NOT NULL"),
    )


def _tax_invoices() -> None:
    states = ("waiting", "sending", "registered", "refused")
    op.create_table(
        "tax_invoices",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("state", _choice("state", *states), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("receipt_number", sa.BigInteger(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("internal_data", sa.Text(), nullable=True),
        sa.Column("registered_at", MOMENT, nullable=True),
        _key("tax_invoices", "document_id", "documents"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tax_invoices")),
        sa.UniqueConstraint("document_id", name=op.f("uq_tax_invoices_document_id")),
    )
    op.create_index(
        "ix_tax_invoices_unfinished",
        "tax_invoices",
        ["number"],
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )


def _statement_links() -> None:
    op.create_table(
        "statement_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _key("statement_links", "vendor_id", "vendors"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_statement_links")),
    )
    op.create_index("ix_statement_links_vendor_id", "statement_links", ["vendor_id"])


def downgrade() -> None:
    op.execute("DELETE FROM cases WHERE kind = 'invoice_refused'")
    _case_kinds(lambda kinds: kinds - {NEW_CASE})
    op.execute("DROP TRIGGER owe_document ON ledger_transfers")
    op.execute("DROP FUNCTION document_owe")
    for table in (
        "statement_links",
        "tax_invoices",
        "documents",
        "documents_due",
        "document_series",
    ):
        op.drop_table(table)
    op.drop_column("rates", "base")


def _case_kinds(change: Callable[[set[str]], set[str]]) -> None:
    """Allow other kinds of cases than now; which those are, other revisions may have said."""
    definition = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": "ck_cases_kind"},
    )
    kinds = change(set(re.findall(r"'(\w+)'", definition.scalar_one())))
    op.drop_constraint(op.f("ck_cases_kind"), "cases")
    listed = ", ".join(f"'{kind}'" for kind in sorted(kinds))
    op.create_check_constraint(op.f("ck_cases_kind"), "cases", f"kind IN ({listed})")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))
