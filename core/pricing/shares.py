"""Whose a booking's money is, and how that shrinks when part of it goes back. Pure.

The legs of a release are the shares of vendor, fee, commission, taxes and rounding. A refund
reverses each of them in proportion, by the largest remainder; what is left is what is kept. Each
further refund is taken from what the ones before it have left, so that refunds that add up to the
whole price reverse each share to exactly nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from core.money import Money, split
from core.pricing.rules import Price


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of one booking's money, by whose they are; none negative.

    Attributes:
        vendor_net: the vendor's.
        service_fee: ours, of the customer's fee.
        commission: ours, kept from the vendor.
        vat: the tax authority's.
        withholding: the tax authority's, kept from the vendor.
        rounding: ours, less than a shilling.
    """

    vendor_net: Money
    service_fee: Money
    commission: Money
    vat: Money
    withholding: Money
    rounding: Money

    @property
    def total(self) -> Money:
        """All of it."""
        first, *rest = self.parts
        return sum(rest, start=first)

    @property
    def parts(self) -> tuple[Money, ...]:
        """The shares in the order of their names above."""
        return (
            self.vendor_net,
            self.service_fee,
            self.commission,
            self.vat,
            self.withholding,
            self.rounding,
        )

    def __sub__(self, other: "Shares") -> "Shares":
        return Shares(*(a - b for a, b in zip(self.parts, other.parts, strict=True)))


def shares_of(price: Price) -> Shares:
    """Return the shares of a whole price: the legs of its release."""
    return Shares(
        vendor_net=price.vendor_net,
        service_fee=price.service_fee,
        commission=price.commission,
        vat=price.vat,
        withholding=price.withholding,
        rounding=price.rounding,
    )


def reversal(left: Shares, refund: Money) -> Shares:
    """Return by how much a refund reverses each share.

    Args:
        left: the shares as the refunds before this one have left them.
        refund: what goes back, from nothing to all of ``left``.

    Raises:
        ValueError: more would go back than is left, or less than nothing.
    """
    if not 0 <= refund.cents <= left.total.cents:
        raise ValueError("a refund lies between nothing and what is left")
    if not refund.cents:
        return left - left
    cents = split(refund.cents, [part.cents for part in left.parts])
    return Shares(*(Money(each, refund.currency) for each in cents))


def grown(price: Price, more: Money) -> Price:
    """Return a price to which an amount is added, shared like the price itself."""
    if not more.cents:
        return price
    own = shares_of(price)
    added = split(more.cents, [part.cents for part in own.parts])
    both = Shares(*(a + Money(b, more.currency) for a, b in zip(own.parts, added, strict=True)))
    return Price(
        base=both.vendor_net + both.commission + both.withholding,
        service_fee=both.service_fee,
        vat=both.vat,
        rounding=both.rounding,
        total=both.total,
        commission=both.commission,
        withholding=both.withholding,
        vendor_net=both.vendor_net,
    )


def left_after(price: Price, refunds: Iterable[Money]) -> Shares:
    """Return what a price's shares are after refunds, taken in their order."""
    left = shares_of(price)
    for refund in refunds:
        left = left - reversal(left, refund)
    return left
