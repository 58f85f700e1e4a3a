"""What kinds of listings the demo vendors have, as data: sizes, prices and words.

Prices are in whole shillings and lie where Kenyan price lists of 2025 and 2026 lie; each range is
cut in three by the vendor's level.
"""

from dataclasses import dataclass
from datetime import time

from core.catalog.rules import Category, PriceUnit


@dataclass(frozen=True, slots=True)
class Kind:
    """A template of listings.

    Attributes:
        name: what follows the vendor's stem in the title.
        shillings: lowest and highest price.
        step: prices are multiples of it.
        capacity: smallest and largest (people in all, guests a room; unused for catering).
        units: smallest and largest number of units (plates a day for catering).
        capacity_step, units_step: numbers are multiples of them.
        text: the description.
    """

    name: str
    price_unit: PriceUnit
    shillings: tuple[int, int]
    step: int
    capacity: tuple[int, int]
    units: tuple[int, int]
    text: str
    amenities: tuple[str, ...]
    people_min: int = 1
    capacity_step: int = 1
    units_step: int = 1
    lead_hours: int = 24
    starts_at: time = time(8)
    ends_at: time = time(18)


EVENT, DAY, NIGHT, PERSON = PriceUnit.EVENT, PriceUnit.DAY, PriceUnit.NIGHT, PriceUnit.PERSON
ONE = (1, 1)


def _room(
    name: str,
    guests: int,
    units: tuple[int, int],
    shillings: tuple[int, int],
    text: str,
    *amenities: str,
) -> Kind:
    """A kind of room: check-in at 14:00, check-out at 10:00."""
    return Kind(
        name,
        NIGHT,
        shillings,
        100,
        (guests, guests),
        units,
        text,
        amenities,
        starts_at=time(14),
        ends_at=time(10),
    )


def _menu(
    name: str,
    shillings: tuple[int, int],
    plates: tuple[int, int],
    people_min: int,
    lead_hours: int,
    text: str,
    *amenities: str,
) -> Kind:
    """A kind of menu, priced by the person."""
    return Kind(
        name,
        PERSON,
        shillings,
        10,
        ONE,
        plates,
        text,
        amenities,
        people_min=people_min,
        units_step=10,
        lead_hours=lead_hours,
    )


KINDS: dict[Category, tuple[Kind, ...]] = {
    Category.VENUE: (
        Kind(
            "Main Hall",
            EVENT,
            (36_000, 150_000),
            500,
            (150, 500),
            ONE,
            "A bright hall for weddings, harambees and graduations, with a bridal room.",
            ("parking", "sound system", "generator", "chairs", "tables"),
            30,
            10,
            lead_hours=72,
        ),
        Kind(
            "Garden",
            EVENT,
            (30_000, 120_000),
            500,
            (150, 800),
            ONE,
            "Green lawns under old trees for weddings, ruracio and birthdays.",
            ("parking", "garden", "tents", "chairs", "changing room"),
            20,
            10,
            lead_hours=48,
        ),
        Kind(
            "Conference Room",
            DAY,
            (14_000, 45_000),
            500,
            (40, 120),
            ONE,
            "Set up as you like for meetings and workshops, with two tea breaks.",
            ("wifi", "projector", "air conditioning", "parking", "tea"),
            10,
            5,
        ),
        Kind(
            "Boardroom",
            DAY,
            (8_000, 18_000),
            500,
            (10, 24),
            (1, 2),
            "A quiet room with one long table and a screen.",
            ("wifi", "projector", "tea"),
            1,
            2,
        ),
        Kind(
            "Terrace",
            EVENT,
            (24_000, 80_000),
            500,
            (60, 150),
            ONE,
            "An evening place for parties and launches; music until one.",
            ("bar", "sound system", "lighting", "security"),
            20,
            5,
            starts_at=time(17),
            ends_at=time(1),
        ),
        Kind(
            "Training Room",
            DAY,
            (8_500, 20_000),
            500,
            (25, 50),
            (1, 3),
            "Desks, flip charts and sockets for everybody.",
            ("wifi", "projector", "flip charts"),
            5,
            5,
        ),
        Kind(
            "Open Grounds",
            EVENT,
            (40_000, 140_000),
            500,
            (300, 1_500),
            ONE,
            "Level grounds for crusades, concerts and large weddings.",
            ("parking", "water", "power", "security", "toilets"),
            100,
            50,
            lead_hours=96,
        ),
    ),
    Category.STAY: (
        _room(
            "Double Room",
            2,
            (4, 15),
            (2_200, 9_000),
            "A double bed, hot shower and breakfast.",
            "wifi",
            "breakfast",
            "hot shower",
            "parking",
        ),
        _room(
            "Single Room",
            1,
            (4, 12),
            (1_500, 5_500),
            "Simple, clean and quiet, for one.",
            "wifi",
            "hot shower",
            "desk",
        ),
        _room(
            "Family Room",
            4,
            (2, 5),
            (4_500, 13_000),
            "One large bed and two small ones, with a cot on request.",
            "wifi",
            "breakfast",
            "hot shower",
            "parking",
        ),
        _room(
            "Cottage",
            6,
            (1, 4),
            (7_000, 18_000),
            "A whole cottage with kitchen and veranda.",
            "kitchen",
            "parking",
            "garden",
            "fireplace",
        ),
        _room(
            "Twin Room",
            2,
            (3, 10),
            (2_400, 8_000),
            "Two single beds for colleagues or friends.",
            "wifi",
            "breakfast",
            "hot shower",
        ),
        _room(
            "Apartment",
            4,
            (1, 4),
            (5_000, 15_000),
            "Two bedrooms, a living room and a kitchen.",
            "wifi",
            "kitchen",
            "washing machine",
            "security",
            "parking",
        ),
        Kind(
            "Campsite",
            PERSON,
            (1_500, 2_800),
            100,
            (4, 4),
            (6, 20),
            "Pitches with firewood and hot showers; tents can be hired.",
            ("campfire", "hot shower", "parking", "security"),
            starts_at=time(14),
            ends_at=time(10),
        ),
    ),
    Category.CATERING: (
        _menu(
            "Wedding Buffet",
            (900, 2_500),
            (300, 1_000),
            50,
            96,
            "Pilau, chapati, two meats, greens, fruit and a cake table, with waiters.",
            "waiters",
            "crockery",
            "halal",
        ),
        _menu(
            "Office Lunch",
            (350, 900),
            (60, 250),
            10,
            24,
            "A hot lunch brought to your office, other dishes every day.",
            "delivery",
            "vegetarian",
            "disposable plates",
        ),
        _menu(
            "Nyama Choma",
            (700, 1_900),
            (80, 400),
            20,
            48,
            "Goat and beef from the charcoal, with ugali, kachumbari and mukimo.",
            "grill",
            "delivery",
            "crockery",
        ),
        _menu(
            "Swahili Feast",
            (600, 1_700),
            (80, 500),
            20,
            48,
            "Biryani, samaki wa kupaka, viazi karai and mahamri.",
            "halal",
            "waiters",
            "crockery",
        ),
        _menu(
            "Tea and Bites",
            (350, 750),
            (100, 500),
            15,
            24,
            "Tea, coffee, mandazi, samosa and fruit for meetings and wakes.",
            "delivery",
            "vegetarian",
            "crockery",
        ),
        _menu(
            "Cocktail Bites",
            (650, 1_600),
            (60, 300),
            20,
            48,
            "Small things on sticks for launches and receptions.",
            "waiters",
            "vegetarian",
        ),
    ),
}
LISTINGS_PER_VENDOR = {Category.VENUE: 5, Category.STAY: 5, Category.CATERING: 4}
