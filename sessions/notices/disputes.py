"""The words about disputes: reported, answered, remembered, taken back, decided."""

from collections.abc import Mapping
from datetime import datetime

from core.booking.notices import Topic
from core.disputes.model import Problem, Side
from core.money import Money
from core.msisdn import local_form
from sessions.flows.words import PROBLEMS
from sessions.notices.context import NoticeContext, Params, Words, said, what_of
from sessions.texts import T, cut, t


def _opened_customer(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code}: we keep your {held}. {business} can answer until {answer_by}, we decide by "
        "{decide_by}. To add words reply PROBLEM {code}.",
        code=params["code"],
        held=Money(params["held_cents"]),
        business=cut(params["business"]),
        **_deadlines(params),
    )


def _opened_vendor(params: Params, _context: NoticeContext) -> T:
    kind = Problem(params["problem"])
    # Of something else, what was said in words comes by itself.
    reported = (
        t("the customer reports a problem.")
        if kind is Problem.OTHER
        else t("the customer reports a problem: {problem}.", problem=PROBLEMS[kind])
    )
    return t(
        "{code} {listing}, {day}: {reported} We keep the money. Answer by {answer_by}: reply "
        "PROBLEM {code} and your words, or we decide without you.",
        **what_of(params),
        reported=reported,
        **_deadlines(params),
    )


def _note(params: Params, _context: NoticeContext) -> T:
    values = {"code": params["code"], "words": said(params["words"])}
    if Side(params["side"]) is Side.VENDOR:
        return t('{code}, the vendor says: "{words}" To answer reply PROBLEM {code}.', **values)
    return t('{code}, the customer says: "{words}" To answer reply PROBLEM {code}.', **values)


def _reminder_customer(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code}: {business} has not answered yet and can until {answer_by}. We decide by "
        "{decide_by}, with or without an answer.",
        code=params["code"],
        business=cut(params["business"]),
        **_deadlines(params),
    )


def _reminder_vendor(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}: we still wait for your side. Reply PROBLEM {code} and your words by "
        "{answer_by}, or we decide without you.",
        **what_of(params),
        **_deadlines(params),
    )


def _withdrawn(params: Params, _context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: the customer says that it is settled. You are paid as usual.",
        **what_of(params),
    )


def _resolved_customer(params: Params, context: NoticeContext) -> T:
    refund, kept = Money(params["refund_cents"]), Money(params["kept_cents"])
    values = {"code": params["code"], "help": local_form(context.help_phone)}
    if not refund.cents:
        return t(
            "We have decided on {code}: no money goes back, {kept} is kept. Questions: {help}",
            kept=kept,
            **values,
        )
    if not kept.cents:
        return t(
            "We have decided on {code}: all {refund} goes back to the phone that paid. "
            "Questions: {help}",
            refund=refund,
            **values,
        )
    return t(
        "We have decided on {code}: {refund} goes back to the phone that paid, {kept} is kept. "
        "Questions: {help}",
        refund=refund,
        kept=kept,
        **values,
    )


def _resolved_vendor(params: Params, context: NoticeContext) -> T:
    refund, kept = Money(params["refund_cents"]), Money(params["kept_cents"])
    yours = (
        t("You get {kept} with the next payout.", kept=kept)
        if kept.cents
        else t("You get nothing for it.")
    )
    return t(
        "We have decided on {code} {listing}: {refund} goes back to the customer. {yours} "
        "Questions: {help}",
        **what_of(params),
        refund=refund,
        yours=yours,
        help=local_form(context.help_phone),
    )


def _deadlines(params: Params) -> dict[str, datetime]:
    names = ("answer_by", "decide_by")
    return {name: datetime.fromisoformat(params[name]) for name in names}


WORDS: Mapping[str, Words] = {
    Topic.DISPUTE_OPENED_CUSTOMER: _opened_customer,
    Topic.DISPUTE_OPENED_VENDOR: _opened_vendor,
    Topic.DISPUTE_NOTE: _note,
    Topic.DISPUTE_REMINDER_CUSTOMER: _reminder_customer,
    Topic.DISPUTE_REMINDER_VENDOR: _reminder_vendor,
    Topic.DISPUTE_WITHDRAWN: _withdrawn,
    Topic.DISPUTE_RESOLVED_CUSTOMER: _resolved_customer,
    Topic.DISPUTE_RESOLVED_VENDOR: _resolved_vendor,
}
