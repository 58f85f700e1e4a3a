"""Parts of long messages sorted into the messages that they were cut from; values only.

A phone numbers its messages and comes round, or never counts on. So two messages may look like
one, the second after the first: what does not fit the newest of them begins another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the ``number``-th, from 1, of the callback with this id."""

    id: UUID
    number: int
    text: str
    came_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What has come of one message.

    Attributes:
        parts: by their numbers, in the order in which they came.
        doubles: parts that came again.
    """

    parts: dict[int, Part] = field(default_factory=dict)
    doubles: list[Part] = field(default_factory=list)

    @property
    def first(self) -> Part:
        """The part that came first: its place is the message's."""
        return next(iter(self.parts.values()))

    @property
    def last_at(self) -> datetime:
        """When the last of the parts came."""
        return max(part.came_at for part in self.parts.values())

    def has(self, part: Part) -> bool:
        """Tell whether a part has come already."""
        mine = self.parts.get(part.number)
        return mine is not None and mine.text == part.text

    def runs(self) -> list[list[Part]]:
        """Return the parts in their order, those together between which none is missing."""
        runs: list[list[Part]] = []
        for number in sorted(self.parts):
            if number - 1 not in self.parts:
                runs.append([])
            runs[-1].append(self.parts[number])
        return runs


def sort_out(parts: Iterable[Part]) -> list[Draft]:
    """Return the messages that parts belong to, given in the order in which they came."""
    drafts: list[Draft] = []
    for part in parts:
        again = next((draft for draft in drafts if draft.has(part)), None)
        if again is not None:
            again.doubles.append(part)
            continue
        if not drafts or part.number in drafts[-1].parts:
            drafts.append(Draft())
        drafts[-1].parts[part.number] = part
    return drafts
