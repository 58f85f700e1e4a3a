"""What a link in an SMS or a QR code opens: the check of a document, the document, a statement."""

from datetime import date

from fastapi import APIRouter, Request, Response

from core.db.tx import Tx
from core.documents.links import find_link, use_link
from core.documents.model import DocumentKind
from core.documents.month import Month
from core.documents.queries import Paper, by_download_token, by_verify_token
from core.documents.statements import statement_of
from core.money import Money
from core.settings import Settings
from sessions.texts import T, money, plain, t
from web.pages.papers.receipt import receipt_pdf
from web.pages.papers.sheet import day
from web.pages.papers.statement import statement_pdf
from web.pages.render import language_of, page
from web.pages.tokens import PRIVATE, Token, or_404
from web.parts import Parts

PDF = "application/pdf"


def verify_url(settings: Settings, paper: Paper) -> str:
    """Return where a document's QR code leads."""
    return f"{settings.public_url.rstrip('/')}/verify/{paper.document.verify_token}"


def paper_routes(parts: Parts) -> APIRouter:
    """Return the addresses of papers."""
    router = APIRouter(include_in_schema=False)
    database = parts.database

    @router.get("/verify/{token}")
    def verify(request: Request, token: Token) -> Response:
        with database.reading() as tx, or_404():
            paper = by_verify_token(tx, token)
        answer = page(request, "verify.html", _told(paper, language_of(request)))
        answer.headers.update(PRIVATE)
        return answer

    @router.get("/receipts/{token}.pdf")
    def receipt(token: Token) -> Response:
        with database.reading() as tx, or_404():
            paper = by_download_token(tx, token)
        body = receipt_pdf(paper, verify_url(parts.settings, paper))
        return _pdf(body, f"{paper.document.label}.pdf")

    @router.get("/statements/{token}")
    def ask_statement(request: Request, token: Token) -> Response:
        """A page with a button: a phone that only looks at the link must not use it up."""
        with database.reading() as tx, or_404():
            month = find_link(tx, token).month
        answer = page(request, "statement.html", _asked(month, language_of(request)))
        answer.headers.update(PRIVATE)
        return answer

    @router.post("/statements/{token}")
    def open_statement(token: Token) -> Response:
        def made(tx: Tx) -> bytes:
            link = use_link(tx, token)
            return statement_pdf(statement_of(tx, link.vendor_id, Month(link.month)))

        with or_404():
            body = database.run(made)
        return _pdf(body, "nafasi-statement.pdf")

    return router


def _pdf(body: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"', **PRIVATE}
    return Response(body, media_type=PDF, headers=headers)


def _told(paper: Paper, language: str) -> dict[str, object]:
    """What the page of a document says: number, date, amount and whether it still counts."""
    document = paper.document
    rows = (
        (t("Number"), document.label),
        (t("Date"), day(document.issued_at)),
        (t("Amount"), money(Money(document.total_cents))),
    )
    return {
        "title": plain(_title(paper), language),
        "standing": plain(_standing(paper), language),
        "rows": [(plain(name, language), value) for name, value in rows],
    }


def _title(paper: Paper) -> T:
    if paper.document.kind is DocumentKind.CREDIT_NOTE:
        return t("This is a credit note of Nafasi.")
    return t("This is a receipt of Nafasi.")


def _standing(paper: Paper) -> T:
    if paper.original is not None:
        return t("It takes back receipt {number}.", number=paper.original)
    if not paper.credited_cents:
        return t("It is valid.")
    if paper.credited_cents >= paper.document.total_cents:
        return t("All of it was paid back.")
    return t("Of it, {amount} was paid back.", amount=Money(paper.credited_cents))


def _asked(month: date, language: str) -> dict[str, object]:
    return {
        "title": plain(t("Your statement of {month}", month=f"{month:%m/%Y}"), language),
        "once": plain(t("For your safety this link opens it once."), language),
        "open": plain(t("Open the statement"), language),
    }
