"""Wording that several screens and messages share."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from core.booking.lifecycle import State
from core.catalog.rules import Category, PriceUnit
from core.db.base import Json
from core.money import Money
from sessions.texts import T, Text, cut, n, t

CATEGORIES: Mapping[Category, T] = {
    Category.VENUE: t("Halls and venues"),
    Category.CATERING: t("Catering"),
    Category.STAY: t("Rooms and stays"),
}

STATES: Mapping[State, T] = {
    State.REQUESTED: t("Waiting for the vendor"),
    State.AWAITING_PAYMENT: t("Not paid yet"),
    State.CONFIRMED: t("Paid"),
    State.CHECKED_IN: t("Checked in"),
    State.COMPLETED: t("Done"),
    State.PAID_OUT: t("Done"),
    State.DECLINED: t("Declined"),
    State.EXPIRED: t("Time ran out"),
    State.CANCELLED: t("Cancelled"),
}

PER: Mapping[PriceUnit, T] = {
    PriceUnit.EVENT: t("{price} per event"),
    PriceUnit.DAY: t("{price} per day"),
    PriceUnit.NIGHT: t("{price} per night"),
    PriceUnit.PERSON: t("{price} per person"),
}

# What listings offer, as vendors tick it; other words are shown as they were written.
AMENITIES: Mapping[str, T] = {
    word.msgid: word
    for word in (
        t("parking"),
        t("sound system"),
        t("generator"),
        t("chairs"),
        t("tables"),
        t("garden"),
        t("tents"),
        t("changing room"),
        t("wifi"),
        t("projector"),
        t("air conditioning"),
        t("tea"),
        t("bar"),
        t("lighting"),
        t("security"),
        t("flip charts"),
        t("water"),
        t("power"),
        t("toilets"),
        t("breakfast"),
        t("hot shower"),
        t("desk"),
        t("kitchen"),
        t("fireplace"),
        t("washing machine"),
        t("campfire"),
        t("waiters"),
        t("crockery"),
        t("halal"),
        t("delivery"),
        t("vegetarian"),
        t("disposable plates"),
        t("grill"),
    )
}
AMENITIES_SHOWN = 4

ONE_DAY = timedelta(days=1)


def days(category: Category, starts_on: date, ends_on: date) -> T:
    """Return when a booking is: one day, or a stay's arrival and nights."""
    length = (ends_on - starts_on).days
    if category is Category.STAY:
        return n("{day}, {count} night", "{day}, {count} nights", length, day=starts_on)
    if length == 1:
        return t("{day}", day=starts_on)
    return t("{day} to {last}", day=starts_on, last=ends_on - ONE_DAY)


def people(count: int) -> T:
    """Return how many come."""
    return n("{count} person", "{count} people", count)


def offers(amenities: Sequence[str]) -> Text:
    """Return the first few of what a listing offers, in one line."""
    known = [name.replace("_", " ") for name in amenities[:AMENITIES_SHOWN]]
    text: Text = "-"
    for index, name in enumerate(known):
        word = AMENITIES.get(name) or t("{name}", name=cut(name))
        text = t("{first}, {next}", first=text, next=word) if index else word
    return text


def price_each(price_cents: int, unit: PriceUnit) -> T:
    """Return a listing's price with what it pays for."""
    return T(PER[unit].msgid, {"price": Money(price_cents)})


def refund_line(policy: Json) -> T:
    """Return a cancellation policy in one short line."""
    full = [tier for tier in policy["tiers"] if tier["refund_percent"]]
    if not full:
        return t("Cancelling: no refund")
    first, *rest = full
    if not rest:
        return t(
            "Cancel: {percent}% back {hours}h before",
            percent=first["refund_percent"],
            hours=first["hours_before"],
        )
    second = rest[0]
    return t(
        "Cancel: {p1}% back {h1}h before, {p2}% {h2}h",
        p1=first["refund_percent"],
        h1=first["hours_before"],
        p2=second["refund_percent"],
        h2=second["hours_before"],
    )
