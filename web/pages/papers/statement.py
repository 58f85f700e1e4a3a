"""A vendor's month on paper."""

from core.documents.statements import Statement, StatementLine
from core.escrow.transfer import TransferKind
from sessions.texts import T, plain, t
from web.pages.papers.sheet import A4_MM, Sheet, amount, day

COLUMNS = (9, 3.2, 3.2, 3.2, 3.2, 3.6)
EVENTS = {
    TransferKind.RELEASED.value: t("Earned"),
    TransferKind.RETAINED.value: t("Kept after a cancellation"),
    TransferKind.PAID_OUT.value: t("Paid to you"),
}


def statement_pdf(statement: Statement) -> bytes:
    """Return the PDF of a vendor's month; the same month gives the same bytes."""

    def say(text: T) -> str:
        return plain(text, statement.language)

    title = say(t("Statement {month}", month=str(statement.month)))
    # A month that is over is as old as its end, whenever it is asked for.
    made_at = min(statement.made_at, statement.month.ends)
    sheet = Sheet(title, statement.language, made_at, A4_MM)
    sheet.large(title)
    sheet.bold(statement.business)
    sheet.usual(f"{say(t('Vendor'))} {statement.vendor}")
    sheet.usual(f"{say(t('Amounts in KES, until'))} {day(made_at)}")
    sheet.gap()
    heads = (t("What"), t("Price"), t("Commission"), t("Tax"), t("Yours"), t("Balance"))
    sheet.row([say(head) for head in heads], COLUMNS, bold=True)
    sheet.rule()
    _balance(sheet, say(t("Owed before")), statement.opening_cents)
    for line in statement.lines:
        sheet.row(_cells(line, say(EVENTS.get(line.event, t("Other")))), COLUMNS)
    sheet.rule()
    totals = ("base_cents", "commission_cents", "withholding_cents", "net_cents")
    sums = [amount(statement.total(name)) for name in totals]
    sheet.row((say(t("Together")), *sums, ""), COLUMNS, bold=True)
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
