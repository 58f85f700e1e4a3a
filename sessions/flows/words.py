"""Wording that several screens and messages share."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from core.booking.dues import Dues, dues_of, left_cents, parts_of
from core.booking.lifecycle import State
from core.booking.model import Booking, BookingChange
from core.booking.modify import Change
from core.booking.policy import Refund, Tier, check_policy
from core.booking.queries import BookingView
from core.catalog.rules import Category, PriceUnit
from core.db.base import Json
from core.disputes.model import Problem
from core.money import CENTS_PER_SHILLING, Money
from core.reviews.rules import tenths
from sessions.texts import Keep, T, Text, cut, keep, n, t

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
    State.DISPUTED: t("Problem reported"),
    State.COMPLETED: t("Done"),
    State.PAID_OUT: t("Done"),
    State.DECLINED: t("Declined"),
    State.EXPIRED: t("Time ran out"),
    State.CANCELLED: t("Cancelled"),
}

PROBLEMS: Mapping[Problem, T] = {
    Problem.NOT_THERE: t("Nobody there or turned away"),
    Problem.NOT_AS_OFFERED: t("Not as it was offered"),
    Problem.UNCLEAN: t("Dirty or not safe"),
    Problem.EXTRA_PAY: t("Asked to pay more"),
    Problem.OTHER: t("Something else"),
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

# Where some of the price has come and some has not.
PARTLY: Mapping[State, T] = {
    State.AWAITING_PAYMENT: t("Partly paid"),
    State.CONFIRMED: t("Deposit paid"),
}

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


def when_and_who(category: Category, starts_on: date, ends_on: date, count: int) -> T:
    """Return the days and people of a booking, as it is or as it is wished."""
    return t("{days}, {people}", days=days(category, starts_on, ends_on), people=people(count))


def booked(view: BookingView) -> T:
    """Return the days and people of a booking as it is."""
    booking = view.booking
    return when_and_who(view.listing.category, booking.starts_on, booking.ends_on, booking.people)


def wished(view: BookingView, change: BookingChange) -> T:
    """Return the days and people that a change wishes for."""
    return when_and_who(view.listing.category, change.starts_on, change.ends_on, change.people)


def change_costs(change: Change) -> T:
    """Return what a change costs or gives back."""
    total = change.offer.price.total
    if total == change.present:
        return t("The price stays {total}.", total=total)
    if not change.paid:
        return t("New price {total}, was {was}.", total=total, was=change.present)
    if change.to_pay.cents:
        return t("You pay {amount} more.", amount=change.to_pay)
    less = change.present - total
    if not change.refund.cents:
        return t("You get back nothing of {total}.", total=less)
    return t("You get back {refund} of {total}.", refund=change.refund, total=less)


def stars(count: int, total: int) -> str:
    """Return the average of some reviews, in stars: 4.6."""
    whole, tenth = divmod(tenths(count, total), 10)
    return f"{whole}.{tenth}"


def rated(count: int, total: int) -> T:
    """Return how something is rated, and by how many."""
    average = stars(count, total)
    return n(
        "{stars} stars by {count} guest", "{stars} stars by {count} guests", count, stars=average
    )


def amenity(name: str) -> T:
    """Return one thing that a listing offers; what we have no word for as it was written."""
    written = name.replace("_", " ")
    return AMENITIES.get(written) or t("{name}", name=cut(written))


def offers(amenities: Sequence[str]) -> Text:
    """Return the first few of what a listing offers, in one line."""
    text: Text = "-"
    for index, name in enumerate(amenities[:AMENITIES_SHOWN]):
        word = amenity(name)
        text = t("{first}, {next}", first=text, next=word) if index else word
    return text


def headline(view: BookingView) -> tuple[Text, Keep]:
    """Return what every screen of a booking begins with: where; code, when and how many."""
    booking = view.booking
    return (
        t("{name}", name=cut(view.listing.title)),
        keep(
            t(
                "{code} {days}, {people}",
                code=booking.code,
                days=days(view.listing.category, booking.starts_on, booking.ends_on),
                people=people(booking.people),
            )
        ),
    )


def settled(view: BookingView) -> T:
    """Return what taking a problem back leads to."""
    return t(
        "{code} is settled. {name} will be paid.", code=view.booking.code, name=cut(view.business)
    )


def state_of(booking: Booking) -> T:
    """Return where a booking stands, in a word or two."""
    if booking.received_cents and left_cents(booking):
        return PARTLY.get(booking.state, STATES[booking.state])
    return STATES[booking.state]


def bare(amount: Money) -> str:
    """An amount without its currency, in whole shillings: another one says it."""
    return f"{(amount.cents + 50) // 100:,}"


def money_told(booking: Booking) -> T:
    """Return what a booking costs; or what has come of that, and until when the rest must."""
    dues = dues_of(booking)
    if dues is None or not booking.received_cents:
        return t("{total}", total=Money(booking.total_cents))
    return t(
        "{paid} paid. {left} due {by}",
        paid=bare(Money(booking.received_cents)),
        left=dues.owed,
        by=dues.by,
    )


def money_line(booking: Booking) -> Keep:
    """Return the line about money on a booking's screen; it says where the booking stands."""
    if booking.received_cents and dues_of(booking) is not None:
        return keep(money_told(booking))
    state = state_of(booking)
    return keep(t("{total}. {state}", total=Money(booking.total_cents), state=state))


