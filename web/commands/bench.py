"""``nafasi bench``: measurements, each beside a floor of the same run."""

import sys
from typing import Annotated, Any

import typer

from web.commands.setup import fail, put_json

SIDES = ("ours", "peer")

app = typer.Typer(help="Measure, on servers of its own.", no_args_is_help=True)


@app.command()
def hops(
    seconds: Annotated[float, typer.Option(help="How long each part of a round runs.")] = 4.0,
    *,
    peers: Annotated[
        bool, typer.Option(help="Beside floors and others' libraries, which npm installs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """USSD hops a second of one web process at 16 callers."""
    if peers:
        from web.bench.peers.measure import NoNode, measure_peers

        try:
            found = measure_peers(seconds)
        except NoNode as missing:
            fail(str(missing))
    else:
        from web.bench.hops import measure

        found = measure(seconds)
    if as_json:
        put_json(found)
    else:
        _print(found)


@app.command()
def sessions(
    seconds: Annotated[float, typer.Option(help="How long calls begin.")] = 30.0,
    at_once: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 1_000,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Many calls at once by people who read before they press a key."""
    from web.bench.sessions import measure_sessions

    found = measure_sessions(seconds, at_once)
    if as_json:
        put_json(found)
    else:
        _print(found)


@app.command()
def ledger(
    seconds: Annotated[float, typer.Option(help="How long each side of a pair runs.")] = 4.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    durable: Annotated[bool, typer.Option(help="Whether a commit waits for the disk.")] = True,
) -> None:
    """Postings and claims a second, beside simpler forms of the same in turns."""
    from web.bench.ledger import measure

    found = measure(seconds, durable=durable)
    if as_json:
        put_json(found)
    else:
        _print_pairs(found)


def _print_pairs(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "ours/s", "p95 ms", "peer/s", "p95 ms", "ratio", "goal")
    for name, value in found.items():
        if isinstance(value, dict) and "ratio" in value:
            sides = (value[side][figure] for side in SIDES for figure in ("per_second", "p95_ms"))
            figures = (*sides, value["ratio"], value.get("goal", ""))
            table.add_row(name, *map(str, figures))
    Console().print(table)
    sys.stdout.write(f"days oversold: {found['oversold_guarded']} with the guards\n")


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    figures = ("hops_per_second", "p50_ms", "p95_ms", "p99_ms", "errors", "cpu_us_a_hop")
    table = Table("", "hops/s", "p50 ms", "p95 ms", "p99 ms", "errors", "CPU us/hop")
    for name, value in found.items():
        if isinstance(value, dict) and "p95_ms" in value:
            row = (str(value.get(figure, "")) for figure in figures)
            table.add_row(name.replace("_", " "), *row)
    Console().print(table)
    ratios = (
        f"{name.removeprefix('ratio_').replace('_', ' ')}: {value}"
        for name, value in found.items()
        if name.startswith("ratio_")
    )
    if line := ", ".join(ratios):
        sys.stdout.write(f"{line}\n")
