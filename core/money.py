"""Money in integer cents with a currency, and the few named ways in which it is rounded."""

from collections.abc import Sequence
from dataclasses import dataclass

KES = "KES"
CENTS_PER_SHILLING = 100
BASIS_POINTS = 10_000


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in cents.

    Attributes:
        cents: integer cents, may be negative.
        currency: ISO 4217 code.
    """

    cents: int
    currency: str = KES

    def __post_init__(self) -> None:
        if type(self.cents) is not int:
            raise TypeError("money is whole cents")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.cents, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.cents * times, self.currency)

    def share(self, basis_points: int) -> "Money":
        """Return a rate of the amount, rounded half-up to the cent.

        Args:
            basis_points: hundredths of a percent, 1600 for 16 %.
        """
        return Money(half_up(self.cents * basis_points, BASIS_POINTS), self.currency)

    def up_to_shilling(self) -> "Money":
        """Return the amount raised to the next whole shilling: M-Pesa moves no cents."""
        return Money(-(-self.cents // CENTS_PER_SHILLING) * CENTS_PER_SHILLING, self.currency)

    def down_to_shilling(self) -> "Money":
        """Return the amount without its odd cents."""
        return Money(self.cents // CENTS_PER_SHILLING * CENTS_PER_SHILLING, self.currency)

    @property
    def is_whole(self) -> bool:
        """Whether there are no odd cents: M-Pesa moves whole shillings."""
        return self.cents % CENTS_PER_SHILLING == 0

    @property
    def shillings(self) -> int:
        """The whole shillings; raises ValueError when cents would be lost."""
        if self.cents % CENTS_PER_SHILLING:
            raise ValueError("not a whole number of shillings")
        return self.cents // CENTS_PER_SHILLING

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.cents


def kes(shillings: int, cents: int = 0) -> Money:
    """Return Kenyan shillings."""
    return Money(shillings * CENTS_PER_SHILLING + cents, KES)


def half_up(numerator: int, denominator: int) -> int:
    """Divide, rounding halves away from zero: the rule of Kenyan tax invoices (eTIMS)."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def split(total_cents: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the parts add up exactly (largest remainder).

    Args:
        total_cents: what is split; not negative.
        weights: not negative, at least one above zero.

    Returns:
        One part a weight, in order; left-over cents go to the largest remainders, the earlier
        weight first when they tie.
    """
    whole = sum(weights)
    if whole <= 0 or total_cents < 0 or min(weights) < 0:
        raise ValueError("split takes a non-negative amount and weights")
    parts = [total_cents * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(total_cents * weights[i] % whole), i)
    )
    for i in by_remainder[: total_cents - sum(parts)]:
        parts[i] += 1
    return parts
