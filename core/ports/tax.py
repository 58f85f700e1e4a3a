"""What the tax authority is told, and how."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class TaxItem(StrEnum):
    """What is sold, as far as the tax authority is told."""

    SERVICE = "service"
    FEE = "fee"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One line of an invoice.

    Attributes:
        item: what was sold.
        net_cents: without the tax.
        vat_cents: the tax on it.
        basis_points: its rate; 0 for what the tax is not about.
    """

    item: TaxItem
    net_cents: int
    vat_cents: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class TaxDocument:
    """An invoice or a credit note as the tax authority is told of it. It names no customer.

    Attributes:
        number: ours, without gaps over both kinds; makes the document itself.
        label: the number that the customer's paper shows.
        original_number: of a credit note, the number of the invoice that it takes back.
        issued_at: when.
        lines: what it is made of.
        by_card: the money came, or went back, by card; else by mobile money.
    """

    number: int
    label: str
    original_number: int | None
    issued_at: datetime
    lines: tuple[TaxLine, ...]
    by_card: bool = False


@dataclass(frozen=True, slots=True)
class TaxRegistered:
    """The authority has it.

    Attributes:
        receipt_number: its own number; None when it only said that it has it already.
        signature: what proves it.
        internal_data: what its own checks need.
    """

    receipt_number: int | None = None
    signature: str | None = None
    internal_data: str | None = None


class TaxRegistrar(Protocol):
    """Tells the tax authority of invoices."""

    name: str

    def register(self, document: TaxDocument) -> TaxRegistered:
        """Have a document registered; the same number again registers nothing twice.

        Raises:
            ProviderError: ``refused`` when the document will not be taken as it is; any other
                code when it may be sent again later, which is safe. ``stop`` is set when nothing
                will be taken until a person acts (device, credentials, order).
        """
