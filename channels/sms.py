"""What an SMS route brings with it, so that adding one is a folder and a line in the registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.ports.messages import DeliveryReport, SmsIn, SmsSender
from core.ports.providers import Callback
from core.settings import Settings

# Ten joined segments; more than any handset sends.
SMS_TEXT_MAX = 2_000
# What routes call the sender and the words of a message from a person, and what says that it is a
# part of a long one.
SENDERS = ("from", "From")
TEXTS = ("text", "Body")
HEADERS = ("udh",)


class OpenSender(SmsSender, Protocol):
    """A sender with connections of its own."""

    def close(self) -> None:
        """Let go of the connections."""


@dataclass(frozen=True, slots=True)
class SmsCall:
    """A callback of a route as it came.

    Attributes:
        url: the whole address that was called, as the route knows it: some sign it.
        query: what stands after the question mark.
        headers: names in lower case.
    """

    url: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes


Accept = Callable[[Settings, SmsCall], Callback]
"""What to keep of a callback. Raises Forged, BadCallback."""
Read = Callable[[Mapping[str, object]], SmsIn | DeliveryReport]
"""What a kept callback says. Raises BadCallback."""


@dataclass(frozen=True, slots=True)
class SmsRoute:
    """One way for messages, out and in.

    Attributes:
        name: as stored with messages, in the settings, and in the addresses of its callbacks.
        open: makes its sender.
        method: how it calls back.
        accepts: the last part of a callback's address -> how to take it.
        reads: an inbox kind -> how to read it.
        noted: what a callback is answered with.
    """

    name: str
    open: Callable[[Settings], OpenSender]
    method: str = "POST"
    accepts: Mapping[str, Accept] = field(default_factory=dict)
    reads: Mapping[str, Read] = field(default_factory=dict)
    noted: str = "OK"
