"""The words about a booking: asked for, answered, confirmed, cancelled, done."""

from collections.abc import Mapping
from datetime import date, datetime

from core.booking.lifecycle import Actor
from core.booking.notices import Topic
from core.clock import NAIROBI
from core.money import Money
from core.msisdn import local_form
from sessions.dates import time_text
from sessions.flows.vendor import consequence
from sessions.notices.context import (
    NoticeContext,
    Params,
    Words,
    by_message,
    dial_of,
    due_of,
    listing_again,
    rest_after,
    search_again,
    to_pay,
    what_of,
)
from sessions.texts import T, cut, t


def _request_received(params: Params, _context: NoticeContext) -> T:
    what, by = what_of(params), due_of(params)
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
    what = what_of(params)
    if (rest := rest_after(params)) is not None:
        return t(
            "{listing} said yes: {day}. Pay {first} by {by}, then {rest}: reply PAY {code}.",
            **what,
            first=to_pay(params),
            by=due_of(params),
            rest=rest,
        )
    if params.get("parts", 1) > 1:
        return t(
            "{listing} said yes: {day}. Pay {first} by {by}: reply PAY {code} or paybill "
            "{paybill} account {code}.",
            **what,
            first=to_pay(params),
            by=due_of(params),
            paybill=context.paybill,
        )
    return t(
        "{listing} said yes: {day}. Pay {total} by {by}: reply PAY {code}, dial {dial}, "
        "or paybill {paybill} account {code}.",
        **what,
        by=due_of(params),
        dial=dial_of(context, params["code"]),
        paybill=context.paybill,
    )


def _came_to_nothing(sentence: T, params: Params, context: NoticeContext) -> T:
    others = params.get("alternatives") or []
    if not others and by_message(params):
        return t("{sentence} You paid nothing. Reply FIND to find another.", sentence=sentence)
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
    way = listing_again(params, context, other["number"])
    what = {"name": cut(other["title"]), "dial": way}
    if other["starts_on"] == params["starts_on"]:
        return t("{name} {dial}", **what)
    return t("{name} {day} {dial}", **what, day=date.fromisoformat(other["starts_on"]))


def _request_declined(params: Params, context: NoticeContext) -> T:
    sentence = t("Sorry, {listing} cannot take {code} on {day}.", **what_of(params))
    return _came_to_nothing(sentence, params, context)


def _request_expired(params: Params, context: NoticeContext) -> T:
    sentence = t("Sorry, {listing} did not answer {code} for {day} in time.", **what_of(params))
    return _came_to_nothing(sentence, params, context)


def _request_missed(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: your time to answer has run out. The customer was sent "
        "elsewhere.",
        **what_of(params),
    )


def _request_withdrawn(params: Params, _context: NoticeContext) -> T:
    return t("{code} {listing}, {day}: the customer cancelled.", **what_of(params))


def _hold_expired(params: Params, context: NoticeContext) -> T:
    if params.get("back_cents"):
        return t(
            "{code} {listing}, {day}: not all was paid in time. We are sending your {back} back "
            "now. Book again: {dial}",
            **what_of(params),
            back=Money(params["back_cents"]),
            dial=listing_again(params, context, params["number"]),
        )
    return t(
        "{code} {listing}, {day}: not paid in time, so others can book it now. You paid nothing. "
        "Book again: {dial}",
        **what_of(params),
        dial=listing_again(params, context, params["number"]),
    )


def _not_paid(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: the customer did not pay in time. The day is free again.",
        **what_of(params),
    )


def _confirmed_customer(params: Params, context: NoticeContext) -> T:
    paid = Money(params.get("received_cents") or params["total_cents"])
    rest = rest_after(params)
    told = (
        t("Paid {total}.", total=paid)
        if rest is None
        else t(
            "Paid {total}, then {rest}.",
            total=paid,
            rest=rest,
        )
    )
    return t(
        "{paid} {code} is confirmed: {listing}, {place}, {days}, from {time}, {people}. "
        "Vendor {business} {phone}. On arrival show PIN {pin}. To cancel reply CANCEL {code}. "
        "Help {help}.",
        **what_of(params),
        paid=told,
        place=cut(params["place"]),
        time=time_text(datetime.fromisoformat(params["starts_at"]).astimezone(NAIROBI).time()),
        business=cut(params["business"]),
        phone=local_form(params["vendor_msisdn"]),
        pin=params["pin"],
        help=local_form(context.help_phone),
    )


