"""What links and commands give: pages that tell no names, papers whose bytes do not change."""

import csv
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer

from core.booking.model import Booking
from core.catalog.rules import BookingMode
from core.clock import ManualClock
from core.db.tx import Database
from core.documents import taxes
from core.documents.links import new_link
from core.documents.model import Document
from core.documents.month import Month
from core.documents.queries import Paper, paper_of
from core.documents.statements import Statement, StatementLine
from core.money import kes
from core.people.model import User
from tests.conftest import VAULT_KEY
from tests.core.documents.papers import Papers
from tests.core.documents.test_taxes import stray
from tests.support.factories import OTHER_CUSTOMER, VENDOR
from tests.web.rig import Web
from web.commands import papers as paper_commands
from web.commands import tax as tax_commands
from web.pages.papers.receipt import receipt_pdf
from web.pages.papers.statement import statement_pdf
from web.tables import Cell, Column, csv_text

PAGE_BYTES_MAX = 4_000
DECEMBER = "2026-12"


@pytest.fixture
def papers(database: Database, clock: ManualClock) -> Papers:
    return Papers.open(database, clock, booking_mode=BookingMode.INSTANT)


@pytest.fixture
def receipt(papers: Papers) -> Document:
    """A paid booking's receipt."""
    papers.confirmed()
    (made,) = papers.issue()
    return made


def paper(papers: Papers, document: Document) -> Paper:
    return papers.run(lambda tx: paper_of(tx, document))


def test_the_check_of_a_receipt_tells_no_names(
    web: Web, papers: Papers, receipt: Document
) -> None:
    papers.run(lambda tx: setattr(tx.db.query(User).first(), "name", "Wanjiku"))

    page = web.http.get(f"/verify/{receipt.verify_token}")

    assert page.status_code == 200
    assert "This is a receipt of Nafasi." in page.text
    for told in ("R2026-000001", "20/11/2026", "KES 66,700", "It is valid."):
        assert told in page.text
    for hidden in ("Wanjiku", "001", "Baraka", receipt.download_token):
        assert hidden not in page.text.replace("R2026-000001", "")
    assert len(page.content) < PAGE_BYTES_MAX
    assert page.headers["x-robots-tag"].startswith("noindex")
    swahili = web.http.get(f"/verify/{receipt.verify_token}?lang=sw").text
    assert "Hii ni risiti ya Nafasi." in swahili
    assert "Ni halali." in swahili


def test_what_was_paid_back_is_said(web: Web, papers: Papers, receipt: Document) -> None:
    booking = papers.run(lambda tx: tx.db.get_one(Booking, receipt.booking_id))
    papers.refunded(booking)
    (credit,) = papers.issue()

    page = web.http.get(f"/verify/{receipt.verify_token}").text
    assert "Of it, KES 53,360 was paid back." in page
    page = web.http.get(f"/verify/{credit.verify_token}").text
    assert "This is a credit note of Nafasi." in page
    assert "It takes back receipt R2026-000001." in page


def test_a_receipt_is_the_same_file_each_time(web: Web, papers: Papers, receipt: Document) -> None:
    first, again = (web.http.get(f"/receipts/{receipt.download_token}.pdf") for _ in range(2))

    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["cache-control"] == "private, no-store"
    assert first.content.startswith(b"%PDF-")
    assert first.content == again.content
    address = f"{web.parts.settings.public_url}/verify/{receipt.verify_token}"
    assert receipt_pdf(paper(papers, receipt), address) == first.content
    assert receipt_pdf(paper(papers, receipt), f"{address}x") != first.content


@pytest.mark.parametrize(
    "path",
    [
        "/verify/{download}", "/receipts/{verify}.pdf", "/verify/nothing", "/receipts/nothing.pdf",
        "/statements/nothing", "/verify/%00", "/verify/a%20b", "/receipts/..%2F.pdf",
    ],
)  # fmt: skip
def test_what_is_no_token_of_that_kind_opens_nothing(
    web: Web, receipt: Document, path: str
) -> None:
    address = path.format(download=receipt.download_token, verify=receipt.verify_token)

    assert web.http.get(address).status_code == 404


