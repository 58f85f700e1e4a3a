"""USSD straight from Airtel (Comviva's HTTP pull): only the last key, hops not counted.

A query of ``SessionID MSISDN MSC input``; the first ``input`` is what was dialled without its
star and hash. The answer is plain text whose header ``Freeflow`` says FC to go on or FB for the
last screen. When a conversation is cut off, a call with ``clean`` and ``error`` tells of it.
``userid`` and ``password`` come along when they were agreed (channel-anchors §6.3).
"""

import hmac

from channels.form import ID_MAX, fields, optional_word, phone, word
from channels.ussd import TEXT, Heard, UssdAnswer, UssdGateway, UssdRequest, after_code
from core.ports.calls import Reply, SessionEnd, UssdPart
from core.ports.providers import BadCallback
from core.settings import Settings

PROVIDER = "airtel"
NETWORK = "63903"
TYPED_MAX = 200
# Charging for a screen is agreed by contract; we never do.
_FREE = ((b"charge", b"N"), (b"amount", b"0"))


def gateway(settings: Settings) -> UssdGateway:
    """Return the gateway for our service code, and for the password when there is one."""
    code = settings.ussd_code
    user, password = settings.airtel_userid, settings.airtel_password.get_secret_value()
    return UssdGateway(
        PROVIDER, "GET", lambda request: read(request, code, user=user, password=password), show
    )


def read(request: UssdRequest, code: str, *, user: str = "", password: str = "") -> Heard:
    """Read one hop, or the end of a conversation.

    Raises:
        BadCallback: a field is missing or rubbish, or the password is not the agreed one; its
            name is in ``data["field"]``.
    """
    found = fields(request.query)
    for name, agreed in (("userid", user), ("password", password)):
        if agreed and not hmac.compare_digest(found.get(name, "").encode(), agreed.encode()):
            raise BadCallback(field=name)
    session = word(found, "SessionID", max_length=ID_MAX)
    if "clean" in found:
        error = optional_word(found, "error", max_length=ID_MAX)
        msisdn = phone(found, "msisdn")
        return SessionEnd(PROVIDER, session, msisdn, "cleaned", network=NETWORK, error=error)
    typed = found.get("input")
    if typed is None or len(typed) > TYPED_MAX or "\x00" in typed:
        raise BadCallback(field="input")
    dialled = after_code(typed, code)
    begins = dialled is not None
    return UssdPart(
        PROVIDER,
        session,
        phone(found, "MSISDN"),
        code,
        typed if dialled is None else dialled,
        begins,
        None,
        NETWORK,
    )


def show(reply: Reply) -> UssdAnswer:
    """Return the screen; the header says whether the conversation goes on."""
    flow = b"FB" if reply.final else b"FC"
    return UssdAnswer(reply.text.encode(), TEXT, ((b"freeflow", flow), *_FREE))
