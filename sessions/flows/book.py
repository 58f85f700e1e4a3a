"""One listing: its details, the price in full, and the yes that books it."""

from datetime import timedelta

from core.booking.offers import Wish, make_offer
from core.booking.usecases import book
from core.catalog import queries
from core.catalog.rules import BookingMode, Category
from core.db.tx import Tx
from core.limits import INSTANT_HOLD_SECONDS
from core.money import Money
from core.payments.attempts import start_collection
from sessions.flow import End, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.texts import T, cut, keep, t

booking = Part()

AMENITIES_SHOWN = 5


@booking.screen("details", core=True)
def details(talk: Talk) -> Menu:
    """A listing by its number."""
    with talk.reading() as tx:
        listing = queries.listing_by_number(tx, talk.draft["number"])
        shown = queries.details(tx, listing.id)
    direct = bool(talk.draft.get("direct"))
    where = f"{shown.area}, {shown.town}" if shown.area else shown.town
    asked = {"category": listing.category.value, "number": listing.number}
    return Menu(
        [
            t("{name}", name=cut(shown.title)),
            t("{place}. Up to {capacity}", place=cut(where), capacity=_capacity(shown)),
            keep(words.price_each(listing.price_cents, listing.price_unit)),
        ],
        [
            Option(_yes(listing.booking_mode), to="date" if direct else "summary", set=asked),
            Option(t("What it offers"), to="about"),
        ],
    )


def _capacity(shown: queries.Details) -> T:
    if shown.terms.category is Category.STAY:
        return t(
            "{rooms} rooms, {guests} each", rooms=shown.terms.units, guests=shown.terms.capacity
        )
    return words.people(shown.terms.capacity)


def _yes(mode: BookingMode) -> T:
    return t("Book now") if mode is BookingMode.INSTANT else t("Ask to book")


@booking.screen("about", core=True)
def about(talk: Talk) -> Menu:
    """What a listing offers, in as many words as fit."""
    with talk.reading() as tx:
        listing = queries.listing_by_number(tx, talk.draft["number"])
    offers = ", ".join(name.replace("_", " ") for name in listing.amenities[:AMENITIES_SHOWN])
    return Menu(
        [t("{name}", name=cut(listing.title)), t("{offers}", offers=cut(offers or "-"))],
        [Option(t("Back to the listing"), to="details")],
    )


@booking.screen("summary", core=True)
def summary(talk: Talk) -> Menu:
    """Everything that is agreed to, before it is agreed to."""
    wish = wish_of(talk)
    with talk.reading() as tx:
        offer = make_offer(tx, wish)
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
                    fee=_bare(price.service_fee),
                    vat=_bare(price.vat),
                )
            ),
            keep(words.refund_line(offer.policy)),
        ],
        [
            Option(
                t("Book and pay") if offer.instant else t("Send request"),
                do="book",
                set={"total_cents": price.total.cents},
            )
        ],
    )


def _bare(amount: Money) -> str:
    """An amount without its currency, in whole shillings: the total says the exact sum."""
    return f"{(amount.cents + 50) // 100:,}"


def wish_of(talk: Talk) -> Wish:
    """Return what the answers so far ask for."""
    starts_on = talk.day("starts_on")
    return Wish(
        number=talk.draft["number"],
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=talk.draft.get("nights") or 1),
        people=talk.draft["people"],
    )


@booking.effect("book", refused={"no_units": "instead", "price_changed": "summary"})
def confirm(talk: Talk, tx: Tx) -> End:
    """Book it: the units are held and M-Pesa asks, or the vendor is asked."""
    made = book(tx, talk.person.msisdn, wish_of(talk), Money(talk.draft["total_cents"]))
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
    start_collection(tx, made.id, talk.person.msisdn)
    return prompt_coming(made.code, Money(made.total_cents), talk.service_code)


def prompt_coming(code: str, total: Money, service_code: str, late: bool = False) -> End:  # noqa: FBT001, FBT002
    """The last words before the M-Pesa prompt, which comes when this screen is gone."""
    minutes = INSTANT_HOLD_SECONDS // 60
    soon = (
        t("M-Pesa will ask you in 2 minutes.")
        if late
        else t("Now enter your PIN when M-Pesa asks.")
    )
    return End(
        [
            keep(t("Held for you {minutes} min: pay {total}.", minutes=minutes, total=total)),
            keep(soon),
            keep(
                t(
                    "Code {code}. Nothing came? Dial {dial}",
                    code=code,
                    dial=direct(service_code, code),
                )
            ),
        ]
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
    options = [_alternative(other, wish) for other in found]
    return Menu(
        t("Free instead:"), options, empty=t("Nothing near is free on that day. Try another day.")
    )


def _alternative(other: queries.Alternative, wish: Wish) -> Option:
    moved = other.starts_on != wish.starts_on
    label = (
        t("{name} {day}", name=cut(other.title), day=other.starts_on)
        if moved
        else t("{name}, {place}", name=cut(other.title), place=cut(other.area or other.town))
    )
    chosen = {"number": other.number, "starts_on": other.starts_on.isoformat()}
    return Option(label, to="summary", set=chosen)
