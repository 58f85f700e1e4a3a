"""From the address and the body of a callback to what the inbox keeps of it.

Addresses are ours (``DarajaConfig.callback_url``): the service, our attempt, and which of its
callbacks it is.
"""

from uuid import UUID

from channels.daraja.callbacks import load, redact
from channels.daraja.wire import PROVIDER, identifier
from core.ports.providers import Callback

MONEY = {
    ("stk", ""): "stk",
    ("b2c", "result"): "b2c_result",
    ("b2c", "timeout"): "b2c_timeout",
    ("status", "result"): "status_result",
    ("status", "timeout"): "status_timeout",
    ("reversal", "result"): "reversal_result",
    ("reversal", "status"): "reversal_status",
    ("reversal", "timeout"): "reversal_timeout",
    ("balance", "result"): "balance_result",
    ("balance", "timeout"): "balance_timeout",
}
"""Callbacks about one attempt or one question: the parts of the address, and what the inbox calls
it."""
CONFIRMATION = "c2b_confirmation"
# A confirmation without its id still tells of money: it is kept under this name.
NAMELESS = "nameless"


def take_money(kind: str, attempt_id: UUID, body: bytes) -> Callback:
    """Return a callback about an attempt, of one of the kinds in ``MONEY``; raises BadCallback."""
    payload = {"attempt_id": str(attempt_id), "body": redact(load(body))}
    return Callback(PROVIDER, kind, str(attempt_id), payload)


def take_confirmation(body: bytes) -> Callback:
    """Return the confirmation of a payment by hand; raises BadCallback."""
    told = load(body)
    reference = identifier(told.get("TransID")) or NAMELESS
    return Callback(PROVIDER, CONFIRMATION, reference, {"attempt_id": None, "body": redact(told)})
