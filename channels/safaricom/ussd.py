"""USSD straight from Safaricom: a query in, plain text that begins with CON or END out.

``ORIG`` is the caller, ``DEST`` the code, ``SESSION_ID`` the conversation and ``USSD_PARAMS``
everything typed so far. A part of the code may stand in the parameters instead (``DEST=384``,
``USSD_PARAMS=7781*1``), and the first call may come twice (channel-anchors §6.3). There is no
word when a conversation is over.
"""

from channels.form import ID_MAX, fields, phone, word
from channels.ussd import UssdGateway, UssdRequest, after_code, marked
from core.ports.calls import UssdTurn
from core.ports.providers import BadCallback
from core.settings import Settings

PROVIDER = "safaricom"
NETWORK = "63902"
TRANSCRIPT_MAX = 2_000


def gateway(settings: Settings) -> UssdGateway:
    """Return the gateway for our service code."""
    code = settings.ussd_code
    return UssdGateway(PROVIDER, "GET", lambda request: read(request, code), marked)


def read(request: UssdRequest, code: str) -> UssdTurn:
    """Read one hop.

    Raises:
        BadCallback: a field is missing or rubbish, or the code is not ours; its name is in
            ``data["field"]``.
    """
    found = fields(request.query)
    typed = found.get("USSD_PARAMS")
    if typed is None or len(typed) > TRANSCRIPT_MAX or "\x00" in typed:
        raise BadCallback(field="USSD_PARAMS")
    return UssdTurn(
        PROVIDER,
        word(found, "SESSION_ID", max_length=ID_MAX),
        phone(found, "ORIG"),
        code,
        _transcript(word(found, "DEST"), typed, code),
        NETWORK,
    )


def _transcript(dest: str, typed: str, code: str) -> str:
    """What was typed after our code, wherever the code stands."""
    whole = after_code(dest, code)
    if whole is None:
        # The code begins in DEST and ends in the parameters. What is typed may end in a star.
        head, tail = dest.strip("*#"), code.strip("*#")
        rest = tail.removeprefix(f"{head}*")
        if rest == tail or (typed != rest and not typed.startswith((f"{rest}*", f"{rest}#"))):
            raise BadCallback(field="DEST")
        return typed[len(rest) :].removeprefix("#").removeprefix("*")
    repeated = code.strip("*#")
    if typed == repeated or typed.startswith(f"{repeated}*"):
        typed = typed[len(repeated) :].removeprefix("*")
    return "*".join(part for part in (whole, typed) if part)
