"""What every notice may say: about us, and about its booking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.catalog.rules import Category
from core.money import Money
from sessions.flows import words
from sessions.gsm7 import septets, to_gsm7
from sessions.texts import T, Text, cut, t

Params = Mapping[str, Any]
# With the sentence around them, so many septets of somebody's words fit two SMS.
SAID_SEPTETS = 210


@dataclass(frozen=True, slots=True)
class NoticeContext:
    """What messages say about us.

    Attributes:
        ussd_code: what is dialled.
        paybill: where money can be sent by hand.
        help_phone: whom to call, E.164.
        public_url: what links begin with, without a slash at the end.
    """

    ussd_code: str
    paybill: str
    help_phone: str
    public_url: str = ""


Words = Callable[[Params, NoticeContext], Text]


def what_of(params: Params) -> dict[str, Any]:
    """Return what a sentence may name of a booking."""
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


def to_pay(params: Params) -> T:
    """Return what is to be paid until the next deadline, and in how many parts."""
    return words.in_parts(Money(params.get("owed_cents") or params["total_cents"]))


def rest_after(params: Params) -> T | None:
    """Return what is to be paid after a deposit; None when all is asked for at once."""
    if not params.get("rest_cents"):
        return None
    by = datetime.fromisoformat(params["rest_by"])
    return t("{rest} by {by}", rest=Money(params["rest_cents"]), by=by)


def said(words: str) -> str:
    """Return somebody's words as far as a message carries them; all of them are kept elsewhere."""
    shown = to_gsm7(words)
    while septets(shown) > SAID_SEPTETS:
        shown = f"{shown[:-3].rstrip()}.."
    return shown


def due_of(params: Params) -> datetime:
    """Return when the answer or the money is due."""
    return datetime.fromisoformat(params["due_at"])


def dial_of(context: NoticeContext, code: str) -> str:
    """Return what to dial to come straight to a booking or a listing."""
    return f"{context.ussd_code.rstrip('#')}*{code}#"
