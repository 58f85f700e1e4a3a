"""What Daraja's result codes mean (provider-facts §2.3, §2.7). The same number differs by API."""

from core.ports.money import Outcome, Reason

SUCCESS = "0"
STK_PENDING = "4999"

STK_REASONS = {
    "1": Reason.INSUFFICIENT,
    "2": Reason.LIMIT,
    "3": Reason.LIMIT,
    "4": Reason.LIMIT,
    # Our own account would pass its balance limit.
    "8": Reason.CONFIGURATION,
    # The same amount from the same number within two minutes.
    "17": Reason.BUSY,
    "26": Reason.BUSY,
    "1001": Reason.BUSY,
    "1019": Reason.EXPIRED,
    "1025": Reason.UNREACHABLE,
    "9999": Reason.UNREACHABLE,
    "1032": Reason.CANCELLED,
    "1037": Reason.UNREACHABLE,
    "1101": Reason.CONFIGURATION,
    "2001": Reason.WRONG_PIN,
    "2028": Reason.CONFIGURATION,
    "SFC_IC0003": Reason.CONFIGURATION,
    # The customer's PIN is locked after too many wrong ones.
    "8006": Reason.WRONG_PIN,
}

B2C_REASONS = {
    "1": Reason.NO_FLOAT,
    "2": Reason.LIMIT,
    "3": Reason.LIMIT,
    "4": Reason.LIMIT,
    "8": Reason.LIMIT,
    "11": Reason.CONFIGURATION,
    "18": Reason.CREDENTIALS,
    "20": Reason.CREDENTIALS,
    "21": Reason.CREDENTIALS,
    "24": Reason.CONFIGURATION,
    "25": Reason.CONFIGURATION,
    "29": Reason.CONFIGURATION,
    "2001": Reason.CREDENTIALS,
    "2006": Reason.CONFIGURATION,
    "2028": Reason.CONFIGURATION,
    "2040": Reason.BAD_RECIPIENT,
    "SFC_IC0003": Reason.BAD_RECIPIENT,
    "8006": Reason.CREDENTIALS,
}

# Duplicate, internal failure, traffic: it may have been paid, so it is asked, never failed.
B2C_UNSETTLED = frozenset({"15", "17", "26", *(str(100_000_000 + n) for n in range(12))})

# provider-facts §2.9. Only refused credentials say anything about other payments; whatever else is
# refused (no funds on the paybill, an operator without the role) is this payment's own.
REVERSAL_REASONS = {
    **dict.fromkeys(("1", "11", "21", "2006", "2028", "R000002"), Reason.OTHER),
    "2001": Reason.CREDENTIALS,
    "8006": Reason.CREDENTIALS,
}

# TransactionStatus speaks in words (provider-facts §2.8); compared in lower case.
STATUS_WORDS = {
    "completed": (Outcome.SUCCEEDED, None),
    "cancelled": (Outcome.FAILED, Reason.OTHER),
    "declined": (Outcome.FAILED, Reason.OTHER),
    "expired": (Outcome.FAILED, Reason.EXPIRED),
    "reversed": (Outcome.REVERSED, None),
    "initiated": (Outcome.PENDING, None),
    "authorized": (Outcome.PENDING, None),
    "pending authorized": (Outcome.PENDING, None),
}


def stk_outcome(code: str) -> tuple[Outcome, Reason | None]:
    """Return what an STK result code says; one that we do not know settles nothing."""
    if code == SUCCESS:
        return Outcome.SUCCEEDED, None
    if code == STK_PENDING:
        return Outcome.PENDING, None
    reason = STK_REASONS.get(code)
    return (Outcome.FAILED, reason) if reason else (Outcome.UNKNOWN, None)


def b2c_outcome(code: str) -> tuple[Outcome, Reason | None]:
    """Return what a B2C result code says; one that we do not know settles nothing."""
    if code == SUCCESS:
        return Outcome.SUCCEEDED, None
    if code in B2C_UNSETTLED:
        return Outcome.UNKNOWN, Reason.BUSY
    reason = B2C_REASONS.get(code)
    return (Outcome.FAILED, reason) if reason else (Outcome.UNKNOWN, None)


def reversal_outcome(code: str) -> tuple[Outcome, Reason | None]:
    """Return what a reversal's result code says; R000001 (reversed before) is asked about."""
    if code == SUCCESS:
        return Outcome.SUCCEEDED, None
    reason = REVERSAL_REASONS.get(code)
    return (Outcome.FAILED, reason) if reason else (Outcome.UNKNOWN, None)
