"""Which parts of a price a payment paid, and a refund took back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.money import Money, split
from core.pricing.rules import Price
from core.pricing.shares import Shares, left_after, reversal, shares_of


@dataclass(frozen=True, slots=True)
class Lines:
    """What a document's total is made of, in cents; of a document none is negative.

    Attributes:
        base_cents: the vendor's price.
        service_fee_cents: the customer's fee.
        vat_cents: the tax on them.
        rounding_cents: up to the whole shilling.
    """

    base_cents: int
    service_fee_cents: int
    vat_cents: int
    rounding_cents: int

    @property
    def total_cents(self) -> int:
        """All of it."""
        return sum(self.parts)

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """The lines in the order of their names above."""
        return (self.base_cents, self.service_fee_cents, self.vat_cents, self.rounding_cents)

    def plus(self, other: "Lines", sign: int = 1) -> "Lines":
        """Return these lines and others, or without them where the sign is -1."""
        pairs = zip(self.parts, other.parts, strict=True)
        return Lines(*(one + sign * another for one, another in pairs))


NOTHING = Lines(0, 0, 0, 0)


def lines_of(price: Price, before: Sequence[Money], amount: Money) -> Lines:
    """Return the parts of a payment or of a refund of a booking.

    They are taken in proportion from what those before it have left, as the ledger reverses them
    (``core.pricing.shares``); so the lines of payments that add up to the price add up to its
    parts, and what refunds leave has the VAT that the ledger posts.

    Args:
        price: the booking's.
        before: the payments, or the refunds, that came first, in order.
        amount: this one's.
    """
    due = [money for money in before if money.cents]
    if sum(money.cents for money in due) + amount.cents <= price.total.cents:
        return _lines(reversal(left_after(price, due), amount))
    # More than one price moved, because the booking was changed: in proportion to all of it.
    parts = split(amount.cents, [part.cents for part in shares_of(price).parts])
    return _lines(Shares(*(Money(part, amount.currency) for part in parts)))


def settling_lines(
    price: Price, gone: Sequence[Money], issued: Lines, amount: Money, sign: int
) -> Lines | None:
    """Return the lines of a document after which all of them say what the ledger will share out.

    That is the payment that completes a price or what is to come of it, also one that a change
    has raised; the refund after which a lowered price is what was paid; and each refund that
    leaves what the ledger keeps then. What was issued before may be of another price. As no line
    is negative, what another would be less than nothing stands with the base; the tax is exact.

    Args:
        price: the booking's.
        gone: what of it never came, and its refunds, in the order in which the ledger reverses.
        issued: what its receipts say, less its credit notes.
        amount: what came or went back.
        sign: 1 for what came, -1 for what went back.

    Returns:
        None where the document leads to nothing that the ledger knows.
    """
    then_cents = issued.total_cents + sign * amount.cents
    left = shares_of(price)
    for refund in gone:
        if left.total.cents <= then_cents or refund.cents > left.total.cents:
            break
        left = left - reversal(left, refund)
    if left.total.cents != then_cents:
        return None
    return _not_negative(NOTHING.plus(_lines(left).plus(issued, -1), sign))


def _not_negative(lines: Lines) -> Lines | None:
    """Move what is less than nothing to the base; None when that or the tax would be."""
    fee_cents, rounding_cents = lines.service_fee_cents, lines.rounding_cents
    short_cents = min(fee_cents, 0) + min(rounding_cents, 0)
    moved = replace(
        lines,
        base_cents=lines.base_cents + short_cents,
        service_fee_cents=max(fee_cents, 0),
        rounding_cents=max(rounding_cents, 0),
    )
    return moved if min(moved.parts) >= 0 else None


def _lines(shares: Shares) -> Lines:
    base = shares.vendor_net + shares.commission + shares.withholding
    return Lines(
        base_cents=base.cents,
        service_fee_cents=shares.service_fee.cents,
        vat_cents=shares.vat.cents,
        rounding_cents=shares.rounding.cents,
    )
