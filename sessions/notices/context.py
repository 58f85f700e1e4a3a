"""What every notice may say: about us, and about its booking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.catalog.rules import Category
from core.money import Money
from sessions.flows import words
from sessions.texts import Text, cut

Params = Mapping[str, Any]


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


def due_of(params: Params) -> datetime:
    """Return when the answer or the money is due."""
    return datetime.fromisoformat(params["due_at"])


def dial_of(context: NoticeContext, code: str) -> str:
    """Return what to dial to come straight to a booking or a listing."""
    return f"{context.ussd_code.rstrip('#')}*{code}#"
