"""A customer's bookings: see, pay, take back, say that it is done."""

from core.booking.cancel import cancel_by_customer, may_cancel, outlook, preview
from core.booking.changes import payable_now
from core.booking.dues import Dues, dues_of
from core.booking.lifecycle import LIFECYCLE, PAID, Event, State
from core.booking.model import Booking
from core.booking.queries import booking_by_code, bookings_of_customer
from core.booking.timers import complete_by_customer
from core.booking.usecases import withdraw
from core.catalog.queries import listing_by_number
from core.db.tx import Tx
from core.disputes.rules import may_open
from core.errors import BadInput, NotFound, Refused
from core.ids import is_code
from core.limits import STK_DELAY_SECONDS
from core.money import Money
from core.msisdn import local_form
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.people.queries import user_id
from core.people.usecases import ensure_user
from sessions.flow import Ask, End, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.asking import relay_options
from sessions.flows.book import prompt_coming
from sessions.flows.cards import card_options
from sessions.flows.change import change_options
from sessions.flows.review import write_options
from sessions.flows.waiting import wait_options
from sessions.papers import owe_receipts
from sessions.texts import Keep, T, Text, cut, keep, t, why

mine = Part()

SHOWN_MAX = 20
STEPS_SHOWN_MAX = 4
NUMBER_DIGITS = range(4, 6)


@mine.screen("mine", core=True)
def bookings(talk: Talk) -> Menu:
    """The person's bookings, what is open first."""
    with talk.reading() as tx:
        found = bookings_of_customer(tx, talk.person.msisdn, SHOWN_MAX)
        more = [
            *wait_options(tx, talk.person.msisdn),
            *relay_options(tx, talk.person.msisdn),
        ]
    return Menu(
        t("Your bookings:"),
        more
        + [
            Option(
                t(
                    "{day} {name}: {state}",
                    day=view.booking.starts_on,
                    name=cut(view.listing.title),
                    state=words.state_of(view.booking),
                ),
                to="booking",
                set={"code": view.booking.code},
            )
            for view in found
        ],
        empty=t("You have no bookings yet."),
    )


@mine.screen("booking", core=True)
def one(talk: Talk) -> Menu | Go:
    """One booking: its owner sees all of it, a friend what is to be paid."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        caller = user_id(tx, talk.person.msisdn)
        more = [*write_options(tx, view.booking), *change_options(tx, view.booking)]
        more += [*card_options(tx, view.booking)]
    booking = view.booking
    if booking.customer_id != caller:
        # A vendor who dials the code of what is paid for has come to see it.
        theirs = talk.person.vendor_id == str(booking.vendor_id) and booking.state in PAID
        return Go("guest" if theirs else "pay_for")
    lines: list[Text | Keep] = [
        *words.headline(view),
        words.money_line(booking),
    ]
    # Their number was in an SMS; what is owed and until when needs the room.
    if view.vendor_msisdn and dues_of(booking) is None:
        lines.append(keep(t("Vendor {phone}", phone=local_form(view.vendor_msisdn))))
    choices = [*_choices(talk, booking), *more, *_receipt_option(booking)]
    return Menu(lines, choices or [Option(t("My bookings"), to="mine")])


def _choices(talk: Talk, booking: Booking) -> list[Option]:
    choices = []
    if (dues := dues_of(booking)) is not None:
        choices.append(Option(_pay_label(booking, dues), do="pay", set={"code": booking.code}))
    if LIFECYCLE.allows(booking.state, Event.WITHDRAW):
        choices.append(Option(t("Cancel it"), to="withdraw"))
        choices.append(Option(t("If you cancel later"), to="if_cancelled"))
    if may_cancel(booking, talk.now):
        choices.append(Option(t("Cancel it"), to="cancel"))
    if LIFECYCLE.allows(booking.state, Event.COMPLETE) and booking.starts_at <= talk.now:
        choices.append(Option(t("It is done, pay the vendor"), do="done"))
    if may_open(booking, talk.now):
        choices.append(Option(t("Report a problem"), to="problem"))
    if booking.state is State.DISPUTED:
        choices.append(Option(t("The problem"), to="dispute"))
    return choices


def _receipt_option(booking: Booking) -> list[Option]:
    """The way to what was paid; the screen of a problem has no room for it."""
    if booking.paid_at is None or booking.state is State.DISPUTED:
        return []
    return [Option(t("Receipt by SMS"), do="receipt", set={"code": booking.code})]


def _pay_label(booking: Booking, dues: Dues) -> T:
    """What the next payment is, when it is not all of what the line above says."""
    if dues.parts > 1:
        return t("Pay part {part} of {parts}", part=dues.part, parts=dues.parts)
    if booking.received_cents or dues.ask.cents == booking.total_cents:
        return t("Pay now")
    return t("Pay {amount}", amount=dues.ask)


@mine.screen("if_cancelled", core=True)
def if_cancelled(talk: Talk) -> Menu | Go:
    """Before anything is paid: what would come back of it, in shillings and to the minute."""
    with talk.reading() as tx:
        booking = booking_by_code(tx, talk.draft["code"]).booking
    steps = outlook(booking, talk.now)
    if not steps:
        return Go("booking")  # Cancelled or over since the choice was offered.
    first, *later = [words.step_of(step) for step in steps[:STEPS_SHOWN_MAX]]
    return Menu([t("Once paid, you get back:"), keep(first), *later], [])


@mine.screen("withdraw", core=True)
def withdraw_sure(talk: Talk) -> Menu:
    """Ask once more before a booking is given up."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
    return Menu(
        [
            t("Cancel {name}?", name=cut(view.listing.title)),
            keep(t("{day}. You owe nothing.", day=view.booking.starts_on)),
        ],
        [Option(t("Yes, cancel"), do="withdraw"), Option(t("No, keep it"), to="booking")],
    )


