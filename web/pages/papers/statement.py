"""A vendor's month on paper."""

from functools import partial

from core.documents.statements import Statement, StatementLine
from core.escrow.transfer import TransferKind
from sessions.texts import plain, t
from web.pages.papers.sheet import A4_MM, Sheet, amount, day

COLUMNS = (7.4, 3.7, 3.5, 3.3, 3.7, 3.7)
EVENTS = {
    TransferKind.RELEASED.value: t("Earned"),
    TransferKind.RETAINED.value: t("Kept after a cancellation"),
    TransferKind.PAID_OUT.value: t("Paid to you"),
    TransferKind.PAID_BACK.value: t("Came back to us"),
}


def statement_pdf(statement: Statement) -> bytes:
    """Return the PDF of a vendor's month; the same month gives the same bytes."""
    say = partial(plain, language=statement.language)
    title = say(t("Statement {month}", month=str(statement.month)))
    # A month that is over is as old as its end, whenever it is asked for.
    made_at = min(statement.made_at, statement.month.ends)
    sheet = Sheet(title, statement.language, made_at, A4_MM)
    sheet.large(title)
    sheet.bold(statement.business)
    sheet.usual(say(t("Vendor {number}", number=str(statement.vendor))))
    sheet.usual(say(t("Amounts in KES, until {day}", day=day(made_at))))
    sheet.gap()
    heads = (t("What"), t("Price"), t("Commission"), t("Tax"), t("Yours"), t("Balance"))
    sheet.row([say(head) for head in heads], COLUMNS, bold=True)
    sheet.rule()
    _balance(sheet, say(t("Owed before")), statement.opening_cents)
    for line in statement.lines:
        sheet.row(_cells(line, say(EVENTS.get(line.event, t("Other")))), COLUMNS)
    sheet.rule()
    sums = (
        statement.total("base_cents"),
        -statement.total("commission_cents"),
        -statement.total("withholding_cents"),
        statement.total("net_cents"),
    )
    sheet.row((say(t("Together")), *map(amount, sums), ""), COLUMNS, bold=True)
    _balance(sheet, say(t("Owed after")), statement.closing_cents)
    sheet.gap()
    sheet.quiet(say(t("Paid to you in this month: KES {sum}", sum=amount(statement.paid_cents))))
    return sheet.bytes()


def _cells(line: StatementLine, event: str) -> tuple[str, ...]:
    named = f"{day(line.at)} {event}"
    if not line.booking:
        return (named, "", "", "", amount(line.net_cents), amount(line.balance_cents))
    return (
        f"{named} {line.booking} {line.listing}",
        amount(line.base_cents),
        amount(-line.commission_cents),
        amount(-line.withholding_cents),
        amount(line.net_cents),
        amount(line.balance_cents),
    )


def _balance(sheet: Sheet, words: str, cents: int) -> None:
    sheet.row((words, "", "", "", "", amount(cents)), COLUMNS, bold=True)
