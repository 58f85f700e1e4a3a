"""A problem with a booking: reported by its customer, answered by its vendor, settled by either.

Both sides meet the same screens and see what the other one said last.
"""

from core.booking.queries import BookingView, booking_by_code
from core.db.tx import Tx
from core.disputes.lifecycle import DisputeState
from core.disputes.model import Dispute, Problem, Side
from core.disputes.queries import notes_of, open_dispute_of
from core.disputes.usecases import (
    note_by_customer,
    note_by_vendor,
    open_dispute,
    withdraw_dispute,
)
from core.errors import NotFound
from core.people.queries import user_id
from core.people.usecases import ensure_user
from sessions.flow import Ask, End, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.texts import Keep, T, Text, cut, keep, t

problem = Part()


@problem.screen("problem")
def what(talk: Talk) -> Menu:
    """Of which kind it is."""
    return Menu(
        t("What was wrong with {code}?", code=talk.draft["code"]),
        [
            Option(line, to="problem_words", set={"problem": kind.value})
            for kind, line in words.PROBLEMS.items()
        ],
    )


@problem.screen("problem_words")
def in_words(_talk: Talk) -> Ask:
    """What happened, and what follows from saying so."""
    return Ask(
        [
            t("What happened? Type a few words."),
            t("The vendor reads it; we hold the money."),
        ],
        key="said",
        do="report",
        options=[Option(t("Send without words"), do="report", set={"said": ""})],
        free_text=True,
    )


@problem.effect(
    "report",
    refused={
        "too_early": "booking",
        "rest_unpaid": "booking",
        "too_late": "booking",
        "illegal_move": "booking",
        "too_many_disputes": "booking",
    },
)
def report(talk: Talk, tx: Tx) -> End:
    """Freeze the money and ask the vendor."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    kind, said = Problem(talk.draft["problem"]), talk.draft.pop("said")
    dispute = open_dispute(tx, view.booking.id, customer.id, kind, said)
    return End(
        [
            keep(t("We keep the money of {code} for now.", code=view.booking.code)),
            t("{name} can answer until {by}.", name=cut(view.business), by=dispute.answer_by),
            keep(t("We decide by {by}.", by=dispute.decide_by)),
        ]
    )


@problem.screen("dispute", core=True)
def open_one(talk: Talk) -> Menu | Go:
    """An open problem as one of its sides sees it."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
        side = _side(tx, talk, view)
        dispute = open_dispute_of(tx, view.booking.id)
        notes = notes_of(tx, dispute.id) if dispute else []
    if side is None:
        return Go("pay_for")
    if dispute is None:
        return Go("booking" if side is Side.CUSTOMER else "guest")
    lines: list[Text | Keep] = [
        keep(
            t("{code}: {problem}", code=view.booking.code, problem=words.PROBLEMS[dispute.problem])
        ),
        keep(next_step(dispute, side)),
    ]
    other = Side.VENDOR if side is Side.CUSTOMER else Side.CUSTOMER
    said = [note.words for note in notes if note.side is other]
    if said:
        lines.append(t("They say: {words}", words=cut(said[-1])))
    choices = [Option(t("Add what we should know"), to="dispute_note")]
    if side is Side.CUSTOMER:
        choices.append(Option(t("It is settled"), to="settle"))
    return Menu(lines, choices)


def next_step(dispute: Dispute, side: Side) -> T:
    """Return what happens next in an open dispute, and until when."""
    if dispute.state is DisputeState.DECIDING:
        return t("We decide by {by}", by=dispute.decide_by)
    if side is Side.VENDOR:
        return t("Answer by {by}", by=dispute.answer_by)
    return t("The vendor can answer until {by}", by=dispute.answer_by)


@problem.screen("dispute_note")
def add(_talk: Talk) -> Ask:
    """Further words, for us and for the other side."""
    return Ask(
        t("Type what we should know. The other side will read it too."),
        key="said",
        do="say",
        free_text=True,
    )


@problem.effect("say", refused={"no_dispute": "dispute", "too_many_notes": "dispute"})
def say(talk: Talk, tx: Tx) -> Go:
    """Keep what was typed, and tell the other side."""
    view = booking_by_code(tx, talk.draft["code"])
    said = talk.draft.pop("said")
    match _side(tx, talk, view):
        case Side.CUSTOMER:
            note_by_customer(tx, view.booking.id, view.booking.customer_id, said)
        case Side.VENDOR:
            note_by_vendor(tx, view.booking.id, view.booking.vendor_id, said)
        case _:
            raise NotFound("no_booking")
    return Go("dispute", why=t("Thank you. We have noted it."))


@problem.screen("settle", core=True)
def settle_sure(talk: Talk) -> Menu:
    """Ask once more before the money goes its way."""
    with talk.reading() as tx:
        view = booking_by_code(tx, talk.draft["code"])
    return Menu(
        [
            keep(t("Is {code} settled?", code=view.booking.code)),
            t("Then {name} will be paid.", name=cut(view.business)),
        ],
        [
            Option(t("Yes, it is settled"), do="settle"),
            Option(t("No, keep it open"), to="dispute"),
        ],
    )


@problem.effect("settle", refused={"no_dispute": "dispute"})
def settle(talk: Talk, tx: Tx) -> End:
    """Take the problem back."""
    view = booking_by_code(tx, talk.draft["code"])
    customer = ensure_user(tx, talk.person.msisdn)
    withdraw_dispute(tx, view.booking.id, customer.id)
    return End(words.settled(view))


def _side(tx: Tx, talk: Talk, view: BookingView) -> Side | None:
    """Return on which side of a booking the caller is; None for anybody else."""
    if view.booking.customer_id == user_id(tx, talk.person.msisdn):
        return Side.CUSTOMER
    return Side.VENDOR if talk.person.vendor_id == str(view.booking.vendor_id) else None