def test_a_statement_is_opened_once_and_by_a_press_of_a_button(web: Web, papers: Papers) -> None:
    papers.confirmed()
    link = papers.run(lambda tx: new_link(tx, papers.vendor.id, date(2026, 11, 1)))
    address = f"/statements/{link.token}"

    for _ in range(2):  # A phone that shows a preview does not use it up.
        page = web.http.get(address)
        assert "Your statement of 11/2026" in page.text
        assert '<form method="post">' in page.text
    opened = web.http.post(address)

    assert opened.content.startswith(b"%PDF-")
    assert web.http.post(address).status_code == 404
    assert web.http.get(address).status_code == 404


@pytest.fixture
def glyphs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "fpdf"):
        yield caplog


def test_names_print_as_they_are_written(
    papers: Papers, receipt: Document, glyphs: pytest.LogCaptureFixture
) -> None:
    shown = paper(papers, receipt)
    for language in ("en", "sw"):
        customer = {"name": "Wanjikũ wa Ngũgĩ, Zoë Ñandú", "phone": "+2547****001"}
        receipt.content = receipt.content | {"customer": customer, "language": language}
        receipt_pdf(replace(shown, document=receipt), "https://nafasi.example/verify/x")
    assert glyphs.records == []

    receipt.content = receipt.content | {"customer": {"name": "名", "phone": ""}}
    receipt_pdf(replace(shown, document=receipt), "https://nafasi.example/verify/x")
    assert "missing the following glyphs" in glyphs.text


def line(**over: object) -> StatementLine:
    values = {
        "at": datetime(2026, 12, 2, tzinfo=UTC),
        "event": "released",
        "booking": "K7P4Q",
        "listing": "Mũgumo Gardens and Conference Centre No.",
        "base_cents": 18_515_700_00,
        "fee_cents": 0,
        "commission_cents": 2_777_355_00,
        "withholding_cents": 925_785_00,
        "net_cents": 14_812_560_00,
        "balance_cents": 14_812_560_00,
    }
    return StatementLine(**(values | over))  # type: ignore[arg-type]


def test_a_long_statement_goes_over_pages(glyphs: pytest.LogCaptureFixture) -> None:
    paid = line(event="paid_out", booking="", listing="", net_cents=-100)
    made = Statement(
        vendor=1,
        business="Kĩrĩnyaga Wholesale Events & Catering Co",
        language="sw",
        month=Month(date(2026, 12, 1)),
        made_at=datetime(2026, 12, 20, tzinfo=UTC),
        opening_cents=0,
        closing_cents=0,
        lines=[line()] * 60 + [paid],
    )

    body = statement_pdf(made)

    assert body == statement_pdf(made)
    assert len(re.findall(rb"/Type /Page\b", body)) > 2
    assert glyphs.records == []


# Commands, called as the command line calls them.


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NAFASI_ENV", "test")
    monkeypatch.setenv("NAFASI_DATABASE_URL", url)
    monkeypatch.setenv("NAFASI_VAULT_KEYS", VAULT_KEY)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(path.read_text())))


def test_tax_reports_as_csv(commands: None, papers: Papers, tmp_path: Path) -> None:
    booking = papers.released()
    vat, held = tmp_path / "vat.csv", tmp_path / "withholding.csv"

    tax_commands.vat(DECEMBER, tax_commands.Format.CSV, vat)
    tax_commands.withholding(DECEMBER, tax_commands.Format.CSV, held)

    assert table(vat) == [
        {
            "day": "2026-12-03",
            "booking": booking.code,
            "receipt": "",
            "vendor": str(papers.vendor.number),
            "business": "Baraka Gardens",
            "vendor_pin": "",
            "event": "released",
            "base": "57500.00",
            "rate_percent": "16.00",
            "tax": "9200.00",
        }
    ]
    (row,) = table(held)
    assert (row["base"], row["rate_percent"], row["tax"]) == ("50000.00", "5.00", "2500.00")


