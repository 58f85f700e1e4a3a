"""Bookings with the calendar's guards and without: how much of the speed do they cost?

The guarded form runs the very statement of ``core.catalog.calendar``; the open one looks whether
a unit is left and then counts, as one would without thinking of others, on a table without a
CHECK. Both write the same booking row, with all its indexes, and commit it.
"""

import re

import psycopg
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import ClauseElement

from core.catalog import calendar

# So many that nothing is sold out while it is measured.
UNITS = 60
DAYS = 300
SPREAD = 2_000
HOT = 50

STOCK = """
CREATE TABLE bench.stock AS
    SELECT id, (row_number() OVER (ORDER BY number))::integer AS n FROM listings;
ALTER TABLE bench.stock ADD PRIMARY KEY (n);
CREATE TABLE bench.open_days (
    listing_id uuid, day date, units integer NOT NULL, booked integer NOT NULL,
    PRIMARY KEY (listing_id, day)
) WITH (fillfactor = 70);
CREATE TABLE bench.guarded_bookings (LIKE bookings INCLUDING ALL);
CREATE TABLE bench.open_bookings (LIKE bookings INCLUDING ALL);
ANALYZE;
"""

GUARDED = """
CREATE FUNCTION bench.claim_guarded(chosen_listing uuid, chosen_days date[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    wanted_units integer = 1;
    taken date;
BEGIN
    {claim} INTO taken;
    RETURN FOUND;
END
$$
"""
OPEN = f"""
CREATE FUNCTION bench.claim_open(chosen_listing uuid, chosen_days date[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
BEGIN
    SELECT booked INTO taken FROM bench.open_days
    WHERE listing_id = chosen_listing AND day = chosen_days[1];
    IF taken >= {UNITS} THEN
        RETURN false;
    END IF;
    INSERT INTO bench.open_days VALUES (chosen_listing, chosen_days[1], {UNITS}, 1)
    ON CONFLICT (listing_id, day) DO UPDATE SET booked = bench.open_days.booked + 1;
    RETURN true;
END
$$
"""  # noqa: S608 -- our own numbers.

CLAIM = """
        day = date '2030-01-01' + floor(random() * {days})::integer;
        pick = 1 + floor(random() * {listings});
        SELECT id INTO listing FROM bench.stock WHERE n = pick;
        IF bench.claim_{form}(listing, ARRAY[day]) THEN
            booking.id = gen_random_uuid();
            booking.code = booking.id::text;
            booking.listing_id = listing;
            booking.starts_on = day;
            booking.ends_on = day + 1;
            INSERT INTO bench.{form}_bookings VALUES (booking.*);
        END IF;
"""
OVERSOLD = """
SELECT count(*) FROM (
    SELECT FROM bench.{form}_bookings GROUP BY listing_id, starts_on HAVING count(*) > {units}
) AS days
"""


def make_claims(connection: psycopg.Connection[tuple[str]]) -> None:
    """Make what the loops of this module claim; the listings are there already."""
    guarded = GUARDED.format(claim=_in_plpgsql(calendar._CLAIM))  # noqa: SLF001 -- as it ships.
    for statement in (STOCK, guarded, OPEN):
        connection.execute(statement.encode())


def claims() -> dict[str, str]:
    """Return the bodies of the loops by name."""
    return {
        f"{name}_{side}": CLAIM.format(days=DAYS, listings=listings, form=form)
        for name, listings in (("spread", SPREAD), ("hot", HOT))
        for side, form in (("ours", "guarded"), ("peer", "open"))
    }


def oversold(connection: psycopg.Connection[tuple[str]], form: str) -> int:
    """Count the days of listings that were sold more often than there are units."""
    query = OVERSOLD.format(form=form, units=UNITS)
    found = connection.execute(query.encode()).fetchone()
    return int(found[0]) if found else 0


def _in_plpgsql(statement: ClauseElement) -> str:
    """A statement of the calendar whose values are variables of the same names."""
    compiled = str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    return re.sub(r"%\((\w+)\)s(::[A-Z]+(?:\[\])?)?", r"\1", compiled)
