"""What a check is, and what it finds."""

from dataclasses import dataclass
from enum import StrEnum


class Invariant(StrEnum):
    """What a finding breaks, beside the ledger's own."""

    ESCROW = "I5"
    CAPTURED = "I6"
    UNITS = "I7"
    RECEIPTS = "I8"
    PAYOUTS = "I9"
    SHARES = "I10"
    LIFECYCLE = "I11"
    NUMBERS = "I12"
    NOTICES = "I13"
    FLOAT = "I14"
    AUDIT = "I15"
    RATINGS = "I16"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken place.

    Attributes:
        invariant: its name, ``I1`` to ``I16``.
        rule: what should hold, in a few words for whoever looks.
        subject: which row, account or day.
        expected: what should be there.
        actual: what is.
    """

    invariant: str
    rule: str
    subject: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that selects ``subject, expected, actual`` of what is broken."""

    invariant: Invariant
    rule: str
    statement: str