def test_what_is_released_while_a_report_is_made_is_in_all_of_it_or_in_nothing(
    commands: None, papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers.released()
    path, remitted = tmp_path / "vat.csv", taxes._remitted

    def meanwhile(*asked: Any) -> int:
        papers.released("SFF6XYQ2CD", OTHER_CUSTOMER)
        return remitted(*asked)

    monkeypatch.setattr(taxes, "_remitted", meanwhile)

    tax_commands.vat(DECEMBER, tax_commands.Format.CSV, path)

    assert len(table(path)) == 1


def test_a_workbook_holds_numbers_and_their_sum(
    commands: None, papers: Papers, tmp_path: Path
) -> None:
    papers.released()
    path = tmp_path / "vat.xlsx"

    tax_commands.vat(DECEMBER, tax_commands.Format.XLSX, path)

    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    assert re.findall(r"<v>(57500|9200)</v>", sheet) == ["57500", "9200", "57500", "9200"]
    assert "Total" in sheet


def test_no_report_where_the_ledger_says_otherwise(
    commands: None, papers: Papers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    papers.released()
    stray(papers, "tax:vat", kes(7))
    path = tmp_path / "vat.csv"

    with pytest.raises(typer.Exit) as ended:
        tax_commands.vat(DECEMBER, tax_commands.Format.CSV, path)

    assert ended.value.exit_code == 1
    assert not path.exists()
    assert "the difference is KES 7." in capsys.readouterr().err.replace("\n", " ")


def test_tax_is_paid_over_by_the_number_of_its_payment(
    commands: None, papers: Papers, capsys: pytest.CaptureFixture[str]
) -> None:
    papers.released()
    tax_commands.unpaid()
    assert capsys.readouterr().out.splitlines() == [
        "vat 2026-12  KES 9,200  due 20 Jan 2027",
        "withholding 2026-12  KES 2,500  due 07 Jan 2027",
    ]

    for _ in range(2):
        tax_commands.paid("vat", DECEMBER, amount="9,199.50", reference="FT26-98", provider="bank")
    told = " ".join(capsys.readouterr().err.split())
    assert told == (
        "Booked. Of vat 2026-12 KES 0.50 is owed."
        " It was booked before. Of vat 2026-12 KES 0.50 is owed."
    )
    for wrong in ({"amount": "1"}, {"amount": "-1"}, {"tax": "paye"}, {"month": "2026-13"}):
        given = {"tax": "vat", "month": DECEMBER, "amount": "1", "reference": "FT26-99"} | wrong
        with pytest.raises(typer.Exit):
            tax_commands.paid(given.pop("tax"), given.pop("month"), **given, provider="bank")
    assert "Only KES 0.50 of vat 2026-12 is owed." in capsys.readouterr().err.replace("\n", " ")


def test_papers_as_files(commands: None, papers: Papers, tmp_path: Path) -> None:
    booking = papers.released()
    papers.issue()
    pdf, sheet, listed = (tmp_path / name for name in ("r.pdf", "s.pdf", "s.csv"))
    kind = paper_commands.Format

    paper_commands.receipt(booking.code.lower(), pdf)
    paper_commands.statement(VENDOR, DECEMBER, kind.PDF, sheet)
    paper_commands.statement(str(papers.vendor.number), DECEMBER, kind.CSV, listed)

    assert pdf.read_bytes()[:5] == sheet.read_bytes()[:5] == b"%PDF-"
    (row,) = table(listed)
    assert (row["booking"], row["base"], row["net"], row["balance"]) == (
        booking.code,
        "50000.00",
        "40000.00",
        "40000.00",
    )


@pytest.mark.parametrize(
    "command",
    [
        lambda out: tax_commands.vat("2026-13", tax_commands.Format.CSV, out),
        lambda _out: tax_commands.vat(DECEMBER, tax_commands.Format.XLSX, None),
        lambda out: paper_commands.receipt("XX234", out),
        lambda out: paper_commands.statement("99", DECEMBER, paper_commands.Format.PDF, out),
    ],
    ids=["month", "workbook", "booking", "vendor"],
)
def test_what_cannot_be_meant_writes_nothing(
    commands: None, database: Database, tmp_path: Path, command: object
) -> None:
    assert callable(command)
    with pytest.raises(typer.Exit) as ended:
        command(tmp_path / "out")

    assert ended.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["=1+1", "+254", "-x", "@sum", "\tx"])
def test_words_that_begin_like_a_formula_stay_words(name: str) -> None:
    written = csv_text([Column("listing", Cell.TEXT)], [line(listing=name)])

    assert list(csv.reader(StringIO(written))) == [["listing"], [f"'{name}"]]
