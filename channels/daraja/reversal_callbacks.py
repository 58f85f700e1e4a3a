"""What Daraja tells of a payment that is taken back: pure readers, as in ``callbacks``.

The address names our attempt; the bodies hold no id of ours.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.daraja.results import reversal_outcome
from channels.daraja.wire import (
    PROVIDER,
    amount,
    child,
    code,
    identifier,
    items,
    moment,
    receipt,
    text,
)
from core.ports.money import NOT_TAKEN_BACK, MoneyEvent, Outcome

# Of a payment that stands as it was paid, as TransactionStatus words it.
STANDS = "completed"
GONE = "reversed"


def parse_reversal_result(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read the outcome of a reversal: ``Result`` with the reversal's own receipt.

    The payer is left out: the money goes to whoever paid, who may be hidden from us.

    Raises:
        BadCallback: no result, no result code, or a success whose amount is no amount.
    """
    told = child(body, "Result")
    said_code = code(told, "ResultCode")
    outcome, reason = reversal_outcome(said_code)
    succeeded = outcome is Outcome.SUCCEEDED
    found = items(told.get("ResultParameters"), "ResultParameter") if succeeded else {}
    return MoneyEvent(
        provider=PROVIDER,
        outcome=outcome,
        attempt_id=attempt_id,
        reference=identifier(told.get("ConversationID")),
        receipt=receipt(told.get("TransactionID")) if succeeded else None,
        amount=amount(found.get("Amount"), "Amount"),
        at=moment(found.get("TransCompletedTime")),
        reason=reason,
        code=said_code,
        text=text(told.get("ResultDesc")),
    )


def parse_reversal_status(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read what TransactionStatus says of the payment that was to be taken back.

    Reversed: it was, and the receipt of that is not told. Completed: it stands, with the code
    ``NOT_TAKEN_BACK``; that settles nothing, a request may be under way. Nothing else does.

    Raises:
        BadCallback: no result, no result code, or an amount that is none.
    """
    told = child(body, "Result")
    said_code = code(told, "ResultCode")
    answered = said_code == "0"
    found = items(told.get("ResultParameters"), "ResultParameter") if answered else {}
    state = text(found.get("TransactionStatus")).lower()
    return MoneyEvent(
        provider=PROVIDER,
        outcome=Outcome.SUCCEEDED if state == GONE else Outcome.UNKNOWN,
        attempt_id=attempt_id,
        amount=amount(found.get("Amount"), "Amount") if state == GONE else None,
        code=NOT_TAKEN_BACK if state == STANDS else state or said_code,
        text=text(told.get("ResultDesc")),
    )


def parse_reversal_timeout(attempt_id: UUID, body: Mapping[str, Any]) -> MoneyEvent:
    """Read that a request or a question expired in Daraja's queue; whatever the body is."""
    return MoneyEvent(
        provider=PROVIDER,
        outcome=Outcome.UNKNOWN,
        attempt_id=attempt_id,
        code="timeout",
        text=text(body.get("ResultDesc")),
    )
