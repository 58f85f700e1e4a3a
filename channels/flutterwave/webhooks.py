"""What Flutterwave tells us by calling back: that it is time to look, and no more than that.

``verif-hash`` is a fixed word that protects neither body nor replay, so nothing of a webhook is
believed; the attempt that it names is asked about (provider-facts §3.2).
"""

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.flutterwave.wire import PROVIDER, STATES, TRANSFER_STATES, state_of
from channels.money import Forged, Hint
from channels.values import ID_MAX, load, plain, redact
from core.ports.money import Outcome
from core.ports.providers import BadCallback, Callback
from core.settings import Settings

HASH_HEADER = "verif-hash"
CHARGE, TRANSFER, OTHER = "charge", "transfer", "other"
# Failed ones come under the same names (provider-facts §3.2, §3.3).
KINDS = {"charge.completed": CHARGE, "transfer.completed": TRANSFER}


def accept(settings: Settings, headers: Mapping[str, str], body: bytes) -> Callback:
    """Take a webhook: the same one again is known by its id, event and state.

    Args:
        settings: hold the secret hash.
        headers: names in lower case.
        body: as it came.

    Raises:
        Forged: the hash is missing or wrong.
        BadCallback: no event with data and an id.
    """
    given = headers.get(HASH_HEADER, "").encode()
    secret = settings.flutterwave_secret_hash.get_secret_value().encode()
    if not secret or not hmac.compare_digest(given, secret):
        raise Forged
    told = load(body)
    event, data = plain(told.get("event")), _data(told)
    named = plain(data.get("id"))
    if not 0 < len(event) <= ID_MAX:
        raise BadCallback(field="event")
    if not named:
        raise BadCallback(field="id")
    reference = f"{named} {event} {plain(data.get('status'))}"[: 2 * ID_MAX]
    kind = KINDS.get(event, OTHER)
    return Callback(PROVIDER, kind, reference, {"body": redact(told)}, once=True)


def charge_hint(payload: Mapping[str, object]) -> Hint | None:
    """Read which collection a kept webhook is about; None when nothing is decided yet."""
    return _hint(payload, "tx_ref", collects=True)


def transfer_hint(payload: Mapping[str, object]) -> Hint | None:
    """Read which payout or return a kept webhook is about; None when nothing is decided yet."""
    return _hint(payload, "reference", collects=False)


def no_hint(_payload: Mapping[str, object]) -> None:
    """An event that changes nothing here: kept, and that is all."""


def _hint(payload: Mapping[str, object], name: str, *, collects: bool) -> Hint | None:
    body = payload.get("body")
    if not isinstance(body, Mapping):
        raise BadCallback(field="body")
    data = _data(body)
    try:
        attempt_id = UUID(plain(data.get(name)))
    except ValueError:
        raise BadCallback(field=name) from None
    state = state_of(data, STATES if collects else TRANSFER_STATES)
    if state is Outcome.PENDING:
        return None
    return Hint(attempt_id, collects, came_back=state is Outcome.REVERSED)


def _data(told: Mapping[str, Any]) -> Mapping[str, Any]:
    data = told.get("data")
    if not isinstance(data, Mapping):
        raise BadCallback(field="data")
    return data
