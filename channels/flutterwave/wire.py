"""How Flutterwave writes charges and transfers, and what their states mean to us.

The same states are lower case on charges and upper case on transfers (provider-facts §3), and
some change with the age of the account; they are compared in lower case.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from channels.values import amount, identifier, plain, text
from core.money import KES, Money
from core.msisdn import parse_msisdn
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import BadCallback, ProviderError

PROVIDER = "flutterwave"
# The "bank" of M-Pesa wallets.
WALLETS = "MPS"
# How a charge says that it is a card's: what its customer's number is proves nothing then.
CARD = "card"

_NUMBER = re.compile(r"(?:\+?254|0)[17][0-9]{8}")

STATES = {
    "successful": Outcome.SUCCEEDED,
    "failed": Outcome.FAILED,
    "pending": Outcome.PENDING,
    "success-pending-validation": Outcome.PENDING,
    "new": Outcome.PENDING,
}
# A bank that returns a transfer does so after it was called successful.
TRANSFER_STATES = {**STATES, "reversed": Outcome.REVERSED}

REFUND_STATES = {
    "completed": Outcome.SUCCEEDED,
    "failed": Outcome.FAILED,
    "cancelled": Outcome.FAILED,
    "new": Outcome.PENDING,
    "pending": Outcome.PENDING,
}

CHARGE_REASONS = (
    ("insufficient", Reason.INSUFFICIENT),
    ("cancelled", Reason.CANCELLED),
    ("canceled", Reason.CANCELLED),
    ("pin", Reason.WRONG_PIN),
    ("unreachable", Reason.UNREACHABLE),
    ("cannot be reached", Reason.UNREACHABLE),
    ("timed out", Reason.EXPIRED),
    ("timeout", Reason.EXPIRED),
    ("expired", Reason.EXPIRED),
    ("limit", Reason.LIMIT),
)
"""Phrases of ``processor_response``, which is M-Pesa's own sentence, read top down."""

TRANSFER_REASONS = (
    ("insufficient", Reason.NO_FLOAT),
    ("limit", Reason.LIMIT),
    ("beneficiary_name", Reason.CONFIGURATION),
    ("not permitted", Reason.CONFIGURATION),
    ("account", Reason.BAD_RECIPIENT),
    ("recipient", Reason.BAD_RECIPIENT),
    ("not registered", Reason.BAD_RECIPIENT),
)
"""Phrases of ``complete_message``, read top down."""


def charge_event(data: object, attempt_id: UUID) -> MoneyEvent:
    """Read what the provider answers about a charge that should be this attempt's.

    A charge under another reference or in another currency settles nothing.

    Raises:
        ProviderError: ``bad_answer``, it cannot be read.
    """
    told = _told(data)
    sentence = text(told.get("processor_response"))
    return _event(
        told,
        attempt_id,
        own_reference=told.get("tx_ref"),
        sentence=sentence,
        reason=_reason(sentence, CHARGE_REASONS),
        receipt=identifier(told.get("flw_ref")),
        number="" if plain(told.get("payment_type")) == CARD else _customer_number(told),
        fees=(told.get("app_fee"), told.get("merchant_fee")),
    )


def transfer_event(data: object, attempt_id: UUID) -> MoneyEvent:
    """Read what the provider answers about a transfer that should be this attempt's.

    Raises:
        ProviderError: ``bad_answer``, it cannot be read.
    """
    told = _told(data)
    sentence = text(told.get("complete_message"))
    to_wallet = plain(told.get("bank_code")).upper() == WALLETS
    return _event(
        told,
        attempt_id,
        own_reference=told.get("reference"),
        sentence=sentence,
        reason=_reason(sentence, TRANSFER_REASONS),
        receipt=None,
        number=plain(told.get("account_number")) if to_wallet else "",
        fees=(told.get("fee"),),
        states=TRANSFER_STATES,
    )


