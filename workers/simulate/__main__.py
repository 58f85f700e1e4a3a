"""``python -m workers.simulate``: what ``nafasi simulate`` starts."""

import gc
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from functools import cache

import typer

from core.settings import Settings
from workers.simulate.databases import Databases
from workers.simulate.plants import PLANTS
from workers.simulate.points import POINTS, Point
from workers.simulate.year import Result, Year, planted

SEEDS_MAX = 100_000
GARBAGE_MIN = 200_000


def simulate(
    seeds: str = typer.Option("1", "--seeds", "--seed", help="One seed, or a range: 1-20."),
    days: int = typer.Option(365, help="Days of each year.", min=1, max=3650),
    plant: str = typer.Option("", help="Plant a fault: receipt-uniqueness."),
    *,
    as_json: bool = typer.Option(False, "--json", help="One JSON object on stdout."),
    lines: bool = typer.Option(False, help="One JSON line for each seed, as soon as it is over."),
    verbose: bool = typer.Option(False, help="What happened how often."),
) -> None:
    """Live through marketplace years with everything going wrong, and check each night."""
    chosen = _seeds(seeds)
    _commit()  # Of the code as it is now: a long run outlives the next one.
    if plant and plant not in PLANTS:
        raise typer.BadParameter(f"no such fault; there are: {', '.join(PLANTS)}")
    # Told to stop, it still drops its databases and tells what it has seen.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results: list[Result] = []
    # Looking for garbage as often as usual would take a tenth of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE_MIN)
    try:
        with Databases(Settings().database_url, f"nafasi_simulate_{os.getpid()}") as databases:
            for seed in chosen:
                with databases.fresh() as url:
                    results.append(one_year(seed, url, days, plant or None))
                if lines:
                    _print_line(results[-1], days, plant)
                elif not as_json:
                    _print(results[-1], days, plant, verbose=verbose)
                if plant and results[-1].wrong:
                    break
    finally:
        if as_json:
            sys.stdout.write(json.dumps(_told(results, days, plant), indent=2) + "\n")
        elif not lines:
            _print_points(results)
    raise typer.Exit(1 if any(result.wrong for result in results) else 0)


def one_year(seed: int, url: str, days: int, plant: str | None = None) -> Result:
    """Run one year on a fresh database."""
    year = Year(seed, url)
    try:
        with planted(plant, year):
            return year.run(days)
    finally:
        year.close()


def _seeds(said: str) -> range:
    first, _, last = said.partition("-")
    try:
        chosen = range(int(first), int(last or first) + 1)
    except ValueError:
        raise typer.BadParameter("write 7, or 1-20") from None
    if not 0 < len(chosen) <= SEEDS_MAX:
        raise typer.BadParameter(f"from 1 to {SEEDS_MAX} seeds")
    return chosen


@cache
def _commit() -> str:
    """Return the commit that this code is, as far as anybody knows, when it is first asked."""
    try:
        said = subprocess.run(
            ("git", "rev-parse", "--short=12", "HEAD"),  # noqa: S607 -- git, wherever it is.
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.stdout.strip()


def _print_line(result: Result, days: int, plant: str) -> None:
    line = {"commit": _commit(), **_as_json(result, days, plant)}
    line |= {
        "deaths": sum(result.crashes.died.values()),
        "points": sum(1 for point in POINTS if result.crashes.died[point]),
        "tally": dict(sorted(result.tally.items())),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _replay(seed: int, days: int, plant: str) -> str:
    planting = f" --plant {plant}" if plant else ""
    return f"nafasi simulate --seed {seed} --days {days}{planting}"


def _print(result: Result, days: int, plant: str, *, verbose: bool) -> None:
    say = sys.stdout.write
    say(
        f"seed {result.seed}: {result.bookings} bookings in {days} days,"
        f" {sum(result.crashes.died.values())} deaths, {result.seconds:.1f} s"
        f" ({result.cpu_seconds:.1f} of them computing),"
        f" digest {result.digest}\n"
    )
    if verbose:
        for what, count in sorted(result.tally.items()):
            say(f"    {count:7} {what}\n")
    if result.wrong:
        say(f"  BROKEN on day {result.day}, commit {_commit()}:\n")
        for wrong in result.wrong:
            say(f"    {wrong}\n")
        say(f"  Again: {_replay(result.seed, days, plant)}\n")
    sys.stdout.flush()


def _coverage(results: list[Result]) -> tuple[Counter[Point], Counter[Point], Counter[str]]:
    passed, died, unlisted = Counter[Point](), Counter[Point](), Counter[str]()
    for result in results:
        passed += result.crashes.passed
        died += result.crashes.died
        unlisted += result.crashes.unlisted
    return passed, died, unlisted


def _print_points(results: list[Result]) -> None:
    passed, died, unlisted = _coverage(results)
    hit = sum(1 for point in POINTS if died[point])
    sys.stdout.write(f"\n{hit} of {len(POINTS)} crash points were died at.\n")
    for point in POINTS:
        step, when = point
        name = f"{when} {step}"
        sys.stdout.write(f"  {name:32} died {died[point]:6}  passed {passed[point]:9}\n")
    for name, count in sorted(unlisted.items()):
        sys.stdout.write(f"  not listed: {name} {count}\n")


def _as_json(result: Result, days: int, plant: str) -> dict[str, object]:
    return {
        "seed": result.seed,
        "bookings": result.bookings,
        "digest": result.digest,
        "seconds": round(result.seconds, 1),
        "cpu_seconds": round(result.cpu_seconds, 1),
        "day": result.day,
        "wrong": [str(wrong) for wrong in result.wrong],
        "replay": _replay(result.seed, days, plant),
    }


def _told(results: list[Result], days: int, plant: str) -> dict[str, object]:
    passed, died, _unlisted = _coverage(results)
    return {
        "commit": _commit(),
        "days": days,
        "plant": plant or None,
        "seeds": [_as_json(result, days, plant) for result in results],
        "points": {
            f"{when} {step}": {"died": died[step, when], "passed": passed[step, when]}
            for step, when in POINTS
        },
    }


if __name__ == "__main__":
    typer.run(simulate)
