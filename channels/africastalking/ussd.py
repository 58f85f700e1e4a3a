"""USSD of Africa's Talking: form-encoded in, plain text that begins with CON or END out.

Callback: POST of ``sessionId phoneNumber networkCode serviceCode text``. ``text`` repeats all
that was typed so far, joined by ``*``, and is empty at first unless more was dialled. The answer
is 200 ``text/plain``; any other status or beginning ends the conversation.
"""

from channels.africastalking.form import PROVIDER, cost_cents
from channels.form import ID_MAX, fields, optional_number, optional_word, phone, word
from channels.ussd import UssdGateway, marked
from core.ports.calls import SessionEnd, UssdTurn
from core.ports.providers import BadCallback
from core.settings import Settings

TRANSCRIPT_MAX = 2_000
NETWORK_MAX = 16


def parse_hop(body: bytes) -> UssdTurn:
    """Read one hop.

    ``networkCode`` may be absent. ``text`` is whatever people type and is only bounded.

    Raises:
        BadCallback: a field is missing, doubled, not UTF-8 or out of bounds; its name is in
            ``data["field"]``.
    """
    found = fields(body)
    transcript = found.get("text")
    if transcript is None or len(transcript) > TRANSCRIPT_MAX or "\x00" in transcript:
        raise BadCallback(field="text")
    return UssdTurn(
        PROVIDER,
        word(found, "sessionId", max_length=ID_MAX),
        phone(found, "phoneNumber"),
        word(found, "serviceCode"),
        transcript,
        optional_word(found, "networkCode", max_length=NETWORK_MAX),
    )


def gateway(_settings: Settings) -> UssdGateway:
    """Return the gateway; it has served our code and all others that it is called with."""
    return UssdGateway(PROVIDER, "POST", lambda request: parse_hop(request.body), marked)


def parse_event(body: bytes) -> SessionEnd:
    """Read the event that a conversation is over.

    Fields: ``date sessionId serviceCode networkCode phoneNumber status cost durationInMillis
    hopsCount input lastAppResponse errorMessage``. ``input`` and ``lastAppResponse`` are what the
    person typed and read: they stay out. ``status`` is Success, Failed, Incomplete or a word to
    come.

    Raises:
        BadCallback: the session, the number or the status is missing or rubbish.
    """
    found = fields(body)
    return SessionEnd(
        provider=PROVIDER,
        session_id=word(found, "sessionId", max_length=ID_MAX),
        msisdn=phone(found, "phoneNumber"),
        status=word(found, "status"),
        hops=optional_number(found, "hopsCount"),
        cost_cents=cost_cents(found.get("cost", "")),
        service_code=optional_word(found, "serviceCode"),
        network=optional_word(found, "networkCode", max_length=NETWORK_MAX),
        duration_ms=optional_number(found, "durationInMillis"),
        error=_error(found.get("errorMessage", "")),
    )


def _error(text: str) -> str:
    # A sentence for a log line; a long one is no reason to lose the event.
    return "".join(character for character in text[:ID_MAX] if character.isprintable())
