"""On which of our accounts' statements a receipt stands, and whether it was looked for there."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.orm import aliased

from core.cases.model import Case, CaseKind
from core.payments import receipts
from core.payments.model import Direction, Receipt
from core.reconcile.model import StatementMatch, StatementRow

Accounts = Mapping[str, Collection[Direction]]
"""Our accounts with one provider: by name, or shortcode, which ways money moves there."""
CHARGE = "charge:"
# What came back came to the account that it had left, what was taken back left the one to which
# it had come.
OTHER_WAY = {receipts.CAME_BACK: Direction.OUT, receipts.TAKEN_BACK: Direction.IN}

_PAYMENT = aliased(Receipt)
# A charge stands where its payment does: one that was kept back from what came, with what came.
_WAY_OF_PAYMENT = func.coalesce(
    select(_PAYMENT.direction)
    .where(
        _PAYMENT.provider == Receipt.provider,
        _PAYMENT.number == func.substr(Receipt.number, len(CHARGE) + 1),
    )
    .scalar_subquery(),
    Receipt.direction,
)
_WAY = case(
    *((Receipt.account == what, way.value) for what, way in OTHER_WAY.items()),
    (Receipt.number.startswith(CHARGE), _WAY_OF_PAYMENT),
    else_=Receipt.direction,
)


def moves_there(ways: Collection[Direction]) -> ColumnElement[bool]:
    """Return whether a receipt changes what an account holds by which money moves these ways."""
    return _WAY.in_(sorted(ways))


def stands_there(ways: Collection[Direction]) -> ColumnElement[bool]:
    """Return whether a statement of such an account shows a receipt; nothing does to a card."""
    return moves_there(ways) & Receipt.account.is_distinct_from(receipts.TO_A_CARD)


def is_shown() -> ColumnElement[bool]:
    """Return whether a statement has confirmed a receipt."""
    return exists().where(StatementMatch.receipt_id == Receipt.id)


def was_asked_for(account: str) -> ColumnElement[bool]:
    """Return whether a statement of an account covers a receipt: shown, or a difference if not."""
    return exists().where(
        StatementRow.provider == Receipt.provider,
        StatementRow.account == account,
        StatementRow.begins <= Receipt.at,
        StatementRow.ends > Receipt.at,
    )


def is_a_difference() -> ColumnElement[bool]:
    """Return whether a case names a receipt: it is a person's, and no open item any more."""
    return exists().where(
        Case.kind == CaseKind.DIFFERENCE,
        Case.facts["provider"].astext == Receipt.provider,
        Case.facts["number"].astext == Receipt.number,
    )
