"""What a booking costs, who gets which part of it: pure arithmetic in whole cents (DESIGN §6)."""

from dataclasses import dataclass
from enum import StrEnum

from core.money import BASIS_POINTS, Money


class RateName(StrEnum):
    """Which rate; the names of the fields of ``Rates``."""

    SERVICE_FEE = "service_fee"
    COMMISSION = "commission"
    VAT = "vat"
    WITHHOLDING = "withholding"


class RateBase(StrEnum):
    """What a tax is of; courts have changed their mind about it, so it is dated with the rate."""

    PRICE_AND_FEE = "price_and_fee"
    """Of VAT: all that the customer pays for, as for whoever sells it in their own name."""
    FEE = "fee"
    """Of VAT: our fee alone, as for whoever only brings two together."""
    PRICE = "price"
    """Of withholding: the vendor's price."""
    AFTER_COMMISSION = "after_commission"
    """Of withholding: the vendor's price without our commission."""


VAT_BASES = (RateBase.PRICE_AND_FEE, RateBase.FEE)
WITHHOLDING_BASES = (RateBase.PRICE, RateBase.AFTER_COMMISSION)
BASES = {RateName.VAT: VAT_BASES, RateName.WITHHOLDING: WITHHOLDING_BASES}


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one day and category, in basis points (1600 is 16 %).

    Attributes:
        service_fee: of the base, paid by the customer on top.
        commission: of the base, kept from the vendor.
        vat: of base and service fee together, or as ``vat_base`` says.
        withholding: of the base, or as ``withholding_base`` says, kept from the vendor for the
            tax authority.
    """

    service_fee: int
    commission: int
    vat: int
    withholding: int
    vat_base: RateBase = RateBase.PRICE_AND_FEE
    withholding_base: RateBase = RateBase.PRICE

    def __post_init__(self) -> None:
        for name in ("service_fee", "commission", "vat", "withholding"):
            if not 0 <= getattr(self, name) <= BASIS_POINTS:
                raise ValueError(f"{name} is outside 0 to {BASIS_POINTS} basis points")
        if self.vat_base not in VAT_BASES or self.withholding_base not in WITHHOLDING_BASES:
            raise ValueError("a tax is of something that it cannot be of")
        # At exactly all of it two halves could both be rounded up to more than there is.
        if self.commission + self.withholding >= BASIS_POINTS:
            raise ValueError("commission and withholding leave nothing for the vendor")


@dataclass(frozen=True, slots=True)
class Price:
    """A price and its parts; all of one currency, none negative.

    Both sums are exact: ``base + service_fee + vat + rounding = total`` and
    ``commission + withholding + vendor_net = base``.

    Attributes:
        base: the vendor's price.
        service_fee: the customer's fee.
        vat: tax on base and fee.
        rounding: less than a shilling, so that the total is whole shillings.
        total: what the customer pays.
        commission: kept from the vendor for us.
        withholding: kept from the vendor for the tax authority.
        vendor_net: what the vendor gets.
    """

    base: Money
    service_fee: Money
    vat: Money
    rounding: Money
    total: Money
    commission: Money
    withholding: Money
    vendor_net: Money


def quote(base: Money, rates: Rates) -> Price:
    """Return the price of a base at some rates.

    Each part is rounded half-up to the cent; the total is raised to the next whole shilling, as
    M-Pesa moves no cents, and what that adds is a part of its own.

    Raises:
        ValueError: the base is negative.
    """
    if base.cents < 0:
        raise ValueError("a price is not negative")
    service_fee = base.share(rates.service_fee)
    taxed = service_fee if rates.vat_base is RateBase.FEE else base + service_fee
    vat = taxed.share(rates.vat)
    exact = base + service_fee + vat
    total = exact.up_to_shilling()
    commission = base.share(rates.commission)
    after = rates.withholding_base is RateBase.AFTER_COMMISSION
    withholding = (base - commission if after else base).share(rates.withholding)
    return Price(
        base=base,
        service_fee=service_fee,
        vat=vat,
        rounding=total - exact,
        total=total,
        commission=commission,
        withholding=withholding,
        vendor_net=base - commission - withholding,
    )
