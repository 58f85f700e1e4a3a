"""Payouts that are held, halted or come back; balances of providers; many transfers at once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
STATES = ("released", "held", "paid", "failed", "reversed")
HOLD_REASONS = ("restricted", "admin", "kyc", "no_details", "unverified", "changed", "no_route")
CASE_KINDS = (
    "suspense", "return_failed", "refund_failed", "payout_failed", "overpaid", "notices_unknown", "callback_dead",
    "difference", "statement_missing", "invariant", "payout_held", "payout_reversed", "payouts_halted",
)  # fmt: skip


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
    _allow("cases", "kind", CASE_KINDS)


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
    op.execute(
        "DELETE FROM cases WHERE kind IN ('payout_held', 'payout_reversed', 'payouts_halted')"
    )
    _allow("cases", "kind", CASE_KINDS[:-3])
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
