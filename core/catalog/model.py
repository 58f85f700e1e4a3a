"""Tables of the catalog: towns, areas, listings and the counters of each listing's days."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit, Terms
from core.db.base import Base, cents, choice
from core.limits import (
    DEPOSIT_MAX_BASIS_POINTS,
    DEPOSIT_MIN_BASIS_POINTS,
    DESCRIPTION_MAX,
    LEAD_HOURS_MIN,
    NAME_MAX,
    PEOPLE_MAX,
    PRICE_MAX_CENTS,
    RATING_PRIOR_COUNT,
    RATING_PRIOR_HUNDREDTHS,
    REST_DAYS_MAX,
    STARS_MAX,
    TITLE_MAX,
    UNITS_MAX,
)

NUMBER_MIN = 1_000
NUMBER_MAX = 99_999
AMENITIES_MAX = 12
LEAD_HOURS_MAX = 24 * 60
POLICY_DEFAULT = "standard"
# Numbers of four digits are given by hand; a new listing takes the next one of five.
NUMBERS = Identity(start=10_000, maxvalue=NUMBER_MAX)


def trigram_index(table: str, column: str) -> Index:
    """Return an index for near-miss spellings of a column, accents and case aside."""
    return Index(
        f"ix_{table}_{column}_trigram",
        literal_column(f"plain_text({column})").label("plain"),
        postgresql_using="gin",
        postgresql_ops={"plain": "gin_trgm_ops"},
    )


class Town(Base):
    """A town that can be searched. Ids and content come from ``core.catalog.places``."""

    __tablename__ = "towns"
    __table_args__ = (trigram_index("towns", "name"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(String(NAME_MAX), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    county: Mapped[str] = mapped_column(String(NAME_MAX))
    latitude: Mapped[float]
    longitude: Mapped[float]
    rank: Mapped[int] = mapped_column(SmallInteger)
    """Order in lists, the most asked for first."""
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """What people type for it on a phone: ``nbi``, ``msa``."""


class Area(Base):
    """A part of a town."""

    __tablename__ = "areas"
    __table_args__ = (
        UniqueConstraint("town_id", "slug"),
        UniqueConstraint("town_id", "id"),
        trigram_index("areas", "name"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    town_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("towns.id"))
    slug: Mapped[str] = mapped_column(String(NAME_MAX))
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    latitude: Mapped[float]
    longitude: Mapped[float]


class Listing(Base):
    """One thing that can be booked, of which ``units`` exist on each day."""

    __tablename__ = "listings"
    __table_args__ = (
        # An area of another town is refused.
        ForeignKeyConstraint(["town_id", "area_id"], ["areas.town_id", "areas.id"]),
        CheckConstraint(f"number BETWEEN {NUMBER_MIN} AND {NUMBER_MAX}", name="number"),
        CheckConstraint(f"price_cents BETWEEN 100 AND {PRICE_MAX_CENTS}", name="price"),
        CheckConstraint(f"units BETWEEN 1 AND {UNITS_MAX}", name="units"),
        CheckConstraint(f"capacity BETWEEN 1 AND {PEOPLE_MAX}", name="capacity"),
        CheckConstraint("people_min BETWEEN 1 AND capacity", name="people_min"),
        CheckConstraint(
            f"lead_hours BETWEEN {LEAD_HOURS_MIN} AND {LEAD_HOURS_MAX}", name="lead_hours"
        ),
        CheckConstraint(f"cardinality(amenities) <= {AMENITIES_MAX}", name="amenities"),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_MAX}", name="description"),
        CheckConstraint(
            "(deposit_basis_points IS NULL) = (rest_days IS NULL)"
            f" AND deposit_basis_points BETWEEN {DEPOSIT_MIN_BASIS_POINTS}"
            f" AND {DEPOSIT_MAX_BASIS_POINTS} AND rest_days BETWEEN 1 AND {REST_DAYS_MAX}",
            name="deposit",
        ),
        CheckConstraint("category <> 'catering' OR capacity = units", name="plates"),
        CheckConstraint(
            "rating_count >= 0"
            f" AND rating_sum BETWEEN rating_count AND {STARS_MAX} * rating_count",
            name="rating",
        ),
        CheckConstraint(
            "category = 'venue' AND price_unit IN ('event', 'day', 'person')"
            " OR category = 'catering' AND price_unit = 'person'"
            " OR category = 'stay' AND price_unit IN ('night', 'person')",
            name="price_unit_fits",
        ),
        Index(
            "ix_listings_place",
            "category",
            "town_id",
            "area_id",
            postgresql_where=text("status = 'published'"),
        ),
        Index(
            "ix_listings_point",
            "category",
            "latitude",
            "longitude",
            postgresql_where=text("status = 'published'"),
        ),
        Index("ix_listings_search", "search", postgresql_using="gin"),
        trigram_index("listings", "title"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(NUMBERS, unique=True)
    """Short and public: dialled directly, ``*384*7781*4507#``."""
    vendor_id: Mapped[UUID] = mapped_column(ForeignKey("vendors.id"), index=True)
    category: Mapped[Category] = mapped_column(choice(Category, "category"))
    title: Mapped[str] = mapped_column(String(TITLE_MAX))
    description: Mapped[str]
    town_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("towns.id"))
    area_id: Mapped[int | None] = mapped_column(SmallInteger)
    latitude: Mapped[float]
    longitude: Mapped[float]
    price_cents: Mapped[int] = cents()
    price_unit: Mapped[PriceUnit] = mapped_column(choice(PriceUnit, "price_unit"))
    units: Mapped[int]
    capacity: Mapped[int]
    people_min: Mapped[int] = mapped_column(default=1)
    amenities: Mapped[list[str]] = mapped_column(ARRAY(Text))
    booking_mode: Mapped[BookingMode] = mapped_column(choice(BookingMode, "booking_mode"))
    lead_hours: Mapped[int] = mapped_column(default=LEAD_HOURS_MIN)
    starts_at: Mapped[time]
    ends_at: Mapped[time]
    status: Mapped[ListingStatus] = mapped_column(choice(ListingStatus, "status"))
    policy: Mapped[str] = mapped_column(String(NAME_MAX), default=POLICY_DEFAULT)
    """Name of the cancellation policy that new bookings freeze."""
    deposit_basis_points: Mapped[int | None]
    """What of the price confirms a booking; empty when all of it is asked for at once."""
    rest_days: Mapped[int | None]
    """How many days before the start the rest must have come."""
    rating_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many reviews are shown."""
    rating_sum: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """All of their stars."""
    rating_score: Mapped[int] = mapped_column(
        Computed(
            f"({RATING_PRIOR_COUNT} * {RATING_PRIOR_HUNDREDTHS} + 100 * rating_sum)"
            f" / ({RATING_PRIOR_COUNT} + rating_count)",
            persisted=True,
        ),
        deferred=True,
    )
    """Its standing in hundredths of a star: what "the best first" sorts by."""
    created_at: Mapped[datetime]
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed("listing_words(title, description, amenities)", persisted=True),
        deferred=True,
    )

    @property
    def terms(self) -> Terms:
        """What the rules need to know of it."""
        return Terms(
            category=self.category,
            price_unit=self.price_unit,
            price_cents=self.price_cents,
            units=self.units,
            capacity=self.capacity,
            people_min=self.people_min,
            lead_hours=self.lead_hours,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class ListingDay(Base):
    """How much of a listing is taken on one day. No row means that all of it is free."""

    __tablename__ = "listing_days"
    __table_args__ = (
        CheckConstraint("booked BETWEEN 0 AND units", name="booked"),
        # Room on the page, so that counting up and down stays a heap-only update.
        {"postgresql_with": {"fillfactor": 70}},
    )

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listings.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    units: Mapped[int]
    booked: Mapped[int] = mapped_column(server_default=text("0"))
    blocked: Mapped[bool] = mapped_column(server_default=text("false"))
