"""Keeps a process's clock in step with the trial's time, which `nafasi clock advance` moves."""

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.clock import SystemClock
from core.db.tx import Database
from core.local_clock import read_ahead

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
STOP_SECONDS = 5.0


class ClockKeeper:
    """A thread that reads the offset every second. Local trials only; else it does nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        """Begin, where the clock is one that can be moved."""
        if isinstance(self._database.clock, SystemClock):
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        clock = self._database.clock
        assert isinstance(clock, SystemClock), "start() has looked"
        while not self._stopped.wait(REFRESH_SECONDS):
            try:
                with self._database.transaction() as tx:
                    clock.ahead = read_ahead(tx.db)
            except SQLAlchemyError as error:
                log.warning("clock.not_read", error=type(error).__name__)
