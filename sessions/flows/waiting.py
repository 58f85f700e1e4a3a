"""The line for a full day: getting in, seeing where one stands, answering an offer."""

from uuid import UUID

from core.db.tx import Tx
from core.money import Money
from core.waitlist.lifecycle import WaitState
from core.waitlist.queries import WaitView, open_waits, place_in_line, wait_of
from core.waitlist.usecases import Answer, join_line, leave_line, take_offer
from sessions.flow import End, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.book import agreed, is_free, offer_or_day, tell_me, wish_of
from sessions.texts import T, Text, cut, keep, t

waiting = Part()

SHOWN_MAX = 10


def wait_options(tx: Tx, msisdn: str) -> list[Option]:
    """Return what the list of bookings offers to somebody who waits for a day."""
    found = open_waits(tx, msisdn, SHOWN_MAX)
    if not found:
        return []
    if found[0].wait.state is WaitState.OFFERED:
        return [Option(t("Free for you now"), to="waits")]
    return [Option(t("Days that I wait for"), to="waits")]


@waiting.screen("line", core=True)
def line(talk: Talk) -> Menu | Go:
    """What somebody who asked for it would wait for; what is free is not waited for."""
    wish = wish_of(talk)
    with talk.reading() as tx:
        offer = offer_or_day(tx, wish)
        if isinstance(offer, Go):
            return offer
        if is_free(tx, offer):
            return Go("summary", why=t("It is free then: no need to wait."))
    wished = words.when_and_who(offer.listing.category, wish.starts_on, wish.ends_on, wish.people)
    return Menu(
        [t("{name}", name=cut(offer.listing.title)), keep(wished), t("It is full then.")],
        [tell_me(), Option(t("What is free instead"), to="instead")],
    )


@waiting.effect(
    "join_line", refused={"free_now": "summary", "no_listing": "place", "too_many_waits": "waits"}
)
def get_in_line(talk: Talk, tx: Tx) -> End:
    """Remember who wants this day when it is free."""
    wait = join_line(tx, talk.person.msisdn, wish_of(talk))
    view = wait_of(tx, wait.id, talk.person.msisdn)
    return End(
        [
            keep(t("You are number {place} in line.", place=place_in_line(tx, wait))),
            t("{name}", name=cut(view.listing.title)),
            keep(days_of(view)),
            t("An SMS tells you when it is free. You pay nothing before."),
        ]
    )


@waiting.screen("waits", core=True)
def waits(talk: Talk) -> Menu:
    """What somebody waits for, offers first."""
    with talk.reading() as tx:
        found = open_waits(tx, talk.person.msisdn, SHOWN_MAX)
    return Menu(
        t("You wait for:"),
        [Option(_label(view), to="wait", set={"wait": str(view.wait.id)}) for view in found],
        empty=t("You wait for nothing."),
    )


def _label(view: WaitView) -> T:
    values = {"day": view.wait.starts_on, "name": cut(view.listing.title)}
    if view.wait.state is WaitState.OFFERED:
        return t("{day} {name}: free", **values)
    return t("{day} {name}", **values)


@waiting.screen("wait", core=True)
def one(talk: Talk) -> Menu | Go:
    """One place in a line, or the offer that came of it."""
    with talk.reading() as tx:
        view = wait_of(tx, UUID(talk.draft["wait"]), talk.person.msisdn)
        place = place_in_line(tx, view.wait)
    wait = view.wait
    head: tuple[Text, ...] = (t("{name}", name=cut(view.listing.title)),)
    leave = Option(t("Wait no longer"), do="leave_line")
    if wait.state is WaitState.WAITING:
        lines = [*head, keep(days_of(view)), keep(t("Number {place} in line", place=place))]
        return Menu(lines, [leave])
    if wait.state is not WaitState.OFFERED or wait.total_cents is None:
        return Menu([*head, keep(t("That offer is over."))], [Option(t("Other days"), to="waits")])
    total = Money(wait.total_cents)
    return Menu(
        [
            *head,
            keep(days_of(view)),
            keep(t("{total}, free until {by}", total=total, by=wait.due_at)),
        ],
        [Option(t("Book it"), do="take_offer", set={"told_cents": wait.total_cents}), leave],
    )


def days_of(view: WaitView) -> T:
    """Return the days and people that somebody waits for."""
    wait = view.wait
    return words.when_and_who(view.listing.category, wait.starts_on, wait.ends_on, wait.people)


@waiting.effect("take_offer", refused={"offer_over": "wait", "too_many_open": "mine"})
def say_yes(talk: Talk, tx: Tx) -> End | Go:
    """Book what was offered."""
    taken = take_offer(tx, UUID(talk.draft["wait"]), talk.person.msisdn)
    match taken.answer:
        case Answer.MISSED:
            return Go("wait", why=t("Sorry, it has just been taken."))
        case Answer.DEARER:
            return Go("wait", why=t("The price has changed. Look again."))
        case Answer.BOOKED:
            assert taken.booking is not None, "what is booked has a booking"
            return agreed(talk, tx, taken.booking)


@waiting.effect("leave_line", refused={"illegal_move": "waits"})
def leave(talk: Talk, tx: Tx) -> Go:
    """Give the place up."""
    leave_line(tx, UUID(talk.draft["wait"]), talk.person.msisdn)
    return Go("mine", why=t("You no longer wait for it."))
