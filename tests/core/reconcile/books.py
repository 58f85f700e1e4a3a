"""Clean books and the clean statement that belongs to them, and twelve ways to spoil it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.reconcile.matcher import Entry, FaultKind, Matcher, Outcome
from core.reconcile.statement import Line, LineKind
from tests.conftest import START

PAYBILL = "600123"
OTHER = "600124"


@dataclass
class Page:
    """Lines of a statement beside our entries."""

    lines: list[Line]
    ours: dict[str, Entry[int]]

    def match(self) -> Outcome[int]:
        """Give everything to the matcher, balances in order."""
        matcher: Matcher[int] = Matcher(PAYBILL)
        for line in self.lines:
            matcher.see(line, self.ours.get(line.linked or line.number))
        return matcher.finish(entry for entry in self.ours.values() if entry.account == PAYBILL)

    def balanced(self, opening_cents: int = 0) -> "Page":
        """Write the balances that follow from the lines."""
        balance, lines = opening_cents, []
        for line in self.lines:
            balance += line.amount_cents
            lines.append(replace(line, balance_cents=balance))
        self.lines = lines
        return self


def number(i: int) -> str:
    return f"SFF{i:07d}"


def clean(count: int, begin: datetime = START) -> Page:
    """So many payments; each tenth is a payout with its charge after it."""
    page = Page([], {})
    for i in range(count):
        at = begin + timedelta(seconds=20 * i)
        out = i % 10 == 9
        cents = (10_000 + 100 * i) * (-1 if out else 1)
        page.lines.append(Line(len(page.lines) + 1, number(i), at, cents))
        if out:
            charge = Line(len(page.lines) + 1, number(i), at, -1_300, LineKind.CHARGE)
            page.lines.append(charge)
        learned = at + timedelta(seconds=i % 200)
        page.ours[number(i)] = Entry(i, number(i), PAYBILL, cents, learned)
    return page.balanced()


def _change(page: Page, i: int, **over: object) -> None:
    place = next(at for at, line in enumerate(page.lines) if line.number == number(i))
    page.lines[place] = replace(page.lines[place], **over)  # type: ignore[arg-type]


def _line(page: Page, i: int) -> Line:
    return next(line for line in page.lines if line.number == number(i))


def _missing_ours(page: Page) -> str:
    del page.ours[number(3)]
    return number(3)


def _missing_theirs(page: Page) -> str:
    page.lines = [line for line in page.lines if line.number != number(13)]
    return number(13)


def _amount(page: Page) -> str:
    _change(page, 22, amount_cents=_line(page, 22).amount_cents + 100)
    return number(22)


def _date(page: Page) -> str:
    _change(page, 31, at=_line(page, 31).at + timedelta(days=2))
    return number(31)


def _duplicate(page: Page) -> str:
    page.lines.append(_line(page, 41))
    return number(41)


def _reversed(page: Page) -> str:
    taken = _line(page, 51)
    back = replace(
        taken, number="SFFREVERS1", amount_cents=-taken.amount_cents, kind=LineKind.REVERSAL,
        linked=number(51),
    )  # fmt: skip
    page.lines.append(back)
    return "SFFREVERS1"


def _charge(page: Page) -> str:
    page.lines.append(Line(999, "SFFSTRANGE", START, -500, LineKind.CHARGE))
    return "SFFSTRANGE"


def _swapped(page: Page) -> str:
    one, two = _line(page, 61), _line(page, 62)
    _change(page, 61, amount_cents=two.amount_cents)
    _change(page, 62, amount_cents=one.amount_cents)
    return number(61)


def _account(page: Page) -> str:
    page.ours[number(71)] = replace(page.ours[number(71)], account=OTHER)
    return number(71)


def _direction(page: Page) -> str:
    _change(page, 81, amount_cents=-_line(page, 81).amount_cents)
    return number(81)


def _currency(page: Page) -> str:
    _change(page, 91, currency="USD")
    return number(91)


def _balance(page: Page) -> str:
    """A line was cut out and the balances were left as they are."""
    return number(93)


SPOIL: dict[FaultKind, Callable[[Page], str]] = {
    FaultKind.MISSING_OURS: _missing_ours,
    FaultKind.MISSING_THEIRS: _missing_theirs,
    FaultKind.AMOUNT: _amount,
    FaultKind.DATE: _date,
    FaultKind.DUPLICATE: _duplicate,
    FaultKind.REVERSED: _reversed,
    FaultKind.CHARGE: _charge,
    FaultKind.SWAPPED: _swapped,
    FaultKind.ACCOUNT: _account,
    FaultKind.DIRECTION: _direction,
    FaultKind.CURRENCY: _currency,
    FaultKind.BALANCE: _balance,
}


def spoil(page: Page, *kinds: FaultKind) -> dict[FaultKind, str]:
    """Plant faults and return the receipt in which each should be found."""
    planted = {kind: SPOIL[kind](page) for kind in kinds}
    page.balanced()
    if FaultKind.BALANCE in planted:
        at = next(i for i, line in enumerate(page.lines) if line.number == number(93))
        page.lines[at:] = [
            replace(line, balance_cents=(line.balance_cents or 0) + 700)
            for line in page.lines[at:]
        ]
    return planted
