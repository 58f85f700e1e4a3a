"""A lifecycle as one visible table: which event leads from which state to which.

Built on ``transitions`` as one module-level machine a lifecycle, without a model and without
callbacks: it validates, answers questions and draws; the caller stores the state.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Generic, TypeVar

from transitions import Machine

from core.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Lifecycle(Generic[S, E]):
    """The legal moves of one thing.

    Args:
        states: the enum of states.
        table: rows (event, state before, state after); one row an (event, state) at the most.
    """

    def __init__(self, states: type[S], table: Iterable[tuple[E, S, S]]) -> None:
        self.rows = tuple(table)
        self.states = tuple(states)
        self._target = {(event, before): after for event, before, after in self.rows}
        assert len(self._target) == len(self.rows), "an event leads to one state only"
        self.machine = Machine(
            model=None,
            states=[state.value for state in states],
            transitions=[[e.value, before.value, after.value] for e, before, after in self.rows],
            initial=self.states[0].value,
            auto_transitions=False,
        )

    def target(self, state: S, event: E) -> S:
        """Return the state after an event.

        Raises:
            IllegalMove: the table has no such row.
        """
        found = (
            self.machine.get_transitions(event.value, state.value) if self._knows(event) else []
        )
        if not found:
            raise IllegalMove(state=state.value, event=event.value)
        return self._target[event, state]

    def allows(self, state: S, event: E) -> bool:
        """Tell whether an event is legal in a state."""
        return (event, state) in self._target

    def events(self, state: S) -> list[E]:
        """Return what can happen in a state, in the table's order."""
        return [event for event, before, _ in self.rows if before is state]

    def diagram(self) -> str:
        """Return the table as a Mermaid state diagram."""
        lines = [f"    {a.value} --> {b.value}: {e.value}" for e, a, b in self.rows]
        return "\n".join(["stateDiagram-v2", *lines, ""])

    def _knows(self, event: E) -> bool:
        return event.value in self.machine.events
