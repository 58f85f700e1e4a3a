"""The words about money: payments that failed, refunds, payouts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.booking.notices import Topic
from core.limits import MPESA_DAY_MAX_CENTS
from core.money import Money
from core.msisdn import local_form
from core.payouts.model import HoldReason
from core.ports.money import Reason
from sessions.notices.context import (
    NoticeContext,
    Params,
    Words,
    dial_of,
    due_of,
    to_pay,
    what_of,
)
from sessions.texts import T, n, t

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
    what = _of_attempt(params)
    if params.get("card"):
        return t(
            "The card payment of {total} for {code} did not go through. Pay by {by}: reply PAY "
            "{code} for M-Pesa, CARD {code} for a card.",
            **what,
            by=due_of(params),
        )
    if params["reason"] == Reason.SILENT:
        # The money may have moved: nobody should pay twice because we heard nothing.
        return t(
            "We have not heard from M-Pesa about {code}. If it took {total}, wait: we will see "
            "it. If not, pay by {by}: reply PAY {code}.",
            **what,
            by=due_of(params),
        )
    sentence = T(_REASONS.get(params["reason"], _NO_REASON).msgid, what)
    return t(
        "{sentence} Pay by {by}: reply PAY {code}, dial {dial} or paybill {paybill} account "
        "{code}.",
        sentence=sentence,
        by=due_of(params),
        code=params["code"],
        dial=dial_of(context, params["code"]),
        paybill=context.paybill,
    )


def _provider_down(params: Params, context: NoticeContext) -> T:
    return t(
        "M-Pesa is slow now. We keep trying. Or pay {total} yourself by {by}: paybill {paybill} "
        "account {code}.",
        **_of_attempt(params),
        by=due_of(params),
        paybill=context.paybill,
    )


def _of_attempt(params: Params) -> dict[str, Any]:
    """What a sentence may name of a payment that was tried: its total is the attempt's."""
    amount = Money(params.get("amount_cents", params["total_cents"]))
    return what_of(params) | {"total": amount}


def _part_received(params: Params, context: NoticeContext) -> T:
    """What has come, what is asked for next and until when, and what if it does not come."""
    what = {
        "code": params["code"],
        "came": Money(params["came_cents"]),
        "ask": Money(params["ask_cents"]),
        "by": due_of(params),
    }
    if params["parts"] == 1 and params["confirmed"]:
        return t(
            "We got {came} for {code}. {ask} is missing: pay it by {by}, or it is cancelled. "
            "Reply PAY {code} or paybill {paybill} account {code}.",
            **what,
            paybill=context.paybill,
        )
    if params["parts"] == 1:
        return t(
            "We got {came} for {code}. {ask} is missing: pay it by {by}, or all goes back. Reply "
            "PAY {code} or paybill {paybill} account {code}.",
            **what,
            paybill=context.paybill,
        )
    return t(
        "We got {came} for {code}. Now part {part} of {parts}: {ask} by {by}. Reply PAY {code}. "
        "M-Pesa carries {most} a day.",
        **what,
        part=params["part"],
        parts=params["parts"],
        most=Money(MPESA_DAY_MAX_CENTS),
    )


def _rest_due(params: Params, context: NoticeContext) -> T:
    return t(
        "{code} {listing}, {day}: pay {rest} by {by}, or it is cancelled. Reply PAY {code} or "
        "paybill {paybill} account {code}.",
        **what_of(params),
        rest=to_pay(params),
        by=due_of(params),
        paybill=context.paybill,
    )


def _rest_received(params: Params, _context: NoticeContext) -> T:
    return t(
        "Paid {came}. {code} {listing}, {day} is now paid in full.",
        **what_of(params),
        came=Money(params["came_cents"]),
    )


def _money_returning(params: Params, context: NoticeContext) -> T:
    values = {
        "amount": Money(params["amount_cents"]),
        "code": params["code"],
        "help": local_form(context.help_phone),
    }
    match bool(params.get("too_much")), params.get("ending"):
        case True, None:
            return t(
                "You paid {amount} too much for {code}. We are sending it back to you now. "
                "Questions: {help}",
                **values,
            )
        case True, ending:
            return t(
                "The phone that ends in {ending} paid {amount} too much for {code}. We are "
                "sending it back there now. Questions: {help}",
                ending=ending,
                **values,
            )
        case _, None:
            return t(
                "Your {amount} for {code} came when it could no longer be used. We are sending it "
                "back to you now. Questions: {help}",
                **values,
            )
        case _, ending:
            return t(
                "{amount} for {code} from the phone that ends in {ending} could not be used. We "
                "are sending it back there now. Questions: {help}",
                ending=ending,
                **values,
            )


