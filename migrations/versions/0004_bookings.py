"""Bookings and their audit rows, payment attempts, receipts and payouts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "payout_runs",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_payout_runs")),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "released",
                "paid",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("carried_in_cents", sa.BigInteger(), nullable=False),
        sa.Column("carried_out_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount_cents > 0 AND mod(amount_cents, 100) = 0",
            name=op.f("ck_payouts_whole_shillings"),
        ),
        sa.CheckConstraint("paid_cents BETWEEN 0 AND amount_cents", name=op.f("ck_payouts_paid")),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_payouts_vendor_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
    )
    op.create_index(
        "ix_payouts_due_at",
        "payouts",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payouts_vendor_id_created_at", "payouts", ["vendor_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_payouts_live",
        "payouts",
        ["vendor_id"],
        unique=True,
        postgresql_where=sa.text("state = 'released'"),
    )
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "awaiting_payment",
                "confirmed",
                "checked_in",
                "completed",
                "paid_out",
                "declined",
                "expired",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("base_cents", sa.BigInteger(), nullable=False),
        sa.Column("service_fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("vat_cents", sa.BigInteger(), nullable=False),
        sa.Column("rounding_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("commission_cents", sa.BigInteger(), nullable=False),
        sa.Column("withholding_cents", sa.BigInteger(), nullable=False),
        sa.Column("vendor_net_cents", sa.BigInteger(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("check_in_pin_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_bookings_days")),
        sa.CheckConstraint("people > 0 AND quantity > 0", name=op.f("ck_bookings_people")),
        sa.CheckConstraint(
            "total_cents = base_cents + service_fee_cents + vat_cents + rounding_cents",
            name=op.f("ck_bookings_total"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["users.id"], name=op.f("fk_bookings_customer_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_bookings_listing_id_listings")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_bookings_vendor_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("code", name=op.f("uq_bookings_code")),
    )
    op.create_index(
        "ix_bookings_customer_id_created_at",
        "bookings",
        ["customer_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_bookings_due_at",
        "bookings",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_bookings_listing_id_starts_on", "bookings", ["listing_id", "starts_on"], unique=False
    )
    op.create_index(
        "ix_bookings_vendor_id_state_starts_on",
        "bookings",
        ["vendor_id", "state", "starts_on"],
        unique=False,
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "collection",
                "payout",
                "return",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "pending",
                "unknown",
                "succeeded",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("payout_id", sa.Uuid(), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("msisdn", sa.String(length=16), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "cancelled",
                "insufficient",
                "wrong_pin",
                "unreachable",
                "expired",
                "silent",
                "busy",
                "limit",
                "bad_recipient",
                "no_float",
                "credentials",
                "configuration",
                "other",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'payout') = (payout_id IS NOT NULL)", name=op.f("ck_attempts_payout")
        ),
        sa.CheckConstraint(
            "amount_cents > 0 AND mod(amount_cents, 100) = 0",
            name=op.f("ck_attempts_whole_shillings"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_attempts_booking_id_bookings")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_attempts_payout_id_payouts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_booking_id", "attempts", ["booking_id"], unique=False)
    op.create_index(
        "ix_attempts_due_at",
        "attempts",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_attempts_reference", "attempts", ["provider", "reference"], unique=False)
    op.create_index(
        "uq_attempts_open_collection",
        "attempts",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text(
            "kind = 'collection' AND state IN ('queued', 'sending', 'pending', 'unknown')"
        ),
    )
    op.create_index(
        "uq_attempts_open_payout",
        "attempts",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text(
            "kind = 'payout' AND state IN ('queued', 'sending', 'pending', 'unknown')"
        ),
    )
    op.create_table(
        "booking_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "state_before",
            sa.Enum(
                "requested",
                "awaiting_payment",
                "confirmed",
                "checked_in",
                "completed",
                "paid_out",
                "declined",
                "expired",
                "cancelled",
                name="state_before",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "state_after",
            sa.Enum(
                "requested",
                "awaiting_payment",
                "confirmed",
                "checked_in",
                "completed",
                "paid_out",
                "declined",
                "expired",
                "cancelled",
                name="state_after",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "actor",
            sa.Enum(
                "customer",
                "vendor",
                "admin",
                "time",
                "provider",
                "system",
                name="actor",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_events_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_events")),
    )
    op.create_index(
        "ix_booking_events_booking_id_id", "booking_events", ["booking_id", "id"], unique=False
    )
    op.create_table(
        "payout_items",
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_payout_items_booking_id_bookings")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_payout_items_payout_id_payouts")
        ),
        sa.PrimaryKeyConstraint("payout_id", "booking_id", name=op.f("pk_payout_items")),
    )
    op.create_index(
        "uq_payout_items_live_booking",
        "payout_items",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum(
                "in", "out", name="direction", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("suspense", sa.Boolean(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("payer", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_receipts_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_receipts_booking_id_bookings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index("ix_receipts_booking_id", "receipts", ["booking_id"], unique=False)
    op.create_index("uq_receipts_provider_number", "receipts", ["provider", "number"], unique=True)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON booking_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index("uq_receipts_provider_number", table_name="receipts")
    op.drop_index("ix_receipts_booking_id", table_name="receipts")
    op.drop_table("receipts")
    op.drop_index(
        "uq_payout_items_live_booking", table_name="payout_items", postgresql_where=sa.text("live")
    )
    op.drop_table("payout_items")
    op.drop_index("ix_booking_events_booking_id_id", table_name="booking_events")
    op.drop_table("booking_events")
    op.drop_index(
        "uq_attempts_open_payout",
        table_name="attempts",
        postgresql_where=sa.text(
            "kind = 'payout' AND state IN ('queued', 'sending', 'pending', 'unknown')"
        ),
    )
    op.drop_index(
        "uq_attempts_open_collection",
        table_name="attempts",
        postgresql_where=sa.text(
            "kind = 'collection' AND state IN ('queued', 'sending', 'pending', 'unknown')"
        ),
    )
    op.drop_index("ix_attempts_reference", table_name="attempts")
    op.drop_index(
        "ix_attempts_due_at", table_name="attempts", postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.drop_index("ix_attempts_booking_id", table_name="attempts")
    op.drop_table("attempts")
    op.drop_index("ix_bookings_vendor_id_state_starts_on", table_name="bookings")
    op.drop_index("ix_bookings_listing_id_starts_on", table_name="bookings")
    op.drop_index(
        "ix_bookings_due_at", table_name="bookings", postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.drop_index("ix_bookings_customer_id_created_at", table_name="bookings")
    op.drop_table("bookings")
    op.drop_index(
        "uq_payouts_live", table_name="payouts", postgresql_where=sa.text("state = 'released'")
    )
    op.drop_index("ix_payouts_vendor_id_created_at", table_name="payouts")
    op.drop_index(
        "ix_payouts_due_at", table_name="payouts", postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.drop_table("payouts")
    op.drop_table("payout_runs")
    op.execute("DROP FUNCTION refuse_change()")
