"""What a USSD gateway brings with it, so that adding one is a folder and a line in the registry.

Aggregators and operators differ in how they call (a form, a query, JSON), in whether they repeat
all that was typed or only the last key, in how a conversation ends, and in how they are answered.
All of it ends here: what passes on is a turn or a part of one, and what comes back is a reply.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from core.ports.calls import Reply, SessionEnd, UssdPart, UssdTurn

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class UssdRequest:
    """One call of a gateway.

    Attributes:
        query: as it stands after the question mark.
        body: at most ``CALLBACK_BODY_MAX_BYTES``.
    """

    query: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class UssdAnswer:
    """What goes back with status 200.

    Attributes:
        headers: further ones, names in lower case.
    """

    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


Heard = UssdTurn | UssdPart | SessionEnd


@dataclass(frozen=True, slots=True)
class UssdGateway:
    """One way in which phones reach us.

    Attributes:
        name: in the gateway's address, and with every session.
        method: how it calls.
        read: what a call says. Raises BadCallback, with ``impossible`` among its data when the
            number is written like one but cannot be.
        show: how a screen goes back.
        noted: how the news that a conversation is over is answered.
    """

    name: str
    method: str
    read: Callable[[UssdRequest], Heard]
    show: Callable[[Reply], UssdAnswer]
    noted: UssdAnswer = UssdAnswer(b"")


def marked(reply: Reply) -> UssdAnswer:
    """Show a screen as most do: plain text that begins with CON, or with END for the last."""
    return UssdAnswer((("END " if reply.final else "CON ") + reply.text).encode())


def after_code(dialled: str, code: str) -> str | None:
    """Return what was dialled after a service code (``*384*7781#``); None when it is another.

    Gateways write the same dialled code with and without its star and hash.
    """
    digits, ours = dialled.strip("*# "), code.strip("*#")
    if digits == ours:
        return ""
    return digits.removeprefix(f"{ours}*") if digits.startswith(f"{ours}*") else None
