"""A phone conversation, whoever brings it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UssdTurn:
    """One hop of a phone conversation.

    Attributes:
        provider: who brought it (``africastalking``).
        session_id: the provider's name of the conversation.
        msisdn: the caller, E.164.
        service_code: what was dialled.
        transcript: everything typed so far as the provider gives it, parts joined by ``*``.
        network: the provider's network code, empty when not told.
    """

    provider: str
    session_id: str
    msisdn: str
    service_code: str
    transcript: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class UssdPart:
    """One hop of a gateway that brings only what was typed last.

    Attributes:
        typed: what was typed; on the first hop what was dialled after the code, often nothing.
        begins: it is a session's first hop, by the gateway's word.
        number: the gateway's count of the session's hops from 1; None when it does not count,
            so that a repeated hop can only be told from the same key pressed again by its time.
    """

    provider: str
    session_id: str
    msisdn: str
    service_code: str
    typed: str
    begins: bool
    number: int | None = None
    network: str = ""

    def within(self, transcript: str) -> UssdTurn:
        """Return the hop as the end of everything that was typed."""
        return UssdTurn(
            self.provider,
            self.session_id,
            self.msisdn,
            self.service_code,
            transcript,
            self.network,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What one turn shows: GSM-7 text, and whether the conversation is over."""

    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A provider's word that a conversation is over.

    Attributes:
        status: the provider's own word (``Success``, ``Failed``, ``Incomplete`` ...).
        hops: how many screens were asked of us.
        cost_cents: what the conversation cost us, in Kenyan cents.
        duration_ms: how long it lasted.
        error: why the provider ended it, when it did.
    """

    provider: str
    session_id: str
    msisdn: str
    status: str
    hops: int | None = None
    cost_cents: int | None = None
    service_code: str = ""
    network: str = ""
    duration_ms: int | None = None
    error: str = ""
