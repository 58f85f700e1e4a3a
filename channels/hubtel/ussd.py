"""USSD of Hubtel's shape: JSON in and out, only the last key, each hop numbered.

Request: ``Mobile SessionId ServiceCode Type Message Operator Sequence ClientState``. ``Type`` is
Initiation (``Message`` is what was dialled), Response (what was typed), or Release and Timeout
when the conversation is over. ``Sequence`` counts from 1; a repeated hop carries the same number.
The answer is ``{"Type": "Response" | "Release", "Message": ...}`` (channel-anchors §6.3).
"""

import json
from collections.abc import Mapping
from typing import Any

from channels.form import ID_MAX, phone, word
from channels.ussd import JSON, Heard, UssdAnswer, UssdGateway, UssdRequest, after_code
from channels.values import load, plain
from core.networks import NETWORKS
from core.ports.calls import Reply, SessionEnd, UssdPart
from core.ports.providers import BadCallback
from core.settings import Settings

PROVIDER = "hubtel"
TYPED_MAX = 200
HOPS_MAX = 200
SEQUENCE_DIGITS = 3
BEGINS, GOES_ON = "initiation", "response"
# Words for an end: by the person or the network, and by the network's clock.
ENDS = frozenset({"release", "timeout"})
CODES = {network.name.lower(): network.code for network in NETWORKS.values()}
NOTED = UssdAnswer(b"{}", JSON)


def gateway(settings: Settings) -> UssdGateway:
    """Return the gateway for our service code."""
    code = settings.ussd_code
    return UssdGateway(PROVIDER, "POST", lambda request: read(request, code), show, NOTED)


def read(request: UssdRequest, code: str) -> Heard:
    """Read one hop, or the end of a conversation.

    Raises:
        BadCallback: a field is missing or rubbish; its name is in ``data["field"]``.
    """
    said = load(request.body)
    fields = {
        name: plain(said.get(name))
        for name in ("Mobile", "SessionId", "ServiceCode", "Type", "Message", "Operator")
    }
    session, msisdn = word(fields, "SessionId", max_length=ID_MAX), phone(fields, "Mobile")
    kind, operator = fields["Type"].lower(), fields["Operator"].lower()
    network = CODES.get(operator, "")
    number = _number(said)
    if kind in ENDS:
        return SessionEnd(PROVIDER, session, msisdn, kind, hops=number, network=network)
    if kind not in (BEGINS, GOES_ON):
        raise BadCallback(field="Type")
    message = fields["Message"]
    if len(message) > TYPED_MAX or "\x00" in message:
        raise BadCallback(field="Message")
    begins = kind == BEGINS
    if begins:
        dialled = after_code(message, code)
        if dialled is None:
            raise BadCallback(field="Message")
        message = dialled
    return UssdPart(PROVIDER, session, msisdn, code, message, begins, number, network)


def show(reply: Reply) -> UssdAnswer:
    """Return the JSON that shows a screen."""
    said = {"Type": "Release" if reply.final else "Response", "Message": reply.text}
    return UssdAnswer(json.dumps(said).encode(), JSON)


def _number(said: Mapping[str, Any]) -> int | None:
    written = plain(said.get("Sequence"))
    if not written:
        return None
    short = written.isascii() and written.isdigit() and len(written) <= SEQUENCE_DIGITS
    if not (short and 1 <= int(written) <= HOPS_MAX):
        raise BadCallback(field="Sequence")
    return int(written)