@mine.effect("withdraw")
def take_back(talk: Talk, tx: Tx) -> End:
    """Give up a request or an unpaid booking."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    came = Money(view.booking.received_cents)
    withdraw(tx, view.booking.id, customer.id)
    return End(words.taken_back(view.booking.code, came))


@mine.screen("cancel", core=True)
def cancel_sure(talk: Talk) -> Menu | Go:
    """What comes back of a paid booking, until when, and whether that is what is wanted."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        try:
            found = preview(tx, view.booking)
        except Refused as gone:
            return Go("booking", why=why(gone))
    return Menu(
        [
            t("Cancel {name}?", name=cut(view.listing.title)),
            keep(words.comes_back(found)),
        ],
        [
            Option(t("Yes, cancel"), do="cancel", set={"refund_cents": found.refund.cents}),
            Option(t("No, keep it"), to="booking"),
        ],
    )


@mine.effect(
    "cancel",
    refused={"refund_changed": "cancel", "already_begun": "booking", "illegal_move": "booking"},
)
def cancel_paid(talk: Talk, tx: Tx) -> End:
    """Give up a paid booking for what was shown to come back."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    shown = Money(talk.draft["refund_cents"])
    cancelled = cancel_by_customer(tx, view.booking.id, customer.id, shown)
    if not shown.cents:
        return End(t("{code} is cancelled. No money goes back.", code=cancelled.code))
    return End(
        [
            keep(t("{code} is cancelled.", code=cancelled.code)),
            keep(t("{refund} goes back by M-Pesa. An SMS tells you when.", refund=shown)),
        ]
    )


@mine.effect("receipt")
def send_receipt(talk: Talk, tx: Tx) -> End:
    """Owe the links to what was paid and paid back."""
    view = booking_by_code(tx, talk.draft["code"])
    if view.booking.customer_id != user_id(tx, talk.person.msisdn):
        raise NotFound("no_booking")
    missing = owe_receipts(tx, talk.person.msisdn, view)
    return End(missing or t("An SMS with the link is on its way."))


@mine.effect("done")
def say_done(talk: Talk, tx: Tx) -> End:
    """The customer says that the service was given."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    complete_by_customer(tx, view.booking.id, customer.id)
    return End(t("Thank you. {name} will be paid.", name=cut(view.business)))


@mine.screen("pay_for", core=True)
def pay_for(talk: Talk) -> Menu:
    """Somebody with the code pays for a friend: they see no more than what they pay for."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        payable = payable_now(tx, view.booking)
    booking = view.booking
    if payable is None:
        return Menu(
            t("Booking {code}: nothing to pay now.", code=booking.code),
            [Option(t("My bookings"), to="mine")],
        )
    return Menu(
        [
            t("{code} {name}", code=booking.code, name=cut(view.listing.title)),
            keep(t("{day}: {total}", day=booking.starts_on, total=words.part_of(payable))),
        ],
        [Option(t("Pay from this phone"), do="pay", set={"code": booking.code})],
    )


@mine.effect("pay")
def pay(talk: Talk, tx: Tx) -> End:
    """Ask this phone for the money, when the call is over."""
    view = booking_by_code(tx, talk.draft["code"])
    attempt = start_collection(tx, view.booking.id, talk.person.msisdn)
    payable = payable_now(tx, view.booking)
    assert payable is not None, "what is asked for is to be paid"
    assert attempt.due_at is not None, "a new or open attempt has a time"
    waits = attempt.state is AttemptState.QUEUED
    late = waits and (attempt.due_at - tx.now).total_seconds() > STK_DELAY_SECONDS * 2
    return prompt_coming(talk, view.booking.code, payable, late=late)


@mine.screen("code")
def code(_talk: Talk) -> Ask:
    """A booking code or a listing number, typed."""
    return Ask(
        t("Type a booking code such as K7P4Q, or a listing number such as 4507"),
        key="typed_code",
        to="home",
        parse="code",
    )


@mine.answer("code", core=True)
def code_typed(talk: Talk, typed: str) -> Go:
    """Whichever of the two it is."""
    going = named(typed)
    if going is None:
        raise BadInput("bad_code")
    with talk.reading() as tx:
        try:
            if going.to == "details":
                listing_by_number(tx, going.set["number"])
            else:
                booking_by_code(tx, going.set["code"])
        except NotFound:
            raise BadInput("bad_code") from None
    return going


def named(typed: str) -> Go | None:
    """Return where a listing number or a booking code leads, None for anything else."""
    word = "".join(typed.upper().split())
    if word.isascii() and word.isdigit() and len(word) in NUMBER_DIGITS:
        return Go("details", {"number": int(word), "direct": True})
    if is_code(word):
        return Go("booking", {"code": word})
    return None
