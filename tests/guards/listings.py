"""Guards of what is offered: listings, their photos and days, and the rates."""

from core.catalog.rules import Category, PriceUnit
from core.limits import PHOTO_LARGE_MAX_BYTES
from tests.core.booking.world import World
from tests.guards.guard import as_it_is, constraint, foreign, never, trigger, unique
from tests.guards.photos import with_a_photo


def _caterer(world: World) -> None:
    world.another_listing(
        category=Category.CATERING, price_unit=PriceUnit.PERSON, units=200, capacity=200
    )


GUARDS = (
    never(
        "who dials a listing's number books another",
        unique("listings", "uq_listings_number"),
        World.another_listing,
        "UPDATE listings SET number = 10001",
        "listings AS one JOIN listings AS two USING (number) WHERE one.id <> two.id",
    ),
    never(
        "a hall is booked for nothing",
        constraint("listings", "ck_listings_price"),
        as_it_is,
        "UPDATE listings SET price_cents = 0",
        "listings WHERE price_cents = 0",
    ),
    never(
        "a listing is booked for tomorrow morning",
        constraint("listings", "ck_listings_lead_hours"),
        as_it_is,
        "UPDATE listings SET lead_hours = 1",
        "listings WHERE lead_hours < 24",
    ),
    never(
        "a rate takes more than all",
        constraint("rates", "ck_rates_basis_points"),
        as_it_is,
        "INSERT INTO rates (name, basis_points, effective_from)"
        " VALUES ('vat', 10001, '2026-12-24')",
        "rates WHERE basis_points > 10000",
    ),
    never(
        "old prices cannot be explained any more",
        trigger("rates", "append_only"),
        as_it_is,
        "UPDATE rates SET basis_points = 1601 WHERE name = 'vat'",
        "rates WHERE basis_points = 1601",
    ),
    never(
        "two rates hold from one day",
        unique("rates", "uq_rates_name_category_effective_from"),
        as_it_is,
        "INSERT INTO rates (name, category, effective_from, basis_points, base)"
        " SELECT name, category, effective_from, 0, base FROM rates",
        "rates WHERE basis_points = 0",
    ),
    never(
        "a commission is taken of what only a tax is of",
        constraint("rates", "ck_rates_base_of_name"),
        as_it_is,
        "INSERT INTO rates (name, basis_points, effective_from, base)"
        " VALUES ('commission', 1500, '2026-12-24', 'fee')",
        "rates WHERE name = 'commission' AND base IS NOT NULL",
    ),
    never(
        "a listing has a number that nobody can dial",
        constraint("listings", "ck_listings_number"),
        as_it_is,
        "UPDATE listings SET number = 7",
        "listings WHERE number < 1000",
    ),
    never(
        "a hall is offered of which there is none",
        constraint("listings", "ck_listings_units"),
        as_it_is,
        "UPDATE listings SET units = 0",
        "listings WHERE units = 0",
    ),
    never(
        "a hall holds more people than anybody may ask for",
        constraint("listings", "ck_listings_capacity"),
        as_it_is,
        "UPDATE listings SET capacity = 50000",
        "listings WHERE capacity = 50000",
    ),
    never(
        "a hall wants more people than it holds, and cannot be booked",
        constraint("listings", "ck_listings_people_min"),
        as_it_is,
        "UPDATE listings SET people_min = capacity + 1",
        "listings WHERE people_min > capacity",
    ),
    never(
        "a caterer feeds more people than there are plates",
        constraint("listings", "ck_listings_plates"),
        _caterer,
        "UPDATE listings SET units = 100 WHERE category = 'catering'",
        "listings WHERE category = 'catering' AND units < capacity",
    ),
    never(
        "a hall for a day is paid by the night, of which it has none",
        constraint("listings", "ck_listings_price_unit_fits"),
        as_it_is,
        "UPDATE listings SET price_unit = 'night'",
        "listings WHERE category = 'venue' AND price_unit = 'night'",
    ),
    never(
        "a deposit is asked for, and nobody knows when the rest is due",
        constraint("listings", "ck_listings_deposit"),
        as_it_is,
        "UPDATE listings SET deposit_basis_points = 3000",
        "listings WHERE deposit_basis_points IS NOT NULL AND rest_days IS NULL",
    ),
    never(
        "a listing has more stars than its reviews can give",
        constraint("listings", "ck_listings_rating"),
        as_it_is,
        "UPDATE listings SET rating_count = 1, rating_sum = 6",
        "listings WHERE rating_sum > 5 * rating_count",
    ),
    never(
        "a hall in one town is found in a part of another",
        foreign("listings", "fk_listings_town_id_areas"),
        as_it_is,
        "UPDATE listings SET area_id = (SELECT min(id) FROM areas WHERE town_id <> 1)",
        "listings JOIN areas ON areas.id = area_id WHERE areas.town_id <> listings.town_id",
    ),
    never(
        "a day is counted twice, and sold twice",
        unique("listing_days", "pk_listing_days"),
        as_it_is,
        "INSERT INTO listing_days (listing_id, day, units)"
        " SELECT id, date '2026-12-24', units FROM listings, generate_series(1, 2)",
        "(SELECT FROM listing_days GROUP BY listing_id, day HAVING count(*) > 1) AS twice",
    ),
    never(
        "two photos have one place, and either is shown first",
        unique("listing_photos", "uq_listing_photos_listing_id_position"),
        lambda world: with_a_photo(world, 2),
        "UPDATE listing_photos SET position = 1",
        "(SELECT FROM listing_photos GROUP BY listing_id, position HAVING count(*) > 1) AS twice",
    ),
    never(
        "a photo takes a minute on a slow network",
        constraint("listing_photos", "ck_listing_photos_large"),
        with_a_photo,
        "UPDATE listing_photos"
        f" SET large = convert_to(repeat('x', {PHOTO_LARGE_MAX_BYTES + 1}), 'UTF8')",
        f"listing_photos WHERE octet_length(large) > {PHOTO_LARGE_MAX_BYTES}",
    ),
    never(
        "a listing promises more than a page of a phone shows",
        constraint("listings", "ck_listings_amenities"),
        as_it_is,
        "UPDATE listings SET amenities = array_fill('tents'::text, ARRAY[13])",
        "listings WHERE cardinality(amenities) > 12",
    ),
    never(
        "a description has no end",
        constraint("listings", "ck_listings_description"),
        as_it_is,
        "UPDATE listings SET description = repeat('x', 501)",
        "listings WHERE char_length(description) > 500",
    ),
)
