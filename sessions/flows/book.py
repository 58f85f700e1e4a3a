"""One listing: its details, the price in full, and the yes that books it."""

from datetime import timedelta

from core.booking.changes import payable_now
from core.booking.dues import Dues, parts_of
from core.booking.model import Booking
from core.booking.offers import Offer, Wish, make_offer
from core.booking.usecases import book
from core.catalog import calendar, queries
from core.catalog.rules import BookingMode, Category
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.limits import MPESA_DAY_MAX_CENTS
from core.money import Money
from core.payments.collections import first_collection
from core.talks import Channel
from sessions.flow import End, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.review import read_options
from sessions.texts import Keep, T, Text, cut, keep, n, t, why

booking = Part()

BASIS_POINTS_PER_PERCENT = 100
OTHERS_BEFORE_WAIT = 2
DAY_REFUSALS = frozenset({"date_past", "date_too_far", "date_too_soon"})


@booking.screen("details", core=True)
def details(talk: Talk) -> Menu:
    """A listing by its number."""
    with talk.reading() as tx:
        shown = queries.details_by_number(tx, talk.draft["number"])
    return Menu(
        [
            t("{name}", name=cut(shown.title)),
            where_and_how_many(shown),
            keep(words.price_each(shown.terms.price_cents, shown.terms.price_unit)),
            *_deposit_line(shown),
        ],
        [
            _yes(talk, shown),
            Option(t("What it offers"), to="about"),
            *read_options(shown),
        ],
    )


def _deposit_line(shown: queries.Details) -> list[T]:
    """What is asked for first, where that is not everything."""
    if shown.deposit_basis_points is None or shown.rest_days is None:
        return []
    percent = shown.deposit_basis_points // BASIS_POINTS_PER_PERCENT
    return [
        n(
            "Pay {percent}% now, the rest {count} day before",
            "Pay {percent}% now, the rest {count} days before",
            shown.rest_days,
            percent=percent,
        )
    ]


def where_and_how_many(shown: queries.Details) -> T:
    """Return where a listing is and how many people it takes."""
    where = cut(f"{shown.area}, {shown.town}" if shown.area else shown.town)
    if shown.terms.category is Category.STAY:
        return t(
            "{place}. {rooms} rooms, {guests} each",
            place=where,
            rooms=shown.terms.units,
            guests=shown.terms.capacity,
        )
    return t("{place}. Up to {people}", place=where, people=words.people(shown.terms.capacity))


def _yes(talk: Talk, shown: queries.Details) -> Option:
    """The way on: somebody who dialled a listing has not said yet when and how many."""
    return Option(
        t("Book now") if shown.booking_mode is BookingMode.INSTANT else t("Ask to book"),
        to="date" if talk.draft.get("direct") else "summary",
        set={"category": shown.terms.category.value, "number": shown.number},
    )


@booking.screen("about", core=True)
def about(talk: Talk) -> Menu:
    """What a listing offers, in as many words as fit."""
    with talk.reading() as tx:
        shown = queries.details_by_number(tx, talk.draft["number"])
    return Menu(
        [t("{name}", name=cut(shown.title)), words.offers(shown.amenities)],
        [
            _yes(talk, shown),
            Option(t("Ask the vendor"), to="ask", set={"number": shown.number}),
            Option(t("Get a link by SMS"), do="listing_link", set={"number": shown.number}),
        ],
    )


@booking.screen("summary", core=True)
def summary(talk: Talk) -> Menu | Go:
    """Everything that is agreed to, before it is agreed to."""
    wish = wish_of(talk)
    with talk.reading() as tx:
        offer = offer_or_day(tx, wish)
        if isinstance(offer, Go):
            return offer
        if not is_free(tx, offer):
            return Go("instead", why=t("Sorry, it is not free then."))
    price = offer.price
    return Menu(
        [
            t("{name}", name=cut(offer.listing.title)),
            keep(
                t(
                    "{days}, {people}",
                    days=words.days(offer.listing.category, wish.starts_on, wish.ends_on),
                    people=words.people(wish.people),
                )
            ),
            keep(
                t(
                    "Pay {total} (fee {fee}, VAT {vat})",
                    total=price.total,
                    fee=words.bare(price.service_fee),
                    vat=words.bare(price.vat),
                )
            ),
            words.refund_line(offer.policy),
        ],
        [_yes_to(offer)],
    )


def _yes_to(offer: Offer) -> Option:
    """The way to a booking; where the price comes in pieces, past what they are."""
    if offer.deposit is not None or parts_of(offer.price.total.cents) > 1:
        return Option(t("How to pay"), to="pieces")
    return _agree(offer)


def _agree(offer: Offer) -> Option:
    """The yes to what stands above: the price, and what of it is asked for first."""
    return Option(
        t("Book and pay") if offer.instant else t("Send request"),
        do="book",
        set={
            "total_cents": offer.price.total.cents,
            "deposit_cents": offer.deposit.now.cents if offer.deposit else None,
        },
    )


