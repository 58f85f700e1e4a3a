"""The life of a ticket as a table. Pure."""

from enum import StrEnum

from core.lifecycle import Lifecycle


class TicketState(StrEnum):
    """Whose turn it is."""

    OPEN = "open"
    """Ours: somebody waits for an answer."""
    ANSWERED = "answered"
    CLOSED = "closed"


class TicketEvent(StrEnum):
    """What can happen to a ticket."""

    WRITE = "write"
    ANSWER = "answer"
    CLOSE = "close"


TABLE = (
    (TicketEvent.WRITE, TicketState.OPEN, TicketState.OPEN),
    (TicketEvent.WRITE, TicketState.ANSWERED, TicketState.OPEN),
    (TicketEvent.ANSWER, TicketState.OPEN, TicketState.ANSWERED),
    (TicketEvent.ANSWER, TicketState.ANSWERED, TicketState.ANSWERED),
    (TicketEvent.CLOSE, TicketState.OPEN, TicketState.CLOSED),
    (TicketEvent.CLOSE, TicketState.ANSWERED, TicketState.CLOSED),
)

LIFECYCLE = Lifecycle(TicketState, TABLE)

LIVE = (TicketState.OPEN, TicketState.ANSWERED)
