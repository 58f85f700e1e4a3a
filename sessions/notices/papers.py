"""The words that carry a link: to a receipt, to a credit note, to a vendor's statement."""

from collections.abc import Mapping
from datetime import date, datetime

from core.money import Money
from sessions.notices.context import NoticeContext, Params, Words
from sessions.texts import T, t

RECEIPT_TOPIC = "receipt_link"
STATEMENT_TOPIC = "statement_link"


def _receipt(params: Params, context: NoticeContext) -> T:
    what = {
        "code": params["code"],
        "label": params["label"],
        "amount": Money(params["amount_cents"]),
        "link": f"{context.public_url}/receipts/{params['token']}.pdf",
    }
    if params["credit"]:
        return t("{code}: credit note {label}, {amount} paid back: {link}", **what)
    return t("{code}: receipt {label}, {amount}: {link}", **what)


def _statement(params: Params, context: NoticeContext) -> T:
    return t(
        "Your statement of {month}, opens once, until {until}: {link}",
        month=f"{date.fromisoformat(params['month']):%m/%Y}",
        until=datetime.fromisoformat(params["until"]),
        link=f"{context.public_url}/statements/{params['token']}",
    )


WORDS: Mapping[str, Words] = {
    RECEIPT_TOPIC: _receipt,
    STATEMENT_TOPIC: _statement,
}
