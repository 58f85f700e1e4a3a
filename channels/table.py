"""Reading providers' exports: a CSV table with whatever they like to write above it.

Files are read row by row, so a year of payments takes no more memory than a day. Everything that
is not as it should be is refused with the line that shows it (``BadStatement``).
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from core.clock import nairobi_moment
from core.reconcile.statement import BadStatement

HEAD_ROWS_MAX = 40
# A million rows have some 250 bytes each.
FILE_BYTES_MAX = 512 * 1024 * 1024
CHUNK_BYTES = 1 << 20

_AMOUNT = re.compile(r"[+-]?(?:\d{1,13}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,2})?", re.ASCII)
_DAY = r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)[-/](\d\d)[-/](\d{4}))"
_MOMENT = re.compile(_DAY + r"(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to the first that is not within any more."""

    begins: datetime
    ends: datetime

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment is within."""
        return self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header.

    Attributes:
        place: its line in the file, from 1.
        cells: column name, in lower case, to what stands there.
    """

    place: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return a cell; empty when the file has no such column."""
        return self.cells.get(column, "")

    def refuse(self, column: str) -> BadStatement:
        """Return the refusal of a cell. What stands in it may be somebody's name: not told."""
        return BadStatement("bad_row", line=self.place, column=column)


class Table:
    """A CSV file whose table begins at the row that names the wanted columns.

    Args:
        path: the file.
        wanted: the columns that must be there, in lower case.
    """

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        self._path = path
        self._wanted = wanted

    def head(self) -> list[list[str]]:
        """Return the rows above the header.

        Raises:
            BadStatement: ``too_large``, ``no_table``, or ``no_column`` when a header lacks some.
        """
        if self._path.stat().st_size > FILE_BYTES_MAX:
            raise BadStatement("too_large", most=FILE_BYTES_MAX)
        rows: list[list[str]] = []
        for _, cells in self._cells():
            names = _names(cells)
            if set(self._wanted) <= set(names):
                return rows
            if self._wanted[0] in names:
                missing = sorted(set(self._wanted) - set(names))
                raise BadStatement("no_column", columns=missing)
            rows.append(cells)
            if len(rows) >= HEAD_ROWS_MAX:
                break
        raise BadStatement("no_table")

    def rows(self) -> Iterator[Row]:
        """Read the rows below the header; empty ones are passed over.

        Raises:
            BadStatement: ``bad_row``, or ``truncated`` when the last row is cut short.
        """
        names: list[str] | None = None
        short: int | None = None
        for place, cells in self._cells():
            if names is None:
                found = _names(cells)
                names = found if set(self._wanted) <= set(found) else None
                continue
            if short is not None:
                raise BadStatement("bad_row", line=short, column="")
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) < len(names):
                short = place
                continue
            yield Row(place, dict(zip(names, (cell.strip() for cell in cells), strict=False)))
        if short is not None:
            raise BadStatement("truncated", line=short)

    def digest(self) -> str:
        """Return the SHA-256 of the file, as hex."""
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            try:
                for cells in reader:
                    yield reader.line_num, cells
            except csv.Error:
                raise BadStatement("bad_row", line=reader.line_num, column="") from None


def _names(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.lower().split()) for cell in cells]


def cents(text: str) -> int | None:
    """Return ``1,053.00`` or ``-4000`` in cents; None for an empty cell; raises ValueError."""
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise ValueError("no amount")
    whole, _, rest = text.replace(",", "").lstrip("+-").partition(".")
    amount = int(whole) * 100 + int(f"{rest:0<2}")
    return -amount if text.startswith("-") else amount


def moment(text: str) -> datetime:
    """Return the UTC moment of Kenyan wall-clock time, as providers write it.

    Args:
        text: ``2026-11-20 09:00:00`` or ``20-11-2026 09:00``, or the day alone (its midnight).

    Raises:
        ValueError: it is none of these.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("no time")
    return nairobi_moment(_day(found), _time(found))


def span(text: str) -> Span | None:
    """Return the period that a sentence names by two days or moments; None when it does not.

    A day at the end belongs to the period, and so does a last second.
    """
    found = list(_MOMENT.finditer(text))
    if len(found) != 2:
        return None
    first, last = found
    begins = nairobi_moment(_day(first), _time(first))
    ends = nairobi_moment(_day(last), _time(last))
    ends += timedelta(seconds=1) if last[7] else timedelta(days=1)
    return Span(begins, ends)


def month(text: str) -> Span:
    """Return the month ``2026-11`` in Kenya; raises ValueError."""
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    if found is None:
        raise ValueError("no month")
    first = date(int(found[1]), int(found[2]), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return Span(nairobi_moment(first, time()), nairobi_moment(after, time()))


def _day(found: re.Match[str]) -> date:
    if found[1]:
        return date(int(found[1]), int(found[2]), int(found[3]))
    return date(int(found[6]), int(found[5]), int(found[4]))


def _time(found: re.Match[str]) -> time:
    return time(int(found[7] or 0), int(found[8] or 0), int(found[9] or 0))