def _confirmed_vendor(params: Params, _context: NoticeContext) -> T:
    if params.get("rest_cents"):
        return t(
            "Deposit paid: {code} {listing}, {days}, {people}. Customer {phone}. You get {net} "
            "after the service. Ask for the PIN.",
            **what_of(params),
            phone=local_form(params["customer_msisdn"]),
        )
    return t(
        "Paid: {code} {listing}, {days}, {people}. Customer {phone}. You get {net} after the "
        "service. Ask for the PIN on arrival.",
        **what_of(params),
        phone=local_form(params["customer_msisdn"]),
    )


def _cancelled_customer(params: Params, context: NoticeContext) -> T:
    """What was cancelled, by whom, and what goes back."""
    refund = Money(params["refund_cents"])
    if not refund.cents:
        back = t("By its rule no money goes back.")
    elif params.get("card"):
        back = t("We are sending {refund} back the way it was paid.", refund=refund)
    else:
        back = t("We are sending {refund} back to the phone that paid.", refund=refund)
    match Actor(params["by"]):
        case Actor.VENDOR:
            return t(
                "Sorry, the vendor cancelled {code} {listing}, {day}. {back} Find another: {dial}",
                **what_of(params),
                back=back,
                dial=search_again(params, context),
            )
        case Actor.ADMIN:
            return t(
                "Sorry, we had to cancel {code} {listing}, {day}. {back} Questions: {help}",
                **what_of(params),
                back=back,
                help=local_form(context.help_phone),
            )
        case Actor.TIME:
            return t(
                "{code} {listing}, {day} is cancelled: the rest was not paid in time. {back}",
                **what_of(params),
                back=back,
            )
        case _:
            return t("{code} {listing}, {day} is cancelled. {back}", **what_of(params), back=back)


def _cancelled_vendor(params: Params, _context: NoticeContext) -> T:
    kept = Money(params["kept_cents"])
    if Actor(params["by"]) is Actor.VENDOR:
        return t(
            "You cancelled {code} {listing}, {day}. The customer gets all money back. "
            "{consequence}",
            **what_of(params),
            consequence=consequence(params["penalties"]),
        )
    yours = (
        t("You get {kept} with the next payout.", kept=kept)
        if kept.cents
        else t("You get nothing for it.")
    )
    if Actor(params["by"]) is Actor.TIME:
        return t(
            "{code} {listing}, {day} is cancelled: the customer did not pay the rest. {yours}",
            **what_of(params),
            yours=yours,
        )
    if Actor(params["by"]) is Actor.ADMIN:
        return t(
            "{code} {listing}, {day}: we had to cancel it. {yours}", **what_of(params), yours=yours
        )
    return t(
        "{code} {listing}, {day}: the customer cancelled. {yours}", **what_of(params), yours=yours
    )


def _completed(params: Params, context: NoticeContext) -> T:
    return t(
        "{code} {listing} is done. How was it? Reply {code} and 1 (bad) to 5 (best) and a few "
        "words. A problem? Reply PROBLEM {code} in 2 days or call {help}.",
        **what_of(params),
        help=local_form(context.help_phone),
    )


WORDS: Mapping[str, Words] = {
    Topic.REQUEST_RECEIVED: _request_received,
    Topic.REQUEST_ACCEPTED: _request_accepted,
    Topic.REQUEST_DECLINED: _request_declined,
    Topic.REQUEST_EXPIRED: _request_expired,
    Topic.REQUEST_MISSED: _request_missed,
    Topic.REQUEST_WITHDRAWN: _request_withdrawn,
    Topic.HOLD_EXPIRED: _hold_expired,
    Topic.NOT_PAID: _not_paid,
    Topic.CONFIRMED_CUSTOMER: _confirmed_customer,
    Topic.CONFIRMED_VENDOR: _confirmed_vendor,
    Topic.CANCELLED_CUSTOMER: _cancelled_customer,
    Topic.CANCELLED_VENDOR: _cancelled_vendor,
    Topic.COMPLETED: _completed,
}
