"""Entering a rate that the law, or we, have changed."""

from datetime import date

from sqlalchemy import select

from core.catalog.rules import Category
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import Refused
from core.money import BASIS_POINTS
from core.pricing.model import RateRow
from core.pricing.queries import rates_on
from core.pricing.rules import BASES, RateBase, RateName


def add_rate(
    tx: Tx,
    name: RateName,
    basis_points: int,
    since: date,
    category: str | None = None,
    base: RateBase | None = None,
) -> None:
    """Set a rate from a day on; prices that were made before keep theirs.

    Args:
        tx: the caller's transaction.
        name: which.
        basis_points: hundredths of a percent.
        since: the first day, in Kenya, on which it counts: tomorrow at the earliest, as today's
            prices have been shown.
        category: of the listings that it is for, None for all.
        base: what a tax is of; None for what it usually is of.

    Raises:
        Refused: ``bad_rate``; ``rate_too_early`` (data: today); ``bad_base`` (data: wanted);
            ``rate_set`` when there is one for just that already: rates are added, never changed;
            ``rates_too_high`` when commission and withholding would leave the vendor nothing.
    """
    today = nairobi_date(tx.now)
    if not 0 <= basis_points <= BASIS_POINTS:
        raise Refused("bad_rate")
    if since <= today:
        raise Refused("rate_too_early", today=today.isoformat())
    bases = BASES.get(name, ())
    if base is not None and base not in bases:
        raise Refused("bad_base", wanted=" or ".join(each.value for each in bases) or "nothing")
    same = select(RateRow.id).where(
        RateRow.name == name,
        RateRow.effective_from == since,
        RateRow.category.is_not_distinct_from(category),
    )
    if tx.db.scalar(same) is not None:
        raise Refused("rate_set")
    row = RateRow(name=name, category=category, basis_points=basis_points, base=base)
    row.effective_from = since
    tx.db.add(row)
    tx.db.flush()
    _check_together(tx, since)


def _check_together(tx: Tx, day: date) -> None:
    """Price something of each kind on a day: what is too much together is refused now."""
    for category in (None, *Category):
        try:
            rates_on(tx, day, category)
        except ValueError:
            raise Refused("rates_too_high") from None
