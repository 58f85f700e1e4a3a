"""What of a callback may be written down: a message never with a PIN that was sent by mistake."""

from dataclasses import replace

from channels.sms import SENDERS, TEXTS
from core.db.tx import Tx
from core.errors import BadInput
from core.msisdn import parse_msisdn
from core.ports.providers import Callback
from sessions.pins import hide

MESSAGE = "sms"


def without_pin(tx: Tx, callback: Callback) -> Callback:
    """Return a callback as it may be stored: of people's messages, without a PIN.

    A part of a message is left as it is, as a PIN may be cut in two: the inbox seals it, and who
    joins the parts looks at the whole (``workers/long_messages.py``).
    """
    if callback.kind != MESSAGE or callback.part_of:
        return callback
    payload = dict(callback.payload)
    sender = next((payload[name] for name in SENDERS if name in payload), "")
    for name in TEXTS:
        if isinstance(payload.get(name), str):
            payload[name] = hide(tx, _number(str(sender)), payload[name])
    return replace(callback, payload=payload)


def _number(sender: str) -> str | None:
    try:
        return parse_msisdn(sender)
    except BadInput:
        return None
