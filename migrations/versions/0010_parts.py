"""Prices that come in parts: what has come, deposits, and what of a receipt is spare."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DEPOSIT = (
    "(deposit_cents IS NULL) = (rest_due_at IS NULL)"
    " AND deposit_cents > 0 AND deposit_cents < total_cents"
)
PAID = (
    "CASE WHEN state = 'confirmed' THEN received_cents >= coalesce(deposit_cents, total_cents)"
    " WHEN state IN ('checked_in', 'completed', 'paid_out') THEN received_cents = total_cents"
    " ELSE true END"
)
LISTING_DEPOSIT = (
    "(deposit_basis_points IS NULL) = (rest_days IS NULL)"
    " AND deposit_basis_points BETWEEN 500 AND 9500 AND rest_days BETWEEN 1 AND 90"
)
# Until now a receipt was taken whole or not at all. What waits, or went back, was spare.
SPARE = """
UPDATE receipts SET spare_cents = amount_cents
WHERE suspense OR EXISTS (
    SELECT 1 FROM attempts WHERE receipt_id = receipts.id AND state = 'succeeded'
)
"""


def upgrade() -> None:
    op.add_column("listings", sa.Column("deposit_basis_points", sa.Integer(), nullable=True))
    op.add_column("listings", sa.Column("rest_days", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_listings_deposit"), "listings", LISTING_DEPOSIT)
    op.add_column("bookings", sa.Column("deposit_cents", sa.BigInteger(), nullable=True))
    op.add_column("bookings", sa.Column("rest_due_at", sa.DateTime(timezone=True), nullable=True))
    _add_counter("bookings", "received_cents")
    op.execute("UPDATE bookings SET received_cents = total_cents WHERE paid_at IS NOT NULL")
    op.drop_constraint(op.f("ck_bookings_refunds"), "bookings")
    for name, rule in (
        ("refunds", "refunds_cents BETWEEN 0 AND received_cents"),
        ("received", "received_cents BETWEEN 0 AND total_cents"),
        ("deposit", DEPOSIT),
        ("paid", PAID),
    ):
        op.create_check_constraint(op.f(f"ck_bookings_{name}"), "bookings", rule)
    _add_counter("receipts", "spare_cents")
    op.execute(SPARE)
    op.create_check_constraint(
        op.f("ck_receipts_spare"), "receipts", "spare_cents BETWEEN 0 AND amount_cents"
    )
    op.create_check_constraint(
        op.f("ck_receipts_suspense"), "receipts", "NOT suspense OR spare_cents > 0"
    )


def _add_counter(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("suspense", "spare"):
        op.drop_constraint(op.f(f"ck_receipts_{name}"), "receipts")
    op.drop_column("receipts", "spare_cents")
    for name in ("paid", "deposit", "received", "refunds"):
        op.drop_constraint(op.f(f"ck_bookings_{name}"), "bookings")
    op.create_check_constraint(
        op.f("ck_bookings_refunds"), "bookings", "refunds_cents BETWEEN 0 AND total_cents"
    )
    for column in ("received_cents", "rest_due_at", "deposit_cents"):
        op.drop_column("bookings", column)
    op.drop_constraint(op.f("ck_listings_deposit"), "listings")
    for column in ("rest_days", "deposit_basis_points"):
        op.drop_column("listings", column)
