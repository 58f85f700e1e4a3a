"""Reading a statement through before anything is done with it: what it covers, and whether whole.

A provider's adapter says how a row becomes lines; what must hold of every statement is here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from channels.table import Row, Span, Table
from core.limits import STATEMENT_LINES_MAX
from core.reconcile.statement import BadStatement, Line, Reading, Statement

LOOK_LINES = 1_000
Progress = Callable[[int], None]


class StatementReader(Protocol):
    """Reads one form of a provider's statement through; ``no_table`` when a file is none."""

    def __call__(
        self,
        path: Path,
        *,
        account: str | None = None,
        wanted: Span | None = None,
        progress: Progress = ...,
    ) -> Reading:
        """Return the statement; see ``channels.daraja.statement.read_statement``."""


def silent(_lines: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a file says of itself above its table; None where it says nothing."""

    account: str | None = None
    span: Span | None = None
    opening_cents: int | None = None
    closing_cents: int | None = None


class Lines:
    """The lines of a file, read anew each time it is asked for them.

    Args:
        table: the file.
        lines_of: the lines of one row; none when nothing moved.
        digest: of the file when it was read through.
    """

    def __init__(self, table: Table, lines_of: Callable[[Row], list[Line]], digest: str) -> None:
        self._table = table
        self._lines_of = lines_of
        self._digest = digest

    def lines(self) -> Iterator[Line]:
        """Read the lines; raises BadStatement ``changed`` when the file is another by now."""
        if self._table.digest() != self._digest:
            raise BadStatement("changed")
        for row in self._table.rows():
            yield from self._lines_of(row)


@dataclass(slots=True)
class _Ends:
    """The first and the last line, and how many there are between."""

    count: int = 0
    first: Line | None = None
    second: Line | None = None
    last: Line | None = None

    def add(self, line: Line) -> None:
        self.count += 1
        if self.first is None:
            self.first = line
        elif self.second is None:
            self.second = line
        self.last = line


def read_through(
    provider: str,
    table: Table,
    lines_of: Callable[[Row], list[Line]],
    claims: Claims,
    *,
    account: str,
    wanted: Span | None,
    progress: Progress = silent,
) -> Reading:
    """Read a file once from end to end and return it with what is known of it.

    Args:
        provider: whose file it is.
        table: the file.
        lines_of: makes lines of a row.
        claims: what the file says of itself.
        account: the account it is about.
        wanted: the month that was asked for, if one was.
        progress: told how many lines were read, now and then.

    Raises:
        BadStatement: it is not whole, or about another month.
    """
    limits = _within(claims.span, wanted)
    ends = _Ends()
    digest = table.digest()
    for row in table.rows():
        for line in lines_of(row):
            if limits is not None and not limits.holds(line.at):
                raise BadStatement("other_month", line=line.place)
            ends.add(line)
        if ends.count > STATEMENT_LINES_MAX:
            raise BadStatement("too_many_lines", most=STATEMENT_LINES_MAX)
        if ends.count % LOOK_LINES == 0:
            progress(ends.count)
    if ends.first is None or ends.last is None:
        raise BadStatement("empty")
    newest_first = _newest_first(ends)
    older, newer = (ends.last, ends.first) if newest_first else (ends.first, ends.last)
    opening, closing = _balances(older, newer, claims)
    covered = limits or Span(older.at, newer.at + timedelta(seconds=1))
    statement = Statement(
        provider, account, digest, covered.begins, covered.ends, ends.count, newer.at,
        newest_first, opening, closing,
    )  # fmt: skip
    return Reading(statement, Lines(table, lines_of, digest))


def _within(claimed: Span | None, wanted: Span | None) -> Span | None:
    if claimed is None or wanted is None:
        return claimed or wanted
    if claimed.begins < wanted.begins or claimed.ends > wanted.ends:
        raise BadStatement("other_month", line=0)
    return claimed


def _newest_first(ends: _Ends) -> bool:
    """Tell how a file is ordered, by its times or, when they are all one, by its balances."""
    assert ends.first is not None, "asked of a file with lines"
    assert ends.last is not None, "asked of a file with lines"
    if ends.first.at != ends.last.at or ends.second is None:
        return ends.first.at > ends.last.at
    first, second = ends.first, ends.second
    if first.balance_cents is None or second.balance_cents is None:
        return False
    return first.balance_cents - first.amount_cents == second.balance_cents


def _balances(older: Line, newer: Line, claims: Claims) -> tuple[int | None, int | None]:
    """Return opening and closing balance; a file that says otherwise above is half a file."""
    if older.balance_cents is None or newer.balance_cents is None:
        return None, None
    opening = older.balance_cents - older.amount_cents
    closing = newer.balance_cents
    if claims.opening_cents not in {None, opening} or claims.closing_cents not in {None, closing}:
        raise BadStatement("truncated", line=newer.place)
    return opening, closing


def same_account(claimed: str | None, asked: str | None) -> str:
    """Return the account that a statement is about.

    Raises:
        BadStatement: ``other_account`` when file and question differ, ``no_account`` when
            neither says one.
    """
    if claimed and asked and claimed != asked:
        raise BadStatement("other_account", found=claimed, wanted=asked)
    if not (claimed or asked):
        raise BadStatement("no_account")
    return claimed or asked or ""


def at_of(row: Row, column: str, read: Callable[[str], datetime]) -> datetime:
    """Return a cell's moment; raises BadStatement."""
    try:
        return read(row[column])
    except ValueError:
        raise row.refuse(column) from None


def cents_of(row: Row, column: str, read: Callable[[str], int | None]) -> int | None:
    """Return a cell's amount, None when it is empty; raises BadStatement."""
    try:
        return read(row[column])
    except ValueError:
        raise row.refuse(column) from None
