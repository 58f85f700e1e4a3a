"""What Daraja tells us by calling back: pure readers of bodies, and the answers it expects.

Callbacks are unsigned. The address names the attempt and holds the secret; whether the amount and
the payer fit is for the core to judge. Bodies are read with ``load`` and stored after ``redact``.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.daraja.results import B2C_REASONS, STATUS_WORDS, b2c_outcome, stk_outcome
from channels.daraja.wire import (
    PROVIDER,
    amount,
    child,
    code,
    identifier,
    items,
    load,
    moment,
    payer,
    plain,
    receipt,
    redact,
    same_id,
    text,
)
from core.money import Money
from core.ports.money import MoneyEvent, Outcome
from core.ports.providers import BadCallback

ACCOUNT_MAX = 40
SHOWN_MAX = 64

ACKNOWLEDGED: Mapping[str, Any] = {"ResultCode": 0, "ResultDesc": "Accepted"}
"""Answer to every callback but validation: understood or not, errors make Daraja slow us down."""
C2B_ACCEPTED: Mapping[str, Any] = {"ResultCode": "0", "ResultDesc": "Accepted"}
C2B_BAD_ACCOUNT: Mapping[str, Any] = {"ResultCode": "C2B00012", "ResultDesc": "Rejected"}
C2B_BAD_AMOUNT: Mapping[str, Any] = {"ResultCode": "C2B00013", "ResultDesc": "Rejected"}

__all__ = [
    "ACKNOWLEDGED",
    "C2B_ACCEPTED",
    "C2B_BAD_ACCOUNT",
    "C2B_BAD_AMOUNT",
    "load",
    "parse_b2c_result",
    "parse_b2c_timeout",
    "parse_c2b",
    "parse_status_result",
    "parse_stk",
    "redact",
]


def parse_stk(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read the outcome of an STK push: ``Body.stkCallback`` with ``CallbackMetadata.Item``.

    The items come in any order, ``Balance`` often without a value, the number perhaps masked.

    Raises:
        BadCallback: no callback, no result code, no CheckoutRequestID, or a success whose amount
            is no amount.
    """
    told = child(child(body, "Body"), "stkCallback")
    said_code = code(told, "ResultCode")
    checkout_id = identifier(told.get("CheckoutRequestID"))
    if checkout_id is None:
        raise BadCallback(field="CheckoutRequestID")
    outcome, reason = stk_outcome(said_code)
    found = items(told.get("CallbackMetadata"), "Item") if outcome is Outcome.SUCCEEDED else {}
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=checkout_id,
        receipt=receipt(found.get("MpesaReceiptNumber")),
        amount=_positive(found.get("Amount"), "Amount"),
        payer=payer(found.get("PhoneNumber")),
        at=moment(found.get("TransactionDate")),
        reason=reason,
        code=said_code,
        text=text(told.get("ResultDesc")),
    )


