"""How callbacks come in: into the inbox, or onto the disk while the database is away.

Each web process has a drainer, a thread that looks every second whether something waits on the
disk and stores it once the database is back. One of the processes of a folder does it at a time,
so whatever a process leaves behind when it dies is stored by another, or by the next one.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.db.tx import Database, Tx
from core.inbox import store
from core.ports.providers import Callback
from web.covering import MESSAGE, without_pin
from web.journal import Entry, Journal, JournalFull, JournalUnusable

log = structlog.get_logger()

# Classes of SQLSTATE that are not the callback's fault and may pass: connection (08), read-only
# (25), rollback (40), resources (53), not in the right state, a lock (55), operator (57).
PASSING = frozenset({"08", "25", "40", "53", "55", "57"})
DRAIN_SECONDS = 1.0
SEALED = "sealed"
STOP_SECONDS = 5.0

Count = Callable[[str, str, str], None]
"""Counts a callback: provider, kind, what became of it."""


class Inlet:
    """Keeps callbacks.

    Args:
        database: where they belong.
        journal: where they wait while it is away.
        count: told what became of each.
    """

    def __init__(self, database: Database, journal: Journal, count: Count) -> None:
        self._database = database
        self._journal = journal
        self._count = count

    def keep(self, callback: Callback) -> None:
        """Keep a callback; when this returns it is on a disk and will be applied.

        Raises:
            JournalFull, JournalUnusable: neither the database nor the journal can take it.
        """
        came = self._database.clock.now()
        result = self._stored(callback)
        if result is None:
            try:
                self._journal.append(Entry(self._sealed(callback), came))
            except (JournalFull, JournalUnusable) as error:
                self._count(callback.provider, callback.kind, "lost")
                log.error("callback.lost", **_name(callback), why=error.code)  # noqa: TRY400 -- the code says it all.
                raise
            result = "journaled"
        self._count(callback.provider, callback.kind, result)
        log.info("callback.kept", **_name(callback), result=result)

    def drain(self) -> int:
        """Store what waits on the disk; return how much.

        Raises:
            SQLAlchemyError: such that ``is_away`` says so; what is left waits on.
        """
        return self._journal.drain(self._store_all) if self._journal.waits() else 0

    def close(self) -> None:
        """Let go of the disk; what waits there stays."""
        self._journal.close()

    def _stored(self, callback: Callback) -> str | None:
        """Store a callback at once, unless others wait before it; None when it cannot be."""
        if self._journal.waits():
            return None
        try:
            new = self._database.run(lambda tx: store(tx, without_pin(tx, callback)))
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            log.warning("database.away", error=type(error).__name__)
            return None
        return "stored" if new else "repeated"

    def _sealed(self, callback: Callback) -> Callback:
        """A message as it waits on the disk: whether a PIN is in it only the database knows."""
        if callback.kind != MESSAGE:
            return callback
        sealed = self._database.vault.seal(dict(callback.payload))
        return replace(callback, payload={SEALED: sealed.decode()})

    def _opened(self, callback: Callback) -> Callback:
        sealed = callback.payload.get(SEALED)
        if not isinstance(sealed, str):
            return callback
        return replace(callback, payload=self._database.vault.open(sealed.encode()))

    def _store_all(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Store entries; return those that the database refuses for what is in them."""

        def every(tx: Tx) -> None:
            for entry in entries:
                store(tx, without_pin(tx, self._opened(entry.callback)), entry.at)

        try:
            self._database.run(every)
        except SQLAlchemyError as error:
            if is_away(error):
                raise
            return [entry for entry in entries if not self._store_one(entry)]
        return []

    def _store_one(self, entry: Entry) -> bool:
        try:
            callback = self._opened(entry.callback)
            self._database.run(lambda tx: store(tx, without_pin(tx, callback), entry.at))
        except SQLAlchemyError as error:
            if is_away(error):
                raise
            log.error(  # noqa: TRY400 -- a trace may show what somebody wrote.
                "callback.refused_by_database", error=type(error).__name__, **_name(entry.callback)
            )
            return False
        return True


class Drainer:
    """A thread that stores what waits on the disk, as soon as the database is back."""

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drainer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what still waits stays on the disk."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():  # Else it still reads the file that this would close.
            self._inlet.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._look()
            self._stopped.wait(DRAIN_SECONDS)

    def _look(self) -> None:
        try:
            stored = self._inlet.drain()
        except Exception as error:
            if not is_away(error):
                # A full disk, a fault of ours: what waits is safe, and somebody has to look.
                log.exception("journal.not_drained")
            return
        if stored:
            log.info("journal.drained", callbacks=stored)


def is_away(error: Exception) -> bool:
    """Tell whether the database is away, restarts or has no room just now."""
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(error, OperationalError) if state is None else state[:2] in PASSING


def _name(callback: Callback) -> dict[str, str]:
    return {"provider": callback.provider, "kind": callback.kind}
