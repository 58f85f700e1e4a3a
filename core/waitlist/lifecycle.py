"""A place in the line for a full day, as a table. Pure."""

from enum import StrEnum

from core.lifecycle import Lifecycle


class WaitState(StrEnum):
    """Where somebody in the line stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    """Units are free and this person was told first; nothing is claimed for them."""
    TAKEN = "taken"
    LAPSED = "lapsed"
    """They did not answer in time, or the day came too near."""
    LEFT = "left"
    """They left, asked for no more offers, or booked something else for that day."""


class WaitEvent(StrEnum):
    """What can happen to a place in the line."""

    OFFER = "offer"
    TAKE = "take"
    MISS = "miss"
    """They said yes, but somebody else had booked it meanwhile: they wait on, as the first."""
    LAPSE = "lapse"
    LEAVE = "leave"


TABLE = (
    (WaitEvent.OFFER, WaitState.WAITING, WaitState.OFFERED),
    (WaitEvent.TAKE, WaitState.OFFERED, WaitState.TAKEN),
    (WaitEvent.MISS, WaitState.OFFERED, WaitState.WAITING),
    (WaitEvent.LAPSE, WaitState.WAITING, WaitState.LAPSED),
    (WaitEvent.LAPSE, WaitState.OFFERED, WaitState.LAPSED),
    (WaitEvent.LEAVE, WaitState.WAITING, WaitState.LEFT),
    (WaitEvent.LEAVE, WaitState.OFFERED, WaitState.LEFT),
)

LIFECYCLE = Lifecycle(WaitState, TABLE)

OPEN = frozenset({WaitState.WAITING, WaitState.OFFERED})
