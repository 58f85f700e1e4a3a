"""Two callers who meet at the worst moment, every time: no threads that hope to collide.

The first runs up to the named statement; there the second starts and is given all the time that it
needs: until it is done, or until the database makes it wait. Only then does the first go on. With
a lock in the right place the second waits; without it the second has done its work on what the
first has already looked at.

A lock (or any other word of a statement) is taken away by ``cut``, where the statement leaves for
the database, so that the code under test is the one that ships.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from core.db.tx import Database

WAIT_SECONDS = 20
LOOK_SECONDS = 0.002
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def meet(
    database: Database, first: Callable[[], Any], at: str, second: Callable[[], Any]
) -> tuple[Any, Any]:
    """Run ``first``, and ``second`` right after the first statement of it that matches ``at``.

    Args:
        database: where both work; the second on a connection of its own.
        first: runs in this thread.
        at: a regular expression over a statement in one line.
        second: runs in a thread.

    Returns:
        what each returned, or raised.
    """
    me, point = threading.get_ident(), re.compile(at)
    results: list[Any] = []
    other = threading.Thread(target=lambda: results.append(_outcome(second)), daemon=True)

    def reached(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() != me or other.ident is not None:
            return
        if point.search(_one_line(statement)):
            other.start()
            _until_done_or_waiting(database, other)

    event.listen(database.engine, "after_cursor_execute", reached)
    try:
        mine = _outcome(first)
    finally:
        event.remove(database.engine, "after_cursor_execute", reached)
    assert other.ident is not None, f"the first never came to {at}"
    other.join(WAIT_SECONDS)
    assert not other.is_alive(), "the second hangs"
    return mine, results[0]


@contextmanager
def cut(database: Database, words: str, instead: str = "", where: str = "") -> Iterator[None]:
    """Take words out of the statements that match ``where`` while the block runs."""
    wanted, there = re.compile(words), re.compile(where)
    done = []

    def rewrite(
        _c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any
    ) -> tuple[str, Any]:
        line = _one_line(statement)
        if not there.search(line) or not wanted.search(line):
            return statement, values
        done.append(line)
        return wanted.sub(instead, line), values

    event.listen(database.engine, "before_cursor_execute", rewrite, retval=True)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", rewrite)
    assert done, f"no statement holds {words}: the guard has moved"


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 -- the story looks at what came.
        return error


def _until_done_or_waiting(database: Database, other: threading.Thread) -> None:
    url = database.engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as watcher:
        deadline = time.monotonic() + WAIT_SECONDS
        while other.is_alive() and time.monotonic() < deadline:
            row = watcher.execute(WAITING).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(LOOK_SECONDS)


def _one_line(statement: str) -> str:
    return " ".join(statement.split())
