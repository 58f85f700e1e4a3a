"""A sheet of paper: our letters, lines of words and amounts, a QR code.

Everything that a PDF library would take from the moment or the machine is given, so that the same
row gives the same bytes today and in seven years.
"""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from core.clock import NAIROBI
from core.money import CENTS_PER_SHILLING

FONTS = Path(__file__).parents[2] / "fonts"
FAMILY = "DejaVu"
A4_MM = (210.0, 297.0)
A5_MM = (148.0, 210.0)
MARGIN_MM = 15
LINE_MM = 5.6
QR_MM = 32
SMALL, USUAL, LARGE = 8, 9.5, 15
QUIET, INK = 95, 25


class Sheet(FPDF):
    """One document being written.

    Args:
        title: of the file.
        language: of its words, for whoever reads it aloud.
        made_at: the moment that the file says it is from.
        size: millimetres across and down.
    """

    def __init__(
        self, title: str, language: str, made_at: datetime, size: tuple[float, float] = A5_MM
    ) -> None:
        super().__init__(format=size)
        self.set_margin(MARGIN_MM)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=MARGIN_MM)
        self.set_title(title)
        self.set_lang(language)
        self.set_producer("Nafasi")
        self.set_creation_date(made_at)
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.add_page()
        self.set_text_color(INK)

    def large(self, words: str) -> None:
        """A heading."""
        self._type(words, LARGE, bold=True, line_mm=8)

    def bold(self, words: str) -> None:
        """A line that stands out."""
        self._type(words, USUAL, bold=True)

    def usual(self, words: str) -> None:
        """A line, or as many as the words need."""
        self._type(words, USUAL)

    def quiet(self, words: str) -> None:
        """Small print."""
        self.set_text_color(QUIET)
        self._type(words, SMALL, line_mm=4.2)
        self.set_text_color(INK)

    def gap(self, millimetres: float = 3) -> None:
        """Leave some room."""
        self.ln(millimetres)

    def rule(self) -> None:
        """Draw a line across."""
        self.set_draw_color(200)
        self.line(self.l_margin, self.y + 1, self.w - self.r_margin, self.y + 1)
        self.ln(2.4)

    def row(self, cells: Sequence[str], shares: Sequence[float], *, bold: bool = False) -> None:
        """A line of a table: words on the left, everything else on the right.

        Args:
            cells: what stands in it; the first may take several lines.
            shares: the width of each, in parts of the whole.
            bold: whether it stands out.
        """
        self.set_font(FAMILY, "B" if bold else "", USUAL if len(cells) < 4 else SMALL)
        widths = [self.epw * share / sum(shares) for share in shares]
        height = self.multi_cell(
            widths[0], LINE_MM, cells[0], align="L", dry_run=True, output=MethodReturnValue.HEIGHT
        )
        if self.will_page_break(height):  # type: ignore[arg-type]  # It is a height.
            self.add_page()
        top = self.y
        self.multi_cell(widths[0], LINE_MM, cells[0], align="L", new_x=XPos.RIGHT, new_y=YPos.NEXT)
        bottom = self.y
        self.set_xy(self.l_margin + widths[0], top)
        for cell, width in zip(cells[1:], widths[1:], strict=True):
            self.cell(width, LINE_MM, cell, align="R")
        self.set_xy(self.l_margin, max(bottom, top + LINE_MM))

    def qr(self, address: str) -> None:
        """Draw a QR code of an address at the left, as squares: sharp on any printer."""
        code = segno.make(address, error="m", micro=False)
        modules = [list(line) for line in code.matrix]
        side = QR_MM / len(modules)
        if self.will_page_break(QR_MM):
            self.add_page()
        left, top = self.l_margin, self.y
        self.set_fill_color(0)
        for y, line in enumerate(modules):
            for x, dark in enumerate(line):
                if dark:
                    # A hair wider than a module, or viewers show the seams.
                    self.rect(left + x * side, top + y * side, side * 1.02, side * 1.02, "F")
        self.set_y(top + QR_MM + 2)

    def bytes(self) -> bytes:
        """Return the file."""
        return bytes(self.output())

    def _type(
        self, words: str, points: float, *, bold: bool = False, line_mm: float = LINE_MM
    ) -> None:
        self.set_font(FAMILY, "B" if bold else "", points)
        self.multi_cell(0, line_mm, words, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def amount(cents: int) -> str:
    """Return an amount as it stands in a column: 66,700.00."""
    whole, odd = divmod(abs(cents), CENTS_PER_SHILLING)
    return f"{'-' if cents < 0 else ''}{whole:,}.{odd:02d}"


def percent(basis_points: int) -> str:
    """Return a rate as it is spoken: 16 %, 2.5 %."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def day(moment: datetime | date) -> str:
    """Return a date with its year, as Kenyans write it: 20/11/2026."""
    local = moment.astimezone(NAIROBI).date() if isinstance(moment, datetime) else moment
    return f"{local:%d/%m/%Y}"