def _money_returned(params: Params, _context: NoticeContext) -> T:
    if params.get("card"):
        return t(
            "We have sent back your {amount} for {code} to your card. Banks take up to 15 days "
            "to show it.",
            amount=Money(params["amount_cents"]),
            code=params["code"],
        )
    if params.get("ending"):
        return t(
            "We have sent back {amount} for {code} by M-Pesa, to the phone that ends in {ending}.",
            amount=Money(params["amount_cents"]),
            code=params["code"],
            ending=params["ending"],
        )
    return t(
        "We have sent back your {amount} for {code} by M-Pesa.",
        amount=Money(params["amount_cents"]),
        code=params["code"],
    )


def _money_came_back(params: Params, context: NoticeContext) -> T:
    return t(
        "{amount} that we sent back to you for {code} came to us again. It is still yours: we "
        "check where to send it. Call {help}.",
        amount=Money(params["amount_cents"]),
        code=params["code"],
        help=local_form(context.help_phone),
    )


def _payout_sent(params: Params, _context: NoticeContext) -> T:
    if not params["bookings"]:
        # What had come back to us after its bookings were paid for.
        amount = Money(params["amount_cents"])
        if params.get("to_bank"):
            return t(
                "Nafasi has paid you {amount} that was still yours into your bank account.",
                amount=amount,
            )
        return t("Nafasi has paid you {amount} that was still yours by M-Pesa.", amount=amount)
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


_CAME_BACK = t("it came back to us")
_PAYOUT_REASONS: Mapping[str, T] = {
    Reason.CAME_BACK: _CAME_BACK,
    Reason.BAD_RECIPIENT: t("your number is not on M-Pesa"),
    Reason.LIMIT: t("it is over your M-Pesa limit"),
}
_BANK_REASONS: Mapping[str, T] = {
    Reason.CAME_BACK: _CAME_BACK,
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


_HELD: Mapping[str, T] = {
    HoldReason.KYC: t("we must check your papers first"),
    HoldReason.NO_DETAILS: t("you have not told us where to pay"),
    HoldReason.UNVERIFIED: t("we must check where to pay you first"),
    HoldReason.RESTRICTED: t("your account is closed for now"),
    HoldReason.ADMIN: t("we are checking something"),
    HoldReason.NO_ROUTE: _OUR_SIDE,
}


def _payout_held(params: Params, context: NoticeContext) -> T:
    amount = Money(params["amount_cents"])
    if params["until"] is not None:
        return t(
            "Your {amount} will be paid after {until}: you changed where we pay you. Not you? "
            "Call {help} now.",
            amount=amount,
            until=datetime.fromisoformat(params["until"]),
            help=local_form(context.help_phone),
        )
    return t(
        "Your {amount} is safe but waits because {why}. Call {help}.",
        amount=amount,
        why=_HELD.get(params["reason"], _OUR_SIDE),
        help=local_form(context.help_phone),
    )


def _payout_reversed(params: Params, context: NoticeContext) -> T:
    return t(
        "{amount} that we paid you came back to us. It is still yours: we check where to pay you "
        "and pay again. Call {help}.",
        amount=Money(params["amount_cents"]),
        help=local_form(context.help_phone),
    )


def _payout_changed(params: Params, context: NoticeContext) -> T:
    help_phone = local_form(context.help_phone)
    if params["to_bank"]:
        return t(
            "Your Nafasi money will go to the bank account that ends in {ending}, after 3 days. "
            "Not you? Reply FREEZE or call {help}.",
            ending=params["ending"],
            help=help_phone,
        )
    return t(
        "Your Nafasi money will go to the M-Pesa number that ends in {ending}, after 3 days. "
        "Not you? Reply FREEZE or call {help}.",
        ending=params["ending"],
        help=help_phone,
    )


def _vendor_suspended(_params: Params, context: NoticeContext) -> T:
    return t(
        "Nafasi has paused your listings and payouts. Paid bookings stand, and what we owe you "
        "stays yours. Call {help}.",
        help=local_form(context.help_phone),
    )


def _vendor_reinstated(_params: Params, context: NoticeContext) -> T:
    return t(
        "Your listings are on Nafasi again, and payouts go on. Questions: {help}",
        help=local_form(context.help_phone),
    )


WORDS: Mapping[str, Words] = {
    Topic.PAYMENT_FAILED: _payment_failed,
    Topic.PROVIDER_DOWN: _provider_down,
    Topic.PART_RECEIVED: _part_received,
    Topic.REST_DUE: _rest_due,
    Topic.REST_RECEIVED: _rest_received,
    Topic.MONEY_RETURNING: _money_returning,
    Topic.MONEY_RETURNED: _money_returned,
    Topic.MONEY_CAME_BACK: _money_came_back,
    Topic.PAYOUT_SENT: _payout_sent,
    Topic.PAYOUT_FAILED: _payout_failed,
    Topic.PAYOUT_HELD: _payout_held,
    Topic.PAYOUT_REVERSED: _payout_reversed,
    Topic.PAYOUT_CHANGED: _payout_changed,
    Topic.VENDOR_SUSPENDED: _vendor_suspended,
    Topic.VENDOR_REINSTATED: _vendor_reinstated,
}
