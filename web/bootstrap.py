"""Puts the web process together from settings."""

from channels.registry import build_health, build_routes
from core.bootstrap import build_clock, build_database
from core.settings import Settings
from sessions.bootstrap import build_conductor
from web.inlet import Inlet
from web.journal import Journal, journal_folder
from web.metrics import Metrics
from web.parts import Parts
from web.wake import Nudger, Producer

# Rates change by the day; a screen need not ask for them each time.
RATES_SECONDS = 1.0


def build_parts(settings: Settings) -> Parts:
    """Return the parts of one web process.

    Raises:
        JournalUnusable: callbacks could not be kept while the database is away.
    """
    journal = Journal(journal_folder(settings))
    nudger = Nudger(Producer(settings.redis_url))
    routes = build_routes(settings, build_health(settings))
    database = build_database(
        settings, build_clock(settings), nudger, routes=routes, memory_seconds=RATES_SECONDS
    )
    metrics = Metrics()
    conductor = build_conductor(database, settings.redis_url, settings, observer=metrics)
    inlet = Inlet(database, journal, metrics.callback)
    metrics.watch_journal(journal)
    return Parts(settings, database, conductor, metrics, nudger, inlet)
