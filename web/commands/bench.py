"""``nafasi bench``: measurements, each beside a floor of the same run."""

import sys
from typing import Annotated, Any

import typer

from web.commands.setup import put_json

app = typer.Typer(help="Measure, on servers of its own.", no_args_is_help=True)


@app.command()
def hops(
    seconds: Annotated[float, typer.Option(help="How long each part of a round runs.")] = 4.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """USSD hops a second of one web process at 16 callers."""
    from web.bench.hops import measure

    found = measure(seconds)
    if as_json:
        put_json(found)
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "hops/s", "p50 ms", "p95 ms", "p99 ms", "errors")
    for name, value in found.items():
        if isinstance(value, dict) and "p95_ms" in value:
            figures = ("hops_per_second", "p50_ms", "p95_ms", "p99_ms", "errors")
            table.add_row(name.replace("_", " "), *(str(value[figure]) for figure in figures))
    Console().print(table)
    sys.stdout.write(
        f"menus / floor = {found['ratio_menus_to_floor']},"
        f" booking / floor = {found['ratio_booking_to_floor']}\n"
    )
