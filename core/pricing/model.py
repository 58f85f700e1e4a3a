"""The dated rates."""

from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, choice
from core.money import BASIS_POINTS


class RateName(StrEnum):
    """Which rate a row sets; the names of the fields of ``Rates``."""

    SERVICE_FEE = "service_fee"
    COMMISSION = "commission"
    VAT = "vat"
    WITHHOLDING = "withholding"


class RateRow(Base):
    """One rate from a day on. Rows are added, never changed: old prices stay explainable.

    Attributes:
        category: the category of listings that it is for, None for all.
        basis_points: hundredths of a percent.
        effective_from: the first day, in Kenya, on which it counts.
    """

    __tablename__ = "rates"
    __table_args__ = (
        UniqueConstraint("name", "category", "effective_from", postgresql_nulls_not_distinct=True),
        CheckConstraint(f"basis_points BETWEEN 0 AND {BASIS_POINTS}", name="basis_points"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[RateName] = mapped_column(choice(RateName, "name"))
    category: Mapped[str | None]
    basis_points: Mapped[int]
    effective_from: Mapped[date]
