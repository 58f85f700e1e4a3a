"""The dated rates."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.money import BASIS_POINTS
from core.pricing.rules import RateBase, RateName


class RateRow(Base):
    """One rate from a day on. Rows are added, never changed: old prices stay explainable.

    Attributes:
        category: the category of listings that it is for, None for all.
        basis_points: hundredths of a percent.
        effective_from: the first day, in Kenya, on which it counts.
        base: what a tax is of; empty for what it usually is of.
    """

    __tablename__ = "rates"
    __table_args__ = (
        UniqueConstraint("name", "category", "effective_from", postgresql_nulls_not_distinct=True),
        CheckConstraint(f"basis_points BETWEEN 0 AND {BASIS_POINTS}", name="basis_points"),
        CheckConstraint(
            "base IS NULL OR name = 'vat' AND base IN ('price_and_fee', 'fee')"
            " OR name = 'withholding' AND base IN ('price', 'after_commission')",
            name="base_of_name",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[RateName] = mapped_column(choice(RateName, "name"))
    category: Mapped[str | None]
    basis_points: Mapped[int]
    effective_from: Mapped[date]
    base: Mapped[RateBase | None] = mapped_column(choice(RateBase, "base"))
