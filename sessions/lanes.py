"""Threads for turns, in two lanes: whoever says yes goes first.

A yes asks the database more often than any screen, so that in one line with them it would wait
longest of all, and it is the one turn that somebody pays for. The standard library's pool has one
lane only.
"""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")


class Lane(IntEnum):
    """What goes first."""

    YES = 0
    SCREEN = 1
    END = 2


class Lanes:
    """Runs work in a fixed number of threads, the first lane first, each lane in order.

    Args:
        threads: how many run at once.
    """

    def __init__(self, threads: int) -> None:
        self._line: queue.PriorityQueue[tuple[Lane, int, Callable[[], None]]] = (
            queue.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._run, name=f"turn-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, work: Callable[[], T]) -> "Future[T]":
        """Put work in line; its future can be cancelled until it begins."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 -- it belongs to whoever waits.
                future.set_exception(error)
            else:
                future.set_result(result)

        self._line.put((lane, next(self._numbers), run))
        return future

    def close(self) -> None:
        """Wait until all that is in line is done, and end the threads."""
        for _ in self._threads:
            self._line.put((Lane.END, next(self._numbers), _end))
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while True:
            _lane, _number, run = self._line.get()
            if run is _end:
                return
            run()


def _end() -> None:
    """Tells a thread that nothing follows."""
