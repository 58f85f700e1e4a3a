"""What the web process is made of, handed to whatever serves a request."""

from dataclasses import dataclass

from core.db.tx import Database
from core.settings import Settings
from sessions.conductor import Conductor
from web.inlet import Inlet
from web.metrics import Metrics
from web.wake import Nudger


@dataclass(frozen=True, slots=True)
class Parts:
    """The bundle.

    Attributes:
        settings: what was configured.
        database: opens transactions.
        conductor: answers USSD hops.
        metrics: what is counted.
        nudger: wakes workers after commits.
        inlet: keeps callbacks.
    """

    settings: Settings
    database: Database
    conductor: Conductor
    metrics: Metrics
    nudger: Nudger
    inlet: Inlet
