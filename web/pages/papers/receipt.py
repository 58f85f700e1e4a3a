"""A receipt or a credit note on paper, from what was kept when it was issued."""

from datetime import date
from typing import Any

from core.documents.lifecycle import InvoiceState
from core.documents.model import Document, DocumentKind
from core.documents.queries import Paper
from sessions.texts import T, plain, t
from web.pages.papers.sheet import Sheet, amount, day, percent

COLUMNS = (7, 3)
SIGNATURE_SHOWN_MAX = 80
# What customers call a provider by.
CALLED = {"daraja": "M-Pesa", "flutterwave": "Flutterwave"}


def receipt_pdf(paper: Paper, verify_url: str) -> bytes:
    """Return the PDF of a document.

    Args:
        paper: the document, and what the tax authority has made of it.
        verify_url: where the QR code leads.
    """
    document, content = paper.document, paper.document.content
    language = content["language"]

    def say(text: T) -> str:
        return plain(text, language)

    sheet = Sheet(document.label, language, document.issued_at)
    _head(sheet, say, paper)
    _booking(sheet, say, content)
    sheet.rule()
    _lines(sheet, say, document)
    sheet.rule()
    sheet.row((say(t("Total KES")), amount(document.total_cents)), COLUMNS, bold=True)
    sheet.gap()
    _foot(sheet, say, paper)
    sheet.qr(verify_url)
    sheet.quiet(say(t("Check this paper: scan the code, or open")))
    sheet.quiet(verify_url)
    return sheet.bytes()


def _head(sheet: Sheet, say: Any, paper: Paper) -> None:
    document, seller = paper.document, paper.document.content["seller"]
    credit = document.kind is DocumentKind.CREDIT_NOTE
    sheet.large(say(t("Credit note")) if credit else say(t("Receipt")))
    sheet.bold(document.label)
    sheet.usual(f"{say(t('Date'))} {day(document.issued_at)}")
    if credit:
        sheet.usual(f"{say(t('It takes back receipt'))} {paper.original}")
    sheet.gap()
    sheet.bold(seller["name"])
    if seller["pin"]:
        sheet.usual(f"KRA PIN {seller['pin']}")
    sheet.gap()


def _booking(sheet: Sheet, say: Any, content: dict[str, Any]) -> None:
    """Names as they are written, not as a phone shows them."""
    customer, booking = content["customer"], content["booking"]
    whom = " ".join(part for part in (customer["name"], customer["phone"]) if part)
    sheet.usual(f"{say(t('Customer'))}: {whom}")
    sheet.usual(f"{say(t('Booking'))} {booking['code']}: {booking['listing']}")
    sheet.usual(f"{say(t('Vendor'))}: {booking['business']}")
    first, last = (date.fromisoformat(booking[name]) for name in ("starts_on", "ends_on"))
    days = day(first) if (last - first).days == 1 else f"{day(first)} - {day(last)}"
    sheet.usual(f"{days}, {say(t('people'))}: {booking['people']:,}")


def _lines(sheet: Sheet, say: Any, document: Document) -> None:
    rates = document.content["rates"]
    vat = f"{say(t('VAT'))} {percent(rates['vat']['basis_points'])}"
    since = say(t("since {day}", day=day(date.fromisoformat(rates["vat"]["since"]))))
    for words, cents in (
        (say(t("Service of the vendor")), document.base_cents),
        (say(t("Service fee")), document.service_fee_cents),
        (f"{vat} ({since})", document.vat_cents),
        (say(t("Rounding")), document.rounding_cents),
    ):
        if cents:
            sheet.row((words, amount(cents)), COLUMNS)


def _foot(sheet: Sheet, say: Any, paper: Paper) -> None:
    document, payment = paper.document, paper.document.content["payment"]
    whole = document.content["booking"]["total_cents"]
    if document.kind is DocumentKind.RECEIPT and document.total_cents < whole:
        sheet.usual(say(t("Part of the price of KES {whole}.", whole=amount(whole))))
    through = " ".join(
        name for name in (CALLED.get(payment["provider"]), payment["receipt"]) if name
    )
    sheet.quiet(f"{say(t('Payment'))}: {through}, {day(document.moved_at)}")
    invoice = paper.invoice
    if invoice.state is InvoiceState.REGISTERED:
        number = "" if invoice.receipt_number is None else f", {invoice.receipt_number}"
        sheet.quiet(f"KRA eTIMS {invoice.number}{number}")
        sheet.quiet((invoice.signature or "")[:SIGNATURE_SHOWN_MAX])
    sheet.gap(2)