@booking.screen("pieces", core=True)
def pieces(talk: Talk) -> Menu:
    """How a price comes together that M-Pesa or the listing takes in pieces."""
    with talk.reading() as tx:
        offer = make_offer(tx, wish_of(talk))
    total, deposit = offer.price.total, offer.deposit
    first = total if deposit is None else deposit.now
    lines: list[Text | Keep] = [
        t("{name}", name=cut(offer.listing.title)),
        keep(t("Pay {amount}.", amount=words.in_parts(first))),
    ]
    if deposit is not None:
        lines.append(keep(t("Then {rest} by {by}.", rest=deposit.rest, by=deposit.rest_by)))
    if max(first, total - first).cents > MPESA_DAY_MAX_CENTS:
        lines.append(t("M-Pesa carries {most} a day.", most=Money(MPESA_DAY_MAX_CENTS)))
    return Menu(lines, [_agree(offer)])


def offer_or_day(tx: Tx, wish: Wish) -> Offer | Go:
    """Return what a wish would be, or the way back to a day that the listing does not take.

    Raises:
        Refused: what ``make_offer`` says of all but the day.
    """
    try:
        return make_offer(tx, wish)
    except BadInput as error:
        if error.code not in DAY_REFUSALS:
            raise
        # The listing's own lead time: it is the day that must be typed anew.
        return Go("date", why=why(error))


def is_free(tx: Tx, offer: Offer) -> bool:
    """Tell whether there are units enough on every day of an offer."""
    wish = offer.wish
    days = calendar.availability(tx, offer.listing.id, wish.starts_on, wish.ends_on)
    return min(day.left for day in days) >= offer.quantity


def wish_of(talk: Talk) -> Wish:
    """Return what the answers so far ask for."""
    starts_on = talk.day("starts_on")
    return Wish(
        number=talk.draft["number"],
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=talk.draft.get("nights") or 1),
        people=talk.draft["people"],
    )


@booking.effect(
    "book", refused={"no_units": "instead", "price_changed": "summary", "too_many_open": "mine"}
)
def confirm(talk: Talk, tx: Tx) -> End:
    """Book it: the units are held and M-Pesa asks, or the vendor is asked."""
    made = book(tx, talk.person.msisdn, wish_of(talk), Money(talk.draft["total_cents"]))
    if made.deposit_cents != talk.draft.get("deposit_cents"):
        raise Refused("price_changed", total_cents=made.total_cents)
    talk.draft["code"] = made.code
    return agreed(talk, tx, made)


def agreed(talk: Talk, tx: Tx, made: Booking) -> End:
    """Plan the prompt for what was just booked, and return the last words of the call."""
    if made.accepted_at is None and made.state.value == "requested":
        business = queries.details(tx, made.listing_id).business
        return End(
            t(
                "Sent to {business}. They answer by SMS by {by}. You pay nothing before that. "
                "Your code: {code}",
                business=cut(business),
                by=made.due_at,
                code=made.code,
            )
        )
    first_collection(tx, made, talk.person.msisdn)
    payable = payable_now(tx, made)
    assert payable is not None, "a held booking waits for its price"
    return prompt_coming(talk, made.code, payable)


def prompt_coming(talk: Talk, code: str, payable: Dues, *, late: bool = False) -> End:
    """The last words before the M-Pesa prompt, which comes when this screen is gone."""
    soon = (
        t("M-Pesa will ask you in 2 minutes.")
        if late
        else t("Now enter your PIN when M-Pesa asks.")
    )
    return End(
        [
            keep(t("Pay {total} by {by}.", total=words.part_of(payable), by=payable.by)),
            keep(soon),
            keep(_nothing_came(talk, code)),
        ]
    )


def _nothing_came(talk: Talk, code: str) -> T:
    """The next step, in what this person uses."""
    if talk.channel is Channel.SMS:
        return t("Code {code}. Nothing came? Reply PAY {code}", code=code)
    return t(
        "Code {code}. Nothing came? Dial {dial}", code=code, dial=direct(talk.service_code, code)
    )


def direct(service_code: str, part: str | int) -> str:
    """Return what is dialled to get straight to a listing or a booking: *384*7781*4507#."""
    return f"{service_code.rstrip('#')}*{part}#"


@booking.screen("instead", core=True)
def instead(talk: Talk) -> Menu:
    """Somebody was faster: the nearest that is free, other places first, then other days."""
    wish = wish_of(talk)
    with talk.reading() as tx:
        listing = queries.listing_by_number(tx, wish.number)
        found = queries.alternatives(tx, listing, wish.starts_on, wish.ends_on, wish.people)
    wait = tell_me()
    if not found:
        other_day = Option(t("Other day"), to="date")
        return Menu(t("Nothing near is free on that day."), [other_day, wait])
    options = [_alternative(other, wish) for other in found]
    # Third, so that it stands on the first page however long the names are.
    options.insert(OTHERS_BEFORE_WAIT, wait)
    return Menu(t("Free instead:"), options)


def tell_me() -> Option:
    """Return the way into the line for what is full."""
    return Option(t("Tell me when it is free"), do="join_line")


def _alternative(other: queries.Alternative, wish: Wish) -> Option:
    moved = other.starts_on != wish.starts_on
    label = (
        t("{name} {day}", name=cut(other.title), day=other.starts_on)
        if moved
        else t("{name}, {place}", name=cut(other.title), place=cut(other.area or other.town))
    )
    chosen = {"number": other.number, "starts_on": other.starts_on.isoformat()}
    return Option(label, to="summary", set=chosen)
