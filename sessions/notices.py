"""The words of each notice: one SMS a topic, in the reader's language.

A line fits one segment (160 septets) where the longest real data allows; ``SEGMENTS_MAX`` says
which may take two. Names are shortened first; codes, amounts and dates never.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.booking.lifecycle import Actor
from core.booking.notices import Topic
from core.catalog.rules import Category
from core.clock import NAIROBI
from core.money import Money
from core.msisdn import local_form
from core.ports import Reason
from sessions.dates import time_text
from sessions.flows import words
from sessions.flows.vendor import consequence
from sessions.gsm7 import septets
from sessions.texts import Cut, T, Text, cut, n, plain, t

HELP_TOPIC = "help"
ANSWER_TOPIC = "answer"
LATE_TOPIC = "late_reply"

ONE_SEGMENT = 160
TWO_SEGMENTS = 306
# Which messages may take two segments: they carry what somebody needs on the day itself.
SEGMENTS_MAX: Mapping[str, int] = {
    Topic.CONFIRMED_CUSTOMER: 2,
    Topic.REQUEST_DECLINED: 2,
    Topic.REQUEST_EXPIRED: 2,
    HELP_TOPIC: 2,
    ANSWER_TOPIC: 2,
    LATE_TOPIC: 2,
}
# Names are cut to these lengths in turn until a message fits.
NAME_LENGTHS = (40, 30, 24, 20, 16, 12)

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """What messages say about us.

    Attributes:
        ussd_code: what is dialled.
        paybill: where money can be sent by hand.
        help_phone: whom to call, E.164.
    """

    ussd_code: str
    paybill: str
    help_phone: str


def render(topic: str, params: Params, language: str, context: NoticeContext) -> str:
    """Return a notice's final text, GSM-7, within its segments.

    Raises:
        KeyError: the topic has no words.
    """
    text = _WORDS[topic](params, context)
    limit = ONE_SEGMENT if SEGMENTS_MAX.get(topic, 1) == 1 else TWO_SEGMENTS
    for length in NAME_LENGTHS:
        body = plain(_shortened(text, length), language)
        if septets(body) <= limit:
            return body
    return body


def topics() -> tuple[str, ...]:
    """Return every topic that has words."""
    return tuple(_WORDS)


def _shortened(text: Text, length: int) -> Text:
    if not isinstance(text, T):
        return text
    params = {name: _short(value, length) for name, value in text.params.items()}
    return T(text.msgid, params, text.plural, text.count)


def _short(value: Any, length: int) -> Any:
    if isinstance(value, Cut):
        name = value.value
        return Cut(name if len(name) <= length else f"{name[: length - 2].rstrip()}..")
    return _shortened(value, length) if isinstance(value, T) else value


def _what(params: Params) -> dict[str, Any]:
    return {
        "code": params["code"],
        "listing": cut(params["listing"]),
        "day": date.fromisoformat(params["starts_on"]),
        "people": words.people(params["people"]),
        "days": words.days(
            Category(params["category"]),
            date.fromisoformat(params["starts_on"]),
            date.fromisoformat(params["ends_on"]),
        ),
        "total": Money(params["total_cents"]),
        "net": Money(params["net_cents"]),
    }


def _by(params: Params) -> datetime:
    return datetime.fromisoformat(params["due_at"])


def _dial(context: NoticeContext, code: str) -> str:
    return f"{context.ussd_code.rstrip('#')}*{code}#"


def _request_received(params: Params, _context: NoticeContext) -> T:
    what, by = _what(params), _by(params)
    if params.get("others"):
        return t(
            "{listing}, {days}, {people}. You get {net}. By {by} reply {code} 1 to accept, "
            "{code} 2 to decline.",
            **what,
            by=by,
        )
    return t(
        "{code}: {listing}, {days}, {people}. You get {net}. Reply 1 to accept, 2 to decline, "
        "by {by}.",
        **what,
        by=by,
    )


def _request_accepted(params: Params, context: NoticeContext) -> T:
    return t(
        "{listing} said yes: {day}. Pay {total} by {by}: reply PAY {code}, dial {dial}, "
        "or paybill {paybill} account {code}.",
        **_what(params),
        by=_by(params),
        dial=_dial(context, params["code"]),
        paybill=context.paybill,
    )


def _came_to_nothing(sentence: T, params: Params, context: NoticeContext) -> T:
    others = params.get("alternatives") or []
    if not others:
        return t(
            "{sentence} You paid nothing. Dial {dial} to find another.",
            sentence=sentence,
            dial=context.ussd_code,
        )
    listed = [_alternative(other, params, context) for other in others]
    text = listed[0]
    for other in listed[1:]:
        text = t("{first}, {next}", first=text, next=other)
    return t("{sentence} You paid nothing. Free: {others}", sentence=sentence, others=text)


def _alternative(other: Params, params: Params, context: NoticeContext) -> T:
    """Something else that is free, with its day only when it is another day."""
    what = {"name": cut(other["title"]), "dial": _dial(context, str(other["number"]))}
    if other["starts_on"] == params["starts_on"]:
        return t("{name} {dial}", **what)
    return t("{name} {day} {dial}", **what, day=date.fromisoformat(other["starts_on"]))


def _request_declined(params: Params, context: NoticeContext) -> T:
    sentence = t("Sorry, {listing} cannot take {code} on {day}.", **_what(params))
    return _came_to_nothing(sentence, params, context)


def _request_expired(params: Params, context: NoticeContext) -> T:
    sentence = t("Sorry, {listing} did not answer {code} for {day} in time.", **_what(params))
    return _came_to_nothing(sentence, params, context)


def _request_missed(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: your time to answer has run out. The customer was sent "
        "elsewhere.",
        **_what(params),
    )


def _request_withdrawn(params: Params, _context: NoticeContext) -> T:
    return t("{code} {listing}, {day}: the customer cancelled.", **_what(params))


_REASONS: Mapping[str, T] = {
    Reason.CANCELLED: t("You cancelled the payment of {total}."),
    Reason.INSUFFICIENT: t("Your M-Pesa has less than {total}."),
    Reason.WRONG_PIN: t("The M-Pesa PIN was wrong."),
    Reason.UNREACHABLE: t("M-Pesa could not reach your phone."),
    Reason.EXPIRED: t("M-Pesa got no answer from you."),
    Reason.LIMIT: t("{total} is over your M-Pesa limit."),
}
_NO_REASON = t("The payment of {total} did not go through.")


def _payment_failed(params: Params, context: NoticeContext) -> T:
    what = _what(params)
    if params["reason"] == Reason.SILENT:
        # The money may have moved: nobody should pay twice because we heard nothing.
        return t(
            "We have not heard from M-Pesa about {code}. If it took {total}, wait: we will see "
            "it. If not, pay by {by}: reply PAY {code}.",
            **what,
            by=_by(params),
        )
    sentence = T(_REASONS.get(params["reason"], _NO_REASON).msgid, what)
    return t(
        "{sentence} Pay by {by}: reply PAY {code}, dial {dial} or paybill {paybill} account "
        "{code}.",
        sentence=sentence,
        by=_by(params),
        code=params["code"],
        dial=_dial(context, params["code"]),
        paybill=context.paybill,
    )


def _provider_down(params: Params, context: NoticeContext) -> T:
    return t(
        "M-Pesa is slow now. We keep trying. Or pay {total} yourself by {by}: paybill {paybill} "
        "account {code}.",
        **_what(params),
        by=_by(params),
        paybill=context.paybill,
    )


def _hold_expired(params: Params, context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: not paid in time, so others can book it now. You paid nothing. "
        "Book again: {dial}",
        **_what(params),
        dial=_dial(context, str(params["number"])),
    )


def _not_paid(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: the customer did not pay in time. The day is free again.",
        **_what(params),
    )


def _confirmed_customer(params: Params, context: NoticeContext) -> T:
    return t(
        "Paid {total}. {code} is confirmed: {listing}, {place}, {days}, from {time}, {people}. "
        "Vendor {business} {phone}. On arrival show PIN {pin}. To cancel reply CANCEL {code}. "
        "Help {help}.",
        **_what(params),
        place=cut(params["place"]),
        time=time_text(datetime.fromisoformat(params["starts_at"]).astimezone(NAIROBI).time()),
        business=cut(params["business"]),
        phone=local_form(params["vendor_msisdn"]),
        pin=params["pin"],
        help=local_form(context.help_phone),
    )


def _confirmed_vendor(params: Params, _context: NoticeContext) -> T:
    return t(
        "Paid: {code} {listing}, {days}, {people}. Customer {phone}. You get {net} after the "
        "service. Ask for the PIN on arrival.",
        **_what(params),
        phone=local_form(params["customer_msisdn"]),
    )


def _cancelled_customer(params: Params, context: NoticeContext) -> T:
    """What was cancelled, by whom, and what goes back."""
    refund = Money(params["refund_cents"])
    back = (
        t("We are sending {refund} back to the phone that paid.", refund=refund)
        if refund.cents
        else t("By its rule no money goes back.")
    )
    match Actor(params["by"]):
        case Actor.VENDOR:
            return t(
                "Sorry, the vendor cancelled {code} {listing}, {day}. {back} Find another: {dial}",
                **_what(params),
                back=back,
                dial=context.ussd_code,
            )
        case Actor.ADMIN:
            return t(
                "Sorry, we had to cancel {code} {listing}, {day}. {back} Questions: {help}",
                **_what(params),
                back=back,
                help=local_form(context.help_phone),
            )
        case _:
            return t("{code} {listing}, {day} is cancelled. {back}", **_what(params), back=back)


def _cancelled_vendor(params: Params, _context: NoticeContext) -> T:
    kept = Money(params["kept_cents"])
    if Actor(params["by"]) is Actor.VENDOR:
        return t(
            "You cancelled {code} {listing}, {day}. The customer gets all money back. "
            "{consequence}",
            **_what(params),
            consequence=consequence(params["penalties"]),
        )
    yours = (
        t("You get {kept} with the next payout.", kept=kept)
        if kept.cents
        else t("You get nothing for it.")
    )
    if Actor(params["by"]) is Actor.ADMIN:
        return t(
            "{code} {listing}, {day}: we had to cancel it. {yours}", **_what(params), yours=yours
        )
    return t(
        "{code} {listing}, {day}: the customer cancelled. {yours}", **_what(params), yours=yours
    )


def _completed(params: Params, context: NoticeContext) -> T:
    return t(
        "{code} {listing} is done. We pay {business} in 2 days. Something wrong? Call {help} "
        "before that.",
        **_what(params),
        business=cut(params["business"]),
        help=local_form(context.help_phone),
    )


def _money_returning(params: Params, context: NoticeContext) -> T:
    return t(
        "Your {amount} for {code} came when it could no longer be used. We are sending it back "
        "to you now. Questions: {help}",
        amount=Money(params["amount_cents"]),
        code=params["code"],
        help=local_form(context.help_phone),
    )


def _money_returned(params: Params, _context: NoticeContext) -> T:
    return t(
        "We have sent back your {amount} for {code} by M-Pesa.",
        amount=Money(params["amount_cents"]),
        code=params["code"],
    )


def _payout_sent(params: Params, _context: NoticeContext) -> T:
    if params.get("to_bank"):
        return n(
            "Nafasi has paid you {amount} for {count} booking into your bank account.",
            "Nafasi has paid you {amount} for {count} bookings into your bank account.",
            params["bookings"],
            amount=Money(params["amount_cents"]),
        )
    return n(
        "Nafasi has paid you {amount} for {count} booking by M-Pesa.",
        "Nafasi has paid you {amount} for {count} bookings by M-Pesa.",
        params["bookings"],
        amount=Money(params["amount_cents"]),
    )


_PAYOUT_REASONS: Mapping[str, T] = {
    Reason.BAD_RECIPIENT: t("your number is not on M-Pesa"),
    Reason.LIMIT: t("it is over your M-Pesa limit"),
}
_BANK_REASONS: Mapping[str, T] = {
    Reason.BAD_RECIPIENT: t("your bank does not know the account"),
    Reason.LIMIT: t("it is over the limit of your bank account"),
}
_OUR_SIDE = t("of a problem on our side")


def _payout_failed(params: Params, context: NoticeContext) -> T:
    reasons = _BANK_REASONS if params.get("to_bank") else _PAYOUT_REASONS
    return t(
        "We could not pay you {amount} because {why}. Your money is safe with us. We will call "
        "you, or call {help}.",
        amount=Money(params["amount_cents"]),
        why=reasons.get(params["reason"], _OUR_SIDE),
        help=local_form(context.help_phone),
    )


def _help(_params: Params, context: NoticeContext) -> T:
    return t(
        "Nafasi: dial {dial} to find halls, food and rooms and pay by M-Pesa. By SMS: STATUS "
        "code, PAY code, CANCEL code, SWAHILI, STOP, START. Vendors answer 1 yes, 2 no. Call "
        "{help}.",
        dial=context.ussd_code,
        help=local_form(context.help_phone),
    )


def _answer(params: Params, _context: NoticeContext) -> str:
    return str(params["text"])


_WORDS: Mapping[str, Callable[[Params, NoticeContext], Text]] = {
    Topic.REQUEST_RECEIVED: _request_received,
    Topic.REQUEST_ACCEPTED: _request_accepted,
    Topic.REQUEST_DECLINED: _request_declined,
    Topic.REQUEST_EXPIRED: _request_expired,
    Topic.REQUEST_MISSED: _request_missed,
    Topic.REQUEST_WITHDRAWN: _request_withdrawn,
    Topic.PAYMENT_FAILED: _payment_failed,
    Topic.PROVIDER_DOWN: _provider_down,
    Topic.HOLD_EXPIRED: _hold_expired,
    Topic.NOT_PAID: _not_paid,
    Topic.CONFIRMED_CUSTOMER: _confirmed_customer,
    Topic.CONFIRMED_VENDOR: _confirmed_vendor,
    Topic.CANCELLED_CUSTOMER: _cancelled_customer,
    Topic.CANCELLED_VENDOR: _cancelled_vendor,
    Topic.COMPLETED: _completed,
    Topic.MONEY_RETURNING: _money_returning,
    Topic.MONEY_RETURNED: _money_returned,
    Topic.PAYOUT_SENT: _payout_sent,
    Topic.PAYOUT_FAILED: _payout_failed,
    HELP_TOPIC: _help,
    ANSWER_TOPIC: _answer,
    LATE_TOPIC: _answer,
}
