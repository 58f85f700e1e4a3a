"""Which rates count on a day."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from core.db.tx import Tx
from core.errors import NafasiError
from core.pricing.model import RateRow
from core.pricing.rules import RateBase, RateName, Rates

# Built once: it is part of every price that is shown.
_RATES = (
    select(RateRow.name, RateRow.basis_points, RateRow.effective_from, RateRow.base)
    .ext(distinct_on(RateRow.name))
    .where(
        RateRow.effective_from <= bindparam("on"),
        or_(RateRow.category.is_(None), RateRow.category == bindparam("for_category")),
    )
    .order_by(RateRow.name, RateRow.category.nulls_last(), RateRow.effective_from.desc())
)


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A rate, the day from which it counts, and what it is of."""

    basis_points: int
    effective_from: date
    base: RateBase


USUAL_BASE = dict.fromkeys(RateName, RateBase.PRICE) | {RateName.VAT: RateBase.PRICE_AND_FEE}


class RatesMissing(NafasiError):
    """Some rate has no row for the day: nothing can be priced."""

    code = "rates_missing"


def rates_on(tx: Tx, day: date, category: str | None = None) -> Rates:
    """Return the rates of a day.

    A row of the category beats one for all, however old; among equals the latest one counts. They
    may be a moment old (``Tx.remembered``): a booking keeps those that it was made at.

    Args:
        tx: the transaction.
        day: the day in Kenya on which the price is made.
        category: the listing's category, None for the general rates.

    Raises:
        RatesMissing: with the ``names`` that have no row.
    """
    return tx.remembered(("rates", day, category), lambda: _rates_on(tx, day, category))


def _rates_on(tx: Tx, day: date, category: str | None) -> Rates:
    found = dated_rates(tx, day, category)
    missing = [name.value for name in RateName if name not in found]
    if missing:
        raise RatesMissing(names=missing, day=day.isoformat(), category=category)
    return Rates(
        service_fee=found[RateName.SERVICE_FEE].basis_points,
        commission=found[RateName.COMMISSION].basis_points,
        vat=found[RateName.VAT].basis_points,
        withholding=found[RateName.WITHHOLDING].basis_points,
        vat_base=found[RateName.VAT].base,
        withholding_base=found[RateName.WITHHOLDING].base,
    )


def dated_rates(tx: Tx, day: date, category: str | None = None) -> dict[RateName, DatedRate]:
    """Return the rates of a day with the days since when they count; see ``rates_on``."""
    rows = tx.db.execute(_RATES, {"on": day, "for_category": category})
    return {
        row.name: DatedRate(row.basis_points, row.effective_from, row.base or USUAL_BASE[row.name])
        for row in rows
    }


def rates_from(tx: Tx, day: date) -> list[RateRow]:
    """Return the rates that count on a day or later, by name, category and first day."""
    rows = tx.db.scalars(
        select(RateRow).order_by(
            RateRow.name, RateRow.category.nulls_first(), RateRow.effective_from.desc()
        )
    )
    shown: list[RateRow] = []
    over: set[tuple[RateName, str | None]] = set()
    for row in rows:
        if (row.name, row.category) not in over:
            shown.append(row)
        if row.effective_from <= day:
            over.add((row.name, row.category))
    return shown
