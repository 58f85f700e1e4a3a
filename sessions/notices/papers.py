"""The words that carry a link: to a paper, a vendor's statement, a page to pay on."""

from collections.abc import Mapping
from datetime import date, datetime

from core.money import Money
from sessions.notices.context import NoticeContext, Params, Words
from sessions.texts import T, t

RECEIPT_TOPIC = "receipt_link"
STATEMENT_TOPIC = "statement_link"
PAY_TOPIC = "pay_link"


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


def _pay(params: Params, context: NoticeContext) -> T:
    return t(
        "Pay {amount} for {code} by card until {by}: {link}",
        amount=Money(params["amount_cents"]),
        code=params["code"],
        by=datetime.fromisoformat(params["due_at"]),
        link=f"{context.public_url}/pay/{params['token']}",
    )


WORDS: Mapping[str, Words] = {
    RECEIPT_TOPIC: _receipt,
    STATEMENT_TOPIC: _statement,
    PAY_TOPIC: _pay,
}
