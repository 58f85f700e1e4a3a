"""What everybody in a simulated year has in hand."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from channels.simulator.sms_in import send_from_phone
from channels.simulator.state import World
from core.db.tx import Tx
from core.errors import Refused
from workers.simulate.agenda import Agenda, TickingClock
from workers.simulate.databases import SimulatedDatabase
from workers.simulate.loop import SimulatedLoop
from workers.simulate.market import Stall
from workers.simulate.network import Network
from workers.simulate.points import Died, Step

T = TypeVar("T")


@dataclass
class Scene:
    """The place and its time.

    Attributes:
        chance: where people's whims come from.
        tally: what happened how often.
    """

    clock: TickingClock
    agenda: Agenda
    database: SimulatedDatabase
    world: World
    loop: SimulatedLoop
    network: Network
    chance: random.Random
    stalls: list[Stall] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self.clock.now()

    def maybe(self, share: float) -> bool:
        """Draw a yes, in this share of cases."""
        return self.chance.random() < share

    def turn(
        self, step: Step, use_case: Callable[[Tx], T], again: Callable[[], object] | None = None
    ) -> T | None:
        """Do something as a person: the core may refuse, the web process may die over it.

        Args:
            step: what it is.
            use_case: does it.
            again: what the person does some minutes after a line that went dead.

        Returns:
            None when it was refused, or when nobody knows.
        """
        try:
            done = self.database.run_as(step, use_case)
        except Refused as no:
            self.tally[f"{step} refused: {no.code}"] += 1
            return None
        except Died:
            if again is not None:
                self.agenda.after(self.chance.uniform(60, 600), again)
            return None
        self.tally[str(step)] += 1
        return done

    def look(self, use_case: Callable[[Tx], T]) -> T:
        """Read something that nobody else sees."""
        with self.database.reading() as tx:
            return use_case(tx)

    def text(self, phone: str, words: str) -> None:
        """Send an SMS from a phone to us."""
        self.tally["sms sent by people"] += 1
        self.loop.do(lambda: send_from_phone(self.world, phone, words))
