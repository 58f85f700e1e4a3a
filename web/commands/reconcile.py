"""``nafasi reconcile FILE``: a provider's statement beside our receipts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import fail, load_settings, open_database, put_json, say

if TYPE_CHECKING:
    from channels.reading import Progress
    from channels.table import Span
    from core.reconcile.statement import Reading
    from core.reconcile.usecases import Taken

FAULTS_SHOWN_MAX = 50

# Why a file was refused, for whoever exported it.
SENTENCES = {
    "no_table": "This is no statement that we know: no table of payments was found in it.",
    "no_column": "The table lacks columns: {columns}.",
    "bad_row": "Line {line} cannot be read{column}.",
    "truncated": "The file is not whole: it breaks off at line {line}.",
    "empty": "Nothing moved by this statement.",
    "other_account": "This statement is of account {found}; expected: {wanted}.",
    "no_account": "The file does not say which shortcode it is of: give --account.",
    "other_month": "The statement is of another month{line}.",
    "too_many_lines": "The file has more than {most:,} lines: export it in parts.",
    "too_large": "The file has more than {most:,} bytes: export it in parts.",
    "changed": "The file was changed while it was read.",
    "too_many_differences": "More than {most:,} differences: this cannot be our statement.",
}


def reconcile(
    file: Annotated[Path, typer.Argument(help="CSV export of M-Pesa or Flutterwave.")],
    account: Annotated[
        str | None, typer.Option(help="Shortcode that the statement must be of.")
    ] = None,
    month: Annotated[str | None, typer.Option(help="Month that it must be of: 2026-11.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what differs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Compare a provider's statement with our books; each difference becomes a case.

    Exit code 1 when something differs, 2 when the file was refused and nothing was done.
    """
    from channels.registry import accounts_of
    from core.reconcile.statement import BadStatement
    from core.reconcile.usecases import NOT_AHEAD, take

    settings = load_settings()
    try:
        wanted = _month(month)
        with _counting("Reading") as read:
            reading = _read(file, account, wanted, read)
        accounts = accounts_of(settings)[reading.statement.provider]
        with (
            open_database(settings) as database,
            _counting("Matching", reading.statement.lines) as seen,
        ):
            # A trial's clock may have been moved; production's is the machine's own.
            ahead = getattr(database.clock, "ahead", NOT_AHEAD)
            taken = database.run(
                lambda tx: take(tx, reading, accounts, dry_run=dry_run, ahead=ahead, progress=seen)
            )
    except BadStatement as refused:
        fail(_sentence(refused))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.")
    told = _told(taken, dry_run=dry_run)
    if as_json:
        put_json(told)
    else:
        _print(told)
    if taken.differences:
        raise typer.Exit(1)


def _month(asked: str | None) -> "Span | None":
    from channels.table import month

    try:
        return month(asked) if asked else None
    except ValueError:
        fail(f"{asked} is no month. Write it as 2026-11.")


def _read(file: Path, account: str | None, wanted: "Span | None", seen: "Progress") -> "Reading":
    """Read a file as whoever's it is; the first format whose table is in it."""
    from channels.registry import PROVIDERS
    from core.reconcile.statement import BadStatement

    for read in (reader for provider in PROVIDERS for reader in provider.statements):
        try:
            reading = read(file, account=account, wanted=wanted, progress=seen)
        except BadStatement as refused:
            if refused.code != "no_table":
                raise
        else:
            return reading
    raise BadStatement("no_table")


@contextmanager
def _counting(what: str, total: int | None = None) -> "Iterator[Progress]":
    """Show a progress bar on stderr; nothing when that is no terminal."""
    from rich.progress import Progress as Bars

    with Bars(console=say, transient=True, disable=not say.is_terminal) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda lines: bars.update(bar, completed=lines)


def _sentence(refused: Any) -> str:
    data = dict(refused.data)
    if refused.code == "bad_row":
        data["column"] = f" (column {data['column']})" if data.get("column") else ""
    if refused.code == "other_month":
        data["line"] = f" (line {data['line']})" if data.get("line") else ""
    for name, value in data.items():
        if isinstance(value, list):
            data[name] = ", ".join(value)
    return SENTENCES[refused.code].format(**data)


def _told(taken: "Taken", *, dry_run: bool) -> dict[str, Any]:
    statement = taken.statement
    return {
        "provider": statement.provider,
        "account": statement.account,
        "begins": statement.begins.isoformat(),
        "ends": statement.ends.isoformat(),
        "lines": statement.lines,
        "digest": statement.digest,
        "dry_run": dry_run,
        "already_taken": taken.again,
        "matched": taken.matched,
        "charges": taken.charges,
        "charges_cents": taken.charges_cents,
        "unexplained_cents": taken.unexplained_cents,
        "differences": taken.differences,
        "cases": [] if dry_run else taken.cases,
        "faults": [
            {
                "fault": fault.kind.value,
                "number": fault.number,
                "line": fault.place,
                "ours_cents": fault.ours_cents,
                "theirs_cents": fault.theirs_cents,
                "at": fault.at.isoformat(),
                "other": fault.other,
            }
            for fault in taken.faults
        ],
    }


def _print(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    name = f"{told['provider']} {told['account']}"
    if told["already_taken"]:
        sys.stdout.write(
            f"{name}: this file has been taken in before;"
            f" {told['matched']} receipts confirmed, {told['differences']} differences.\n"
        )
        return
    if told["faults"]:
        table = Table("Difference", "Receipt", "Line", "Ours, cents", "Theirs, cents")
        for fault in told["faults"][:FAULTS_SHOWN_MAX]:
            cells = (fault[key] for key in ("fault", "number", "line", "ours_cents"))
            table.add_row(*map(str, cells), str(fault["theirs_cents"]))
        Console().print(table)
    cases = f", {len(told['cases'])} new cases (nafasi cases)" if told["cases"] else ""
    tried = " Nothing was kept: it was a dry run." if told["dry_run"] else ""
    sys.stdout.write(
        f"{name}: {told['lines']} lines, {told['matched']} receipts confirmed,"
        f" {told['charges']} charges, {told['differences']} differences{cases}.{tried}\n"
    )
