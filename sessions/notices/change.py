"""The words about changes of days or people, and about the check-in PIN."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from core.booking.changes import DECLINED, UNANSWERED, UNPAID
from core.booking.notices import Topic
from core.catalog.rules import Category
from core.limits import PIN_TRIES_MAX
from core.money import Money
from core.msisdn import local_form
from sessions.flows import words
from sessions.notices.context import NoticeContext, Params, Words, dial_of, due_of, what_of
from sessions.texts import T, cut, t


def _old_and_new(params: Params) -> dict[str, Any]:
    """What a sentence may name of a booking, with what it was before."""
    return {
        **what_of(params),
        "was": words.when_and_who(
            Category(params["category"]),
            date.fromisoformat(params["was_starts_on"]),
            date.fromisoformat(params["was_ends_on"]),
            params["was_people"],
        ),
    }


def _changed_customer(params: Params, _context: NoticeContext) -> T:
    what = _old_and_new(params)
    if params["to_pay_cents"]:
        return t(
            "{code} {listing} is now {days}, {people} (was {was}). You paid {more} more.",
            **what,
            more=Money(params["to_pay_cents"]),
        )
    if params["refund_cents"]:
        return t(
            "{code} {listing} is now {days}, {people} (was {was}). {refund} goes back to you.",
            **what,
            refund=Money(params["refund_cents"]),
        )
    return t(
        "{code} {listing} is now {days}, {people} (was {was}). {price}",
        **what,
        price=t("The price stays {total}.", total=Money(params["price_cents"])),
    )


def _changed_vendor(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing} is now {days}, {people} (was {was}). {yours}",
        **_old_and_new(params),
        yours=_yours(params),
    )


def _yours(params: Params) -> T:
    """What the vendor gets, with what it was when that is another sum."""
    net, was = Money(params["net_cents"]), Money(params["was_net_cents"])
    if net == was:
        return t("You get {net} as before.", net=net)
    return t("You get {net}, before {was}.", net=net, was=was)


def _change_asked(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}: change to {days}, {people} (now {was})? {yours} By {by} reply {code} 1 "
        "for yes, {code} 2 for no.",
        **_old_and_new(params),
        yours=_yours(params),
        by=due_of(params),
    )


def _request_changed(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing} changed: {days}, {people} (was {was}). You get {net}. By {by} reply "
        "{code} 1 to accept, {code} 2 to decline.",
        **_old_and_new(params),
        by=due_of(params),
    )


def _change_accepted(params: Params, context: NoticeContext) -> T:
    return t(
        "{listing} agrees: {days}, {people}. Pay {more} more by {by}: reply PAY {code}, dial "
        "{dial} or paybill {paybill} account {code}.",
        **what_of(params),
        more=Money(params["to_pay_cents"]),
        by=due_of(params),
        dial=dial_of(context, params["code"]),
        paybill=context.paybill,
    )


_WHY_CUSTOMER: Mapping[str, T] = {
    DECLINED: t("the vendor cannot change it"),
    UNANSWERED: t("the vendor did not answer"),
    UNPAID: t("the difference was not paid"),
}


def _change_off_customer(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing} stays {days}, {people}: {why}.",
        **what_of(params),
        why=_WHY_CUSTOMER[params["reason"]],
    )


_WHY_VENDOR: Mapping[str, T] = {
    UNANSWERED: t("your time to answer has run out"),
    UNPAID: t("the customer did not pay the difference"),
}
_KEPT = t("the customer keeps it so")


def _change_off_vendor(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing} stays {days}, {people}: {why}.",
        **what_of(params),
        why=_WHY_VENDOR.get(params["reason"], _KEPT),
    )


def _check_in_locked(params: Params, context: NoticeContext) -> T:
    return t(
        "A wrong PIN for {code} was typed {count} times. Show yours to {business} alone, on "
        "arrival. Questions: {help}",
        code=params["code"],
        count=PIN_TRIES_MAX,
        business=cut(params["business"]),
        help=local_form(context.help_phone),
    )


WORDS: Mapping[str, Words] = {
    Topic.CHANGED_CUSTOMER: _changed_customer,
    Topic.CHANGED_VENDOR: _changed_vendor,
    Topic.CHANGE_ASKED: _change_asked,
    Topic.REQUEST_CHANGED: _request_changed,
    Topic.CHANGE_ACCEPTED: _change_accepted,
    Topic.CHANGE_OFF_CUSTOMER: _change_off_customer,
    Topic.CHANGE_OFF_VENDOR: _change_off_vendor,
    Topic.CHECK_IN_LOCKED: _check_in_locked,
}
