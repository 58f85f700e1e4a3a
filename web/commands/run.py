"""``nafasi serve | worker | beat``: one process each, as a server runs them."""

import os
from typing import Annotated

import typer

from web.commands.processes import QUEUES, WORKER_PROCESSES, beat_words, web_words, worker_words
from web.commands.setup import fail, load_settings


def serve(
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.")] = 8000,
    processes: Annotated[int, typer.Option(help="How many web processes.", min=1)] = 1,
) -> None:
    """Run the web server: callbacks, pages, health."""
    from web.journal import Journal, JournalUnusable, journal_folder

    folder = journal_folder(load_settings())
    try:
        Journal(folder)
    except JournalUnusable:
        fail(f"{folder} cannot be written: callbacks would be lost while the database is away.")
    _become(web_words(host, port, processes))


def worker(
    processes: Annotated[int, typer.Option(help="How many at once.", min=1)] = WORKER_PROCESSES,
    queues: Annotated[str, typer.Option(help="Which queues, parted by commas.")] = QUEUES,
) -> None:
    """Run a worker: SMS, payments, callbacks, timers, payouts."""
    load_settings()
    _become(worker_words(processes, queues))


def beat() -> None:
    """Run the scheduler that wakes the workers. Two of them do nothing twice."""
    load_settings()
    _become(beat_words())


def _become(words: tuple[str, ...]) -> None:
    # Not a child: signals and exit codes of the container's first process reach it directly.
    os.execv(words[0], words)  # noqa: S606
