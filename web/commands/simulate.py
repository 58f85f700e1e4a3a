"""``nafasi simulate``: marketplace years with everything going wrong, checked each night."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from web.commands.processes import simulate_words
from web.commands.setup import fail, load_settings, say


def simulate(
    seeds: Annotated[
        str, typer.Option("--seed", "--seeds", help="One year's number, or several: 1-20.")
    ] = "1",
    days: Annotated[int, typer.Option(help="Days of a year.", min=1)] = 365,
    plant: Annotated[str, typer.Option(help="Plant a fault: receipt-uniqueness.")] = "",
    *,
    verbose: Annotated[bool, typer.Option(help="Say what happened how often.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    lines: Annotated[bool, typer.Option(help="One JSON line as each year is over.")] = False,
) -> None:
    """Live through simulated years in which everything goes wrong. Exit 1 when one breaks.

    Databases of its own are made on the server of the settings, and dropped again; without a
    server one is started. The same number always gives the same year.
    """
    if not load_settings().local:
        fail("Simulated years do not belong onto a production server.")
    words = simulate_words(seeds, days)
    words += ("--plant", plant) if plant else ()
    words += ("--verbose",) if verbose else ()
    words += ("--json",) if as_json else ()
    words += ("--lines",) if lines else ()
    with _server() as database_url:
        environ = {**os.environ, "NAFASI_DATABASE_URL": database_url}
        done = subprocess.run(words, env=environ, check=False)
    sys.exit(done.returncode)


@contextmanager
def _server() -> Iterator[str]:
    """Yield a server's URL: the settings', or one that is started for this."""
    if url := os.environ.get("NAFASI_DATABASE_URL"):
        yield url
        return
    from web.local.folders import LocalError
    from web.local.servers import LocalServers

    try:
        with LocalServers(durable=False) as servers:
            for line in servers.describe():
                say.print(line, style="dim", markup=False)
            yield servers.database_url
    except LocalError as error:
        fail(str(error))