def in_parts(amount: Money) -> T:
    """Return an amount, and in how many payments M-Pesa carries it when that is not one."""
    parts = parts_of(amount.cents)
    if parts == 1:
        return t("{amount}", amount=amount)
    return t("{amount} in {parts} parts", amount=amount, parts=parts)


def part_of(dues: Dues) -> T:
    """Return what the next payment is: an amount, with which part it is when there are several."""
    if dues.parts == 1:
        return t("{amount}", amount=dues.ask)
    return t(
        "{amount} (part {part} of {parts})", amount=dues.ask, part=dues.part, parts=dues.parts
    )


def taken_back(code: str, came: Money) -> T:
    """Return that a booking which was not paid for in full is given up."""
    if came.cents:
        return t("{code} is cancelled. Your {came} goes back by M-Pesa.", code=code, came=came)
    return t("{code} is cancelled. You owe nothing.", code=code)


def price_each(price_cents: int, unit: PriceUnit) -> T:
    """Return a listing's price with what it pays for."""
    return T(PER[unit].msgid, {"price": Money(price_cents)})


def step_of(step: Refund) -> T:
    """Return what comes back in one step of a cancellation policy, and until when."""
    if step.drops_at is None:
        return t("then {refund}", refund=step.refund)
    return t("{refund} until {by}", refund=step.refund, by=step.drops_at)


def refund_line(policy: Json) -> T:
    """Return a cancellation policy in one short line: its first steps."""
    first, *rest = check_policy(policy)
    if not first.refund_percent:
        return t("Cancelling: no refund")
    if not first.before:
        return t("Cancel: {percent}% back", percent=first.refund_percent)
    line = t(
        "Cancel: {percent}% back {when} before",
        percent=first.refund_percent,
        when=_before(first),
    )
    if not rest or not rest[0].refund_percent:
        return line
    second = rest[0]
    if second.keep_min_cents:
        least = second.keep_min_cents // CENTS_PER_SHILLING
        return t("{line}, then {least}+ kept", line=line, least=least)
    if not second.before:
        return t("{line}, then {percent}%", line=line, percent=second.refund_percent)
    return t(
        "{line}, {percent}% {when}",
        line=line,
        percent=second.refund_percent,
        when=_before(second),
    )


def _before(tier: Tier) -> T:
    if tier.in_days:
        return n("{count} day", "{count} days", tier.before)
    return t("{hours}h", hours=tier.before)


def comes_back(refund: Refund) -> T:
    """Return what cancelling now gives back, and until when."""
    total = refund.refund + refund.kept
    if not refund.refund.cents:
        return t("You get back nothing of {total}.", total=total)
    if refund.drops_at is None:
        return t("You get back {refund} of {total}.", refund=refund.refund, total=total)
    return t(
        "You get back {refund} of {total} until {by}, then {then}.",
        refund=refund.refund,
        total=total,
        by=refund.drops_at,
        then=refund.then,
    )
