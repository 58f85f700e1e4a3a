"""A receipt or a credit note on paper, from what was kept when it was issued."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from channels.registry import PROVIDERS
from core.documents.lifecycle import InvoiceState
from core.documents.model import Document, DocumentKind
from core.documents.queries import Paper
from sessions.texts import T, plain, t
from web.pages.papers.sheet import Sheet, amount, day, percent

COLUMNS = (7, 3)
SIGNATURE_SHOWN_MAX = 80
# What customers call a provider by.
CALLED = {provider.name: provider.called for provider in PROVIDERS}

Say = Callable[[T], str]


def receipt_pdf(paper: Paper, verify_url: str) -> bytes:
    """Return the PDF of a document.

    Args:
        paper: the document, and what the tax authority has made of it.
        verify_url: where the QR code leads.
    """
    document, content = paper.document, paper.document.content
    language = content["language"]
    say = partial(plain, language=language)
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


def _head(sheet: Sheet, say: Say, paper: Paper) -> None:
    document, seller = paper.document, paper.document.content["seller"]
    credit = document.kind is DocumentKind.CREDIT_NOTE
    sheet.large(say(t("Credit note")) if credit else say(t("Receipt")))
    sheet.bold(document.label)
    sheet.usual(say(t("Date {day}", day=day(document.issued_at))))
    if credit:
        sheet.usual(say(t("It takes back receipt {number}.", number=paper.original)))
    sheet.gap()
    sheet.bold(seller["name"])
    if seller["pin"]:
        sheet.usual(f"KRA PIN {seller['pin']}")
    sheet.gap()


def _booking(sheet: Sheet, say: Say, content: dict[str, Any]) -> None:
    """Say for whom and what. Names stand as they are written, not as a phone shows them."""
    customer, booking = content["customer"], content["booking"]
    whom = " ".join(part for part in (customer["name"], customer["phone"]) if part)
    for label, words in (
        (say(t("Customer")), whom),
        (say(t("Booking")), f"{booking['code']} {booking['listing']}"),
        (say(t("Vendor")), booking["business"]),
        (say(t("Date of the service")), _days(booking)),
        (say(t("People")), f"{booking['people']:,}"),
    ):
        sheet.usual(f"{label}: {words}")


def _days(booking: dict[str, Any]) -> str:
    first, last = (date.fromisoformat(booking[name]) for name in ("starts_on", "ends_on"))
    return day(first) if (last - first).days == 1 else f"{day(first)} - {day(last)}"


def _lines(sheet: Sheet, say: Say, document: Document) -> None:
    vat = document.content["rates"]["vat"]
    since = day(date.fromisoformat(vat["since"]))
    for words, cents in (
        (t("Service of the vendor"), document.base_cents),
        (t("Service fee"), document.service_fee_cents),
        (
            t("VAT {rate} (since {day})", rate=percent(vat["basis_points"]), day=since),
            document.vat_cents,
        ),
        (t("Rounding"), document.rounding_cents),
    ):
        if cents:
            sheet.row((say(words), amount(cents)), COLUMNS)


def _foot(sheet: Sheet, say: Say, paper: Paper) -> None:
    document, payment = paper.document, paper.document.content["payment"]
    whole = document.content["booking"]["total_cents"]
    if document.kind is DocumentKind.RECEIPT and document.total_cents < whole:
        sheet.usual(say(t("Part of the price of KES {whole}.", whole=amount(whole))))
    card = say(t("card")) if document.by_card else None
    called = CALLED.get(payment["provider"])
    parts = card, called, payment["receipt"], day(document.moved_at)
    through = " ".join(part for part in parts if part)
    sheet.quiet(say(t("Payment: {through}", through=through)))
    invoice = paper.invoice
    if invoice.state is InvoiceState.REGISTERED:
        number = "" if invoice.receipt_number is None else f", {invoice.receipt_number}"
        sheet.quiet(f"KRA eTIMS {invoice.number}{number}")
        sheet.quiet((invoice.signature or "")[:SIGNATURE_SHOWN_MAX])
    sheet.gap(2)
