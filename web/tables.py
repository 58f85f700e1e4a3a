"""Tables as files: CSV for machines, XLSX for people. One list of columns serves both.

Whoever opens such a file may have a program that takes ``=`` for a formula: words that begin like
one are written so that they stay words.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from core.money import CENTS_PER_SHILLING

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
WIDTHS = {"text": 24, "cents": 14, "percent": 9, "date": 12, "number": 10}


class Cell(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    CENTS = "cents"
    """Written in shillings with two places."""
    PERCENT = "percent"
    """Basis points, written in percent."""
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: of the attribute that it shows.
        cell: what it holds.
        summed: whether its total says something.
        title: its heading, the name without its unit when there is none.
    """

    name: str
    cell: Cell = Cell.TEXT
    summed: bool = False
    title: str = ""

    @property
    def heading(self) -> str:
        """What stands above it."""
        return self.title or self.name.removesuffix("_cents")


def csv_text(columns: Sequence[Column], rows: Iterable[Any]) -> str:
    """Return rows as CSV: a line of headings, dates as 2026-11-20, amounts as 9200.00."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.heading for column in columns])
    for row in rows:
        writer.writerow([_written(column, getattr(row, column.name)) for column in columns])
    return file.getvalue()


def write_xlsx(
    path: Path, title: str, columns: Sequence[Column], rows: Iterable[Any], made_at: datetime
) -> None:
    """Write rows as a workbook of one sheet with a line of totals, holding one row at a time."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False})
    book.set_properties({"title": title, "created": made_at.replace(tzinfo=None)})
    sheet = book.add_worksheet(title[:31])
    bold = book.add_format({"bold": True})
    formats = {
        Cell.CENTS: book.add_format({"num_format": "#,##0.00"}),
        Cell.PERCENT: book.add_format({"num_format": "0.00"}),
        Cell.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for place, column in enumerate(columns):
        sheet.set_column(place, place, WIDTHS[column.cell])
        sheet.write_string(0, place, column.heading, bold)
    sheet.freeze_panes(1, 0)
    totals = dict.fromkeys((column.name for column in columns if column.summed), 0)
    line = 0
    for line, row in enumerate(rows, 1):
        for place, column in enumerate(columns):
            value = getattr(row, column.name)
            if column.summed:
                totals[column.name] += value
            _write(sheet, line, place, column, value, formats.get(column.cell))
    sum_format = book.add_format({"bold": True, "num_format": "#,##0.00"})
    for place, column in enumerate(columns):
        if column.summed:
            sheet.write_number(line + 1, place, _shillings(totals[column.name]), sum_format)
    sheet.write_string(line + 1, 0, "Total", bold)
    book.close()


def _write(sheet: Any, line: int, place: int, column: Column, value: Any, how: Any) -> None:
    match column.cell:
        case Cell.TEXT:
            sheet.write_string(line, place, str(value))
        case Cell.DATE:
            sheet.write_datetime(line, place, value, how)
        case Cell.CENTS:
            sheet.write_number(line, place, _shillings(value), how)
        case Cell.PERCENT:
            sheet.write_number(line, place, Decimal(value) / 100, how)
        case Cell.NUMBER:
            sheet.write_number(line, place, value)


def _shillings(cents: int) -> Decimal:
    """Cents as the number that a sheet shows."""
    return Decimal(cents) / CENTS_PER_SHILLING


def _written(column: Column, value: Any) -> str:
    match column.cell:
        case Cell.CENTS:
            return f"{_shillings(value):.2f}"
        case Cell.PERCENT:
            return f"{Decimal(value) / 100:.2f}"
        case Cell.DATE:
            assert isinstance(value, date), "a date's column holds dates"
            return value.isoformat()
        case Cell.NUMBER:
            return str(value)
    words = str(value)
    return f"'{words}" if words.startswith(FORMULA_SIGNS) else words