def parse_b2c_result(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read the outcome of a payout: ``Result`` with ``ResultParameters.ResultParameter``.

    A result that names another OriginatorConversationID than ours settles nothing: UNKNOWN, to
    be asked. Failures carry a TransactionID too, but no receipt.

    Raises:
        BadCallback: no result, no result code, or a success whose amount is no amount.
    """
    told = child(body, "Result")
    said_code = code(told, "ResultCode")
    outcome, reason = b2c_outcome(said_code)
    if not same_id(told.get("OriginatorConversationID"), attempt_id):
        outcome, reason = Outcome.UNKNOWN, None
    succeeded = outcome is Outcome.SUCCEEDED
    found = items(told.get("ResultParameters"), "ResultParameter") if succeeded else {}
    named = found.get("TransactionReceipt") or told.get("TransactionID")
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=identifier(told.get("ConversationID")),
        receipt=receipt(named) if succeeded else None,
        amount=_positive(found.get("TransactionAmount"), "TransactionAmount"),
        payer=_number_of(found.get("ReceiverPartyPublicName")),
        at=moment(found.get("TransactionCompletedDateTime")),
        reason=reason,
        code=said_code,
        text=text(told.get("ResultDesc")),
    )


def parse_b2c_timeout(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read that a payout, or a question about one, expired in Daraja's queue: UNKNOWN.

    Production echoes our flat request (credential and all); the documents show a ``Result``.

    Raises:
        BadCallback: it is neither.
    """
    told = body.get("Result")
    if not isinstance(told, Mapping):
        told = body
    names = ("OriginatorConversationID", "OriginalConversationID", "ConversationID")
    if told is body and not any(identifier(body.get(name)) for name in names):
        raise BadCallback(field="OriginatorConversationID")
    return MoneyEvent(
        provider=PROVIDER,
        outcome=Outcome.UNKNOWN,
        attempt_id=attempt_id,
        reference=identifier(told.get("ConversationID")),
        code="timeout",
        text=text(told.get("ResultDesc")),
    )


def parse_status_result(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read what TransactionStatus says of a payout.

    The outer ``ResultCode`` is about the question; the payment's state is the inner
    ``TransactionStatus``. The outer TransactionID is a dummy. A question that failed, a state
    that we do not know, or another payment's state settles nothing.

    Raises:
        BadCallback: no result, no result code, or a completed payment whose amount is no amount.
    """
    told = child(body, "Result")
    said_code = code(told, "ResultCode")
    if said_code != "0":
        return MoneyEvent(
            provider=PROVIDER,
            outcome=Outcome.UNKNOWN,
            attempt_id=attempt_id,
            reason=B2C_REASONS.get(said_code),
            code=said_code,
            text=text(told.get("ResultDesc")),
        )
    found = items(told.get("ResultParameters"), "ResultParameter")
    state = text(found.get("TransactionStatus"))
    outcome, reason = STATUS_WORDS.get(state.lower(), (Outcome.UNKNOWN, None))
    if not same_id(found.get("OriginatorConversationID"), attempt_id):
        outcome, reason = Outcome.UNKNOWN, None
    succeeded = outcome is Outcome.SUCCEEDED
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=identifier(found.get("ConversationID")),
        receipt=receipt(found.get("ReceiptNo")) if succeeded else None,
        amount=_positive(found.get("Amount"), "Amount") if succeeded else None,
        payer=_number_of(found.get("CreditPartyName")) if succeeded else None,
        at=moment(found.get("FinalisedTime")) if succeeded else None,
        reason=reason,
        code=state or said_code,
        text=text(told.get("ResultDesc")),
    )


def parse_c2b(body: Mapping[str, Any], *, shortcode: str | None = None) -> MoneyEvent:
    """Read a payment by paybill, alike for validation (not yet moved) and confirmation (moved).

    ``account`` is what a person typed and stays as typed. The number is masked or hashed today.

    Args:
        body: the callback.
        shortcode: our paybill; a payment to another is refused.

    Raises:
        BadCallback: no receipt, no amount, or not our paybill.
    """
    if shortcode is not None and plain(body.get("BusinessShortCode")) != shortcode:
        raise BadCallback(field="BusinessShortCode")
    transaction = receipt(body.get("TransID"))
    if transaction is None:
        raise BadCallback(field="TransID")
    paid = _positive(body.get("TransAmount"), "TransAmount")
    if paid is None:
        raise BadCallback(field="TransAmount")
    paid_by = payer(body.get("MSISDN"))
    return MoneyEvent(
        provider=PROVIDER,
        outcome=Outcome.SUCCEEDED,
        receipt=transaction,
        amount=paid,
        payer=paid_by,
        payer_shown=text(body.get("MSISDN"))[:SHOWN_MAX] or None if paid_by is None else None,
        at=moment(body.get("TransTime")),
        account=text(body.get("BillRefNumber"))[:ACCOUNT_MAX],
        code=text(body.get("TransactionType")) or None,
    )


def _positive(value: object, name: str) -> Money | None:
    """An amount above zero; a reversal or a zero in its place is no payment."""
    paid = amount(value, name)
    if paid is not None and paid.cents <= 0:
        raise BadCallback(field=name)
    return paid


def _number_of(name: object) -> str | None:
    """The number in ``254700000001 - JANE VENDOR``."""
    return payer(name.partition(" - ")[0].strip()) if isinstance(name, str) else None
