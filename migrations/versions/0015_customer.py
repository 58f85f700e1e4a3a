"""Reviews counted on listings, the line for full days, questions to vendors, links to listings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("listing_links", "relay_lines", "relays", "waits", "reviews")


def upgrade() -> None:
    _ratings()
    _reviews()
    _waits()
    _relays()
    _links()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_constraint(op.f("ck_listings_rating"), "listings")
    for column in ("rating_score", "rating_sum", "rating_count"):
        op.drop_column("listings", column)


def _ratings() -> None:
    for column in ("rating_count", "rating_sum"):
        op.add_column(
            "listings", sa.Column(column, sa.Integer(), nullable=False, server_default="0")
        )
    score = "(5 * 350 + 100 * rating_sum) / (5 + rating_count)"
    op.add_column(
        "listings",
        sa.Column(
            "rating_score", sa.Integer(), sa.Computed(score, persisted=True), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_listings_rating"),
        "listings",
        "rating_count >= 0 AND rating_sum BETWEEN rating_count AND 5 * rating_count",
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("hidden_at", MOMENT, nullable=True),
        sa.Column("hidden_why", sa.Text(), nullable=True),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_reviews_stars")),
        sa.CheckConstraint("char_length(words) <= 120", name=op.f("ck_reviews_words")),
        sa.CheckConstraint(
            "(hidden_at IS NULL) = (hidden_why IS NULL)"
            " AND char_length(hidden_why) BETWEEN 1 AND 200",
            name=op.f("ck_reviews_hidden"),
        ),
        _foreign("reviews", "booking_id", "bookings"),
        _foreign("reviews", "listing_id", "listings"),
        _foreign("reviews", "customer_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_reviews_booking_id")),
    )
    op.create_index("ix_reviews_listing_id_written_at", "reviews", ["listing_id", "written_at"])


def _waits() -> None:
    states = ("waiting", "offered", "taken", "lapsed", "left")
    op.create_table(
        "waits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("state", _choice("state", *states), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("offered_at", MOMENT, nullable=True),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_waits_days")),
        sa.CheckConstraint("people > 0 AND quantity > 0", name=op.f("ck_waits_people")),
        sa.CheckConstraint(
            "(state IN ('waiting', 'offered')) = (due_at IS NOT NULL)",
            name=op.f("ck_waits_due_at"),
        ),
        sa.CheckConstraint(
            "state <> 'offered' OR total_cents IS NOT NULL", name=op.f("ck_waits_offered")
        ),
        sa.CheckConstraint(
            "(state = 'taken') = (booking_id IS NOT NULL)", name=op.f("ck_waits_taken")
        ),
        _foreign("waits", "listing_id", "listings"),
        _foreign("waits", "customer_id", "users"),
        _foreign("waits", "booking_id", "bookings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waits")),
    )
    still_open = sa.text("state IN ('waiting', 'offered')")
    op.create_index(
        "uq_waits_open",
        "waits",
        ["customer_id", "listing_id", "starts_on"],
        unique=True,
        postgresql_where=still_open,
    )
    op.create_index(
        "ix_waits_listing_id_created_at",
        "waits",
        ["listing_id", "created_at"],
        postgresql_where=still_open,
    )
    op.create_index(
        "ix_waits_due_at", "waits", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def _relays() -> None:
    op.create_table(
        "relays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("last_from", _choice("last_from", "customer", "vendor"), nullable=False),
        sa.Column("open_until", MOMENT, nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 999", name=op.f("ck_relays_number")),
        _foreign("relays", "listing_id", "listings"),
        _foreign("relays", "vendor_id", "vendors"),
        _foreign("relays", "customer_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relays")),
        sa.UniqueConstraint(
            "customer_id", "listing_id", name=op.f("uq_relays_customer_id_listing_id")
        ),
    )
    op.create_index("ix_relays_vendor_id_open_until", "relays", ["vendor_id", "open_until"])
    op.create_table(
        "relay_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("relay_id", sa.Uuid(), nullable=False),
        sa.Column("speaker", _choice("speaker", "customer", "vendor"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _foreign("relay_lines", "relay_id", "relays"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relay_lines")),
    )
    op.create_index("ix_relay_lines_relay_id_at", "relay_lines", ["relay_id", "at"])
    op.create_index("ix_relay_lines_at", "relay_lines", ["at"])


def _links() -> None:
    op.create_table(
        "listing_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _foreign("listing_links", "listing_id", "listings"),
        _foreign("listing_links", "user_id", "users"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_listing_links")),
    )
    op.create_index(
        "ix_listing_links_user_id_expires_at", "listing_links", ["user_id", "expires_at"]
    )
    op.create_index("ix_listing_links_expires_at", "listing_links", ["expires_at"])


def _foreign(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
