"""The chart of accounts: which kinds there are, which side they grow on, how a path is written.

A path is ``kind:name`` (``escrow:K7P4Q``). The database knows the same kinds (migration 0003); a
test keeps both in step.
"""

from enum import StrEnum


class Side(StrEnum):
    """The side on which a kind of account grows."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountKind(StrEnum):
    """What an account stands for; the part of its path before the colon."""

    FLOAT = "float"
    ESCROW = "escrow"
    PAYABLE = "payable"
    REVENUE = "revenue"
    TAX = "tax"
    SUSPENSE = "suspense"
    EXPENSE = "expense"


NORMAL_SIDE = {
    AccountKind.FLOAT: Side.DEBIT,
    AccountKind.ESCROW: Side.CREDIT,
    AccountKind.PAYABLE: Side.CREDIT,
    AccountKind.REVENUE: Side.CREDIT,
    AccountKind.TAX: Side.CREDIT,
    AccountKind.SUSPENSE: Side.CREDIT,
    AccountKind.EXPENSE: Side.DEBIT,
}

# What we owe to one booking or one vendor is never less than nothing, so these balances are
# written under the account's lock with every posting. All other accounts are shared by everyone;
# waiting for their one row would make each commit wait for the last, so their balances follow.
LIMITED = frozenset({AccountKind.ESCROW, AccountKind.PAYABLE})

SERVICE_FEE = "revenue:service_fee"
COMMISSION = "revenue:commission"
ROUNDING = "revenue:rounding"
VAT = "tax:vat"
WITHHOLDING = "tax:withholding"
PROVIDER_FEES = "expense:provider_fees"


def float_of(provider: str) -> str:
    """Return the account of the money that lies with a provider."""
    return f"{AccountKind.FLOAT}:{provider}"


def escrow(code: str) -> str:
    """Return the account of what is held for a booking."""
    return f"{AccountKind.ESCROW}:{code}"


def payable(vendor_number: int) -> str:
    """Return the account of what a vendor has earned and not yet been paid."""
    return f"{AccountKind.PAYABLE}:{vendor_number}"


def suspense(provider: str) -> str:
    """Return the account of a provider's money that belongs to nobody we know."""
    return f"{AccountKind.SUSPENSE}:{provider}"


def kind_of(path: str) -> AccountKind:
    """Return the kind of an account; raises ValueError when its path names none."""
    return AccountKind(path.partition(":")[0])


def sign_of(kind: AccountKind) -> int:
    """Return 1 for a kind that grows by debits and -1 for one that grows by credits."""
    return 1 if NORMAL_SIDE[kind] is Side.DEBIT else -1