def refund_event(data: object, attempt_id: UUID) -> MoneyEvent:
    """Read what the provider answers about a refund to a card.

    ``completed`` comes with a tail in some accounts (``completed-mpgs``); it means that the
    provider has sent it, not that the bank shows it.

    Raises:
        ProviderError: ``bad_answer``, it cannot be read.
    """
    told = _told(data)
    word = plain(told.get("status")).strip().lower()
    outcome = REFUND_STATES.get(word.split("-")[0], Outcome.UNKNOWN)
    succeeded, number = outcome is Outcome.SUCCEEDED, plain(told.get("id"))
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=number or None,
        receipt=(identifier(told.get("flw_ref")) or f"refund:{number}") if succeeded else None,
        amount=_paid(told, "amount_refunded") if succeeded else None,
        reason=Reason.OTHER if outcome is Outcome.FAILED else None,
        code=word or None,
        at=_moment(told.get("created_at")),
    )


def state_of(told: Mapping[str, Any], states: Mapping[str, Outcome] = STATES) -> Outcome:
    """Return what the state of a charge or a transfer says; an unknown word settles nothing."""
    return states.get(plain(told.get("status")).strip().lower(), Outcome.UNKNOWN)


def number_id(data: object) -> str:
    """Return the provider's id of what it took.

    Raises:
        ProviderError: ``bad_answer`` and unknown, it named none.
    """
    written = plain(data.get("id")) if isinstance(data, Mapping) else ""
    if not written.isdigit():
        raise ProviderError("bad_answer", unknown=True, detail="no id")
    return written


def _told(data: object) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ProviderError("bad_answer", retryable=True, detail="no data")
    return data


def _event(
    told: Mapping[str, Any],
    attempt_id: UUID,
    *,
    own_reference: object,
    sentence: str,
    reason: Reason,
    receipt: str | None,
    number: str,
    fees: tuple[object, ...],
    states: Mapping[str, Outcome] = STATES,
) -> MoneyEvent:
    outcome, code = state_of(told, states), plain(told.get("status")).strip()
    if plain(own_reference) != str(attempt_id):
        outcome, code = Outcome.UNKNOWN, "other_reference"
    elif plain(told.get("currency")) != KES:
        outcome, code = Outcome.UNKNOWN, "other_currency"
    succeeded = outcome is Outcome.SUCCEEDED
    written_id = plain(told.get("id"))
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=written_id or None,
        receipt=(receipt or written_id or None) if succeeded else None,
        amount=_paid(told) if succeeded else None,
        payer=_payer(number) if succeeded else None,
        reason=reason if outcome is Outcome.FAILED else None,
        code=code or None,
        text=sentence,
        at=_moment(told.get("created_at")),
        fee=_fee(fees) if succeeded else None,
    )


def _paid(told: Mapping[str, Any], name: str = "amount") -> Money:
    """The amount in shillings, exactly; a success without one is no answer."""
    try:
        paid = amount(told.get(name), name)
    except BadCallback as error:
        raise ProviderError("bad_answer", retryable=True, detail="no amount") from error
    if paid is None or paid.cents <= 0:
        raise ProviderError("bad_answer", retryable=True, detail="no amount")
    return paid


def _fee(values: tuple[object, ...]) -> Money | None:
    """What was taken from us; one that cannot be read is left to reconciliation."""
    try:
        parts = [amount(value, "fee") for value in values]
    except BadCallback:
        return None
    cents = [part.cents for part in parts if part is not None]
    return Money(sum(cents)) if cents and min(cents) >= 0 else None


def _payer(number: str) -> str | None:
    """A number in E.164; None when it is masked, absent or foreign."""
    return parse_msisdn(number) if _NUMBER.fullmatch(number) else None


def _customer_number(told: Mapping[str, Any]) -> str:
    customer = told.get("customer")
    return plain(customer.get("phone_number")) if isinstance(customer, Mapping) else ""


def _reason(sentence: str, phrases: tuple[tuple[str, Reason], ...]) -> Reason:
    lower = sentence.lower()
    return next((reason for phrase, reason in phrases if phrase in lower), Reason.OTHER)


def _moment(value: object) -> datetime | None:
    """An ISO time, in UTC where it says nothing; None when it is none: nothing hangs on it."""
    try:
        read = datetime.fromisoformat(plain(value))
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
