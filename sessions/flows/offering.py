"""Drafting a listing by phone: its kind and town are known, the rest is asked once each."""

from core.booking.policy import POLICIES
from core.catalog import queries
from core.catalog.listings import Draft, check_price, clean_title, draft_listing
from core.catalog.model import POLICY_DEFAULT
from core.catalog.queries import listings_of
from core.catalog.rules import BookingMode, Category, ListingStatus, PriceUnit
from core.db.tx import Tx
from core.limits import PEOPLE_MAX, UNITS_MAX
from core.money import CENTS_PER_SHILLING
from core.people.deeds import Deed
from core.people.model import Vendor
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.find import budget_typed
from sessions.flows.joining import named
from sessions.flows.roles import owner_of, owns
from sessions.numbers import whole_number
from sessions.texts import T, cut, keep, t

offering = Part()

ROOM_GUESTS_MAX = 50
SIZES = {
    Category.VENUE: t("How many people does it hold?"),
    Category.CATERING: t("How many plates can you make in a day?"),
    Category.STAY: t("How many such rooms do you have?"),
}
PRICES = {
    Category.VENUE: t("Your price in KES, such as 50000?"),
    Category.CATERING: t("Your price for a person in KES, such as 800?"),
    Category.STAY: t("Your price for a room and night in KES, such as 4500?"),
}
UNITS = (
    (t("For an event"), PriceUnit.EVENT),
    (t("For a day"), PriceUnit.DAY),
    (t("For each person"), PriceUnit.PERSON),
)
# What only one unit fits is not asked.
UNIT_OF = {Category.CATERING: PriceUnit.PERSON, Category.STAY: PriceUnit.NIGHT}


@offering.screen("offer", core=True)
def begin(talk: Talk) -> Menu | Go:
    """Where and what, from what is known of the vendor; asked of one of whom nothing is."""
    with talk.reading() as tx:
        vendor = tx.db.get_one(Vendor, owner_of(talk))
        first = listings_of(tx, vendor.id, 1)
    known = (
        (vendor.category, vendor.town_id, vendor.area_id)
        if vendor.category and vendor.town_id
        else (first[0].category.value, first[0].town_id, first[0].area_id)
        if first
        else None
    )
    if known is None:
        return Go("offer_kind")
    category, town_id, area_id = known
    return Go("offer_title", {"category": category, "town": town_id, "area": area_id})


@offering.screen("offer_kind")
def kind(talk: Talk) -> Menu:
    """What it is; of somebody who told no town, where it is comes next."""
    following = "offer_title" if talk.draft.get("town") else "town"
    return Menu(
        t("What do you offer?"),
        [
            Option(label, to=following, set={"category": one.value, "then": "offer_title"})
            for one, label in words.CATEGORIES.items()
        ],
    )


@offering.screen("offer_title")
def title(talk: Talk) -> Ask:
    """What it is called."""
    return Ask(
        [
            t("{category}:", category=words.CATEGORIES[Category(talk.draft["category"])]),
            t("Name of what you offer, such as Garden Hall?"),
        ],
        key="title",
        to="offer_size",
        parse="title",
        options=[
            Option(t("Another kind"), to="offer_kind"),
            Option(t("Another town"), to="town", set={"then": "offer_title"}),
        ],
    )


@offering.answer("title")
def title_typed(_talk: Talk, typed: str) -> str:
    """A name; bare digits would be a slip."""
    return clean_title(typed)


@offering.screen("offer_size")
def size(talk: Talk) -> Ask:
    """How much of it there is."""
    category = Category(talk.draft["category"])
    following = "offer_guests" if category is Category.STAY else "offer_price"
    return Ask(SIZES[category], key="size", to=following, parse="size")


@offering.answer("size")
def size_typed(_talk: Talk, typed: str) -> int:
    """People, plates or rooms."""
    return whole_number(typed, most=min(PEOPLE_MAX, UNITS_MAX))


@offering.screen("offer_guests")
def guests(_talk: Talk) -> Ask:
    """How many fit into a room."""
    return Ask(t("How many people sleep in each?"), key="guests", to="offer_price", parse="guests")


@offering.answer("guests")
def guests_typed(_talk: Talk, typed: str) -> int:
    """People in one room."""
    return whole_number(typed, most=ROOM_GUESTS_MAX)


@offering.screen("offer_price")
def price(talk: Talk) -> Ask:
    """What it costs; fee and tax come on top and are ours to add."""
    category = Category(talk.draft["category"])
    following = "offer_mode" if category in UNIT_OF else "offer_unit"
    return Ask(PRICES[category], key="price_cents", to=following, parse="price")


@offering.answer("price")
def price_typed(talk: Talk, typed: str) -> int:
    """An amount as people write it, in cents."""
    return check_price(budget_typed(talk, typed) * CENTS_PER_SHILLING)


@offering.screen("offer_unit")
def unit(_talk: Talk) -> Menu:
    """What the price pays for."""
    return Menu(
        t("For what is that price?"),
        [Option(label, to="offer_mode", set={"unit": each.value}) for label, each in UNITS],
    )


@offering.screen("offer_mode")
def mode(_talk: Talk) -> Menu:
    """Whether customers book at once."""
    return Menu(
        t("How do customers book?"),
        [
            Option(t("They ask me first"), to="offer_sure", set={"mode": "request"}),
            Option(t("At once, when it is free"), to="offer_sure", set={"mode": "instant"}),
        ],
    )


@offering.screen("offer_sure", core=True)
def sure(talk: Talk) -> Menu:
    """All of it, with the rule for cancelling that everybody begins with."""
    draft = _draft(talk)
    with talk.reading() as tx:
        place = queries.place(tx, draft.town_id, draft.area_id)
    return Menu(
        [
            t("{title}, {place}", title=cut(draft.title), place=cut(named(place))),
            keep(words.price_each(draft.price_cents, draft.price_unit)),
            keep(_size(draft)),
            words.refund_line(POLICIES[POLICY_DEFAULT]),
        ],
        [Option(t("Save"), do="offer"), Option(t("Type it again"), to="offer")],
    )


@offering.effect("offer")
def save(talk: Talk, tx: Tx) -> Go:
    """Keep it; it is on offer at once for a vendor whom we have checked."""
    listing = draft_listing(tx, owner_of(talk), _draft(talk))
    owns(talk, tx, Deed.DRAFTED, str(listing.number))
    if listing.status is ListingStatus.PUBLISHED:
        why = t("On offer now: listing {number}.", number=str(listing.number))
    else:
        why = t("Saved as {number}. On offer once you are checked.", number=str(listing.number))
    return Go("home", why=why)


def _draft(talk: Talk) -> Draft:
    draft = talk.draft
    category = Category(draft["category"])
    stay = category is Category.STAY
    return Draft(
        category=category,
        title=draft["title"],
        town_id=draft["town"],
        area_id=draft["area"],
        units=1 if category is Category.VENUE else draft["size"],
        capacity=draft["guests"] if stay else draft["size"],
        price_cents=draft["price_cents"],
        price_unit=UNIT_OF.get(category) or PriceUnit(draft["unit"]),
        mode=BookingMode(draft["mode"]),
    )


def _size(draft: Draft) -> T:
    match draft.category:
        case Category.STAY:
            return t("{rooms} rooms, {guests} each", rooms=draft.units, guests=draft.capacity)
        case Category.CATERING:
            return t("{plates} plates a day", plates=draft.units)
        case Category.VENUE:
            return t("Up to {people}", people=words.people(draft.capacity))
