"""Towns, areas, listings and their days; what makes them searchable."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# unaccent() is only STABLE because its dictionary could be changed; ours is not, and an index
# needs IMMUTABLE. Schemas are spelled out: a restore runs with an empty search path.
# Apostrophes go, so that Langata finds Lang'ata.
PLAIN_TEXT = r"""
    CREATE FUNCTION plain_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN translate(
        lower(public.unaccent('public.unaccent'::regdictionary, value)), E'\'\u2018\u2019`', '')
"""
# PostgreSQL has no Swahili stemmer, and an English one would maim Swahili words: 'simple'.
LISTING_WORDS = """
    CREATE FUNCTION listing_words(title text, description text, amenities text[])
    RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN setweight(to_tsvector('pg_catalog.simple', plain_text(title)), 'A')
        || setweight(
            to_tsvector('pg_catalog.simple', plain_text(array_to_string(amenities, ' '))), 'B')
        || setweight(to_tsvector('pg_catalog.simple', plain_text(description)), 'C')
"""


def upgrade() -> None:
    op.execute(PLAIN_TEXT)
    op.execute(LISTING_WORDS)
    op.create_table(
        "towns",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("county", sa.String(length=40), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_towns")),
        sa.UniqueConstraint("slug", name=op.f("uq_towns_slug")),
    )
    op.create_index(
        "ix_towns_name_trigram",
        "towns",
        [sa.literal_column("plain_text(name)").label("plain")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.create_table(
        "areas",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("town_id", sa.SmallInteger(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["town_id"], ["towns.id"], name=op.f("fk_areas_town_id_towns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
        sa.UniqueConstraint("town_id", "id", name=op.f("uq_areas_town_id_id")),
        sa.UniqueConstraint("town_id", "slug", name=op.f("uq_areas_town_id_slug")),
    )
    op.create_index(
        "ix_areas_name_trigram",
        "areas",
        [sa.literal_column("plain_text(name)").label("plain")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            sa.Identity(always=False, start=10000, maxvalue=99999),
            nullable=False,
        ),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "venue",
                "catering",
                "stay",
                name="category",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("town_id", sa.SmallInteger(), nullable=False),
        sa.Column("area_id", sa.SmallInteger(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column(
            "price_unit",
            sa.Enum(
                "event",
                "day",
                "night",
                "person",
                name="price_unit",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("people_min", sa.Integer(), nullable=False),
        sa.Column("amenities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "booking_mode",
            sa.Enum(
                "instant",
                "request",
                name="booking_mode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("lead_hours", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                "paused",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("policy", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("listing_words(title, description, amenities)", persisted=True),
            nullable=False,
        ),
        sa.CheckConstraint(
            "category <> 'catering' OR capacity = units", name=op.f("ck_listings_plates")
        ),
        sa.CheckConstraint(
            "category = 'venue' AND price_unit IN ('event', 'day', 'person') OR category = 'catering' AND price_unit = 'person' OR category = 'stay' AND price_unit IN ('night', 'person')",
            name=op.f("ck_listings_price_unit_fits"),
        ),
        sa.CheckConstraint("capacity BETWEEN 1 AND 5000", name=op.f("ck_listings_capacity")),
        sa.CheckConstraint("cardinality(amenities) <= 12", name=op.f("ck_listings_amenities")),
        sa.CheckConstraint(
            "char_length(description) <= 500", name=op.f("ck_listings_description")
        ),
        sa.CheckConstraint("lead_hours BETWEEN 24 AND 1440", name=op.f("ck_listings_lead_hours")),
        sa.CheckConstraint("number BETWEEN 1000 AND 99999", name=op.f("ck_listings_number")),
        sa.CheckConstraint(
            "people_min BETWEEN 1 AND capacity", name=op.f("ck_listings_people_min")
        ),
        sa.CheckConstraint(
            "price_cents BETWEEN 100 AND 10000000000", name=op.f("ck_listings_price")
        ),
        sa.CheckConstraint("units BETWEEN 1 AND 5000", name=op.f("ck_listings_units")),
        sa.ForeignKeyConstraint(
            ["town_id", "area_id"],
            ["areas.town_id", "areas.id"],
            name=op.f("fk_listings_town_id_areas"),
        ),
        sa.ForeignKeyConstraint(["town_id"], ["towns.id"], name=op.f("fk_listings_town_id_towns")),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_listings_vendor_id_vendors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("number", name=op.f("uq_listings_number")),
    )
    op.create_index(
        "ix_listings_place",
        "listings",
        ["category", "town_id", "area_id"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listings_point",
        "listings",
        ["category", "latitude", "longitude"],
        unique=False,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_listings_search", "listings", ["search"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "ix_listings_title_trigram",
        "listings",
        [sa.literal_column("plain_text(title)").label("plain")],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.create_index(op.f("ix_listings_vendor_id"), "listings", ["vendor_id"], unique=False)
    op.create_table(
        "listing_days",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("booked BETWEEN 0 AND units", name=op.f("ck_listing_days_booked")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_listing_days_listing_id_listings")
        ),
        sa.PrimaryKeyConstraint("listing_id", "day", name=op.f("pk_listing_days")),
        postgresql_with={"fillfactor": 70},
    )


def downgrade() -> None:
    op.drop_table("listing_days")
    op.drop_index(op.f("ix_listings_vendor_id"), table_name="listings")
    op.drop_index(
        "ix_listings_title_trigram",
        table_name="listings",
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.drop_index("ix_listings_search", table_name="listings", postgresql_using="gin")
    op.drop_index(
        "ix_listings_point",
        table_name="listings",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index(
        "ix_listings_place",
        table_name="listings",
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_table("listings")
    op.drop_index(
        "ix_areas_name_trigram",
        table_name="areas",
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.drop_table("areas")
    op.drop_index(
        "ix_towns_name_trigram",
        table_name="towns",
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )
    op.drop_table("towns")
    op.execute("DROP FUNCTION listing_words(text, text, text[])")
    op.execute("DROP FUNCTION plain_text(text)")
