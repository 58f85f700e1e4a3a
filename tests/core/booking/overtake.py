"""Two transactions in an order that a test decides: the second begins before the first commits."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from core.db.tx import Database, Tx

WAIT_SECONDS = 10
LOOK_SECONDS = 0.005
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def behind(database: Database, first: Callable[[Tx], Any], second: Callable[[Tx], Any]) -> Any:
    """Do the first; while it is not committed begin the second, and commit once that waits.

    Returns:
        what the second returned, or what it raised.
    """
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(database.run(second))
        except Exception as error:  # noqa: BLE001 -- the test looks at what came.
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with database.transaction() as tx:
        first(tx)
        tx.db.flush()
        thread.start()
        until = time.monotonic() + WAIT_SECONDS
        while not _waits(database) and thread.is_alive():
            assert time.monotonic() < until, "the second neither waits nor ends"
            time.sleep(LOOK_SECONDS)
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive(), "the second hangs"
    return result[0]


def _waits(database: Database) -> bool:
    with database.reading() as tx:
        return bool(tx.db.execute(text(WAITING)).scalar_one())
