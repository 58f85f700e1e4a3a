"""Providers' exports: what is read, and what is refused with the line that shows it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.daraja import statement as daraja
from channels.flutterwave import statement as flutterwave
from channels.flutterwave import transfer_export
from channels.table import FILE_BYTES_MAX, cents, moment, month
from core.reconcile.statement import BadStatement, Line, LineKind, Reading

HEADER = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,"
    "Balance,Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No.,Currency"
)
HEAD = """\
Organization Name:,NAFASI
Short Code:,600123
Time Period:,From 01-11-2026 00:00:00 To 30-11-2026 23:59:59
"""
ROWS = (
    (
        "UKK2B3C4D5,20-11-2026 09:02:11,20-11-2026 09:02:03,Pay Bill Online,Completed,"
        '"66,700.00",,"66,700.00",true,Pay Bill Online,2547****001 - AMINA W,,K7P4Q,KES'
    ),
    (
        "UKK2B3C4D6,20-11-2026 10:00:00,20-11-2026 10:00:00,Pay Bill Online,Failed,500.00,,,false,"
        "Pay Bill Online,2547****002 - JOHN D,,K7P4R,KES"
    ),
    (
        'UKK2B3C4D7,2026-11-21 08:00:00,,Business Payment,Completed,,-40000.00,"26,700.00",true,'
        "Business Payment to Customer via API,2547****011 - BARAKA,,,KES"
    ),
    (
        "UKK2B3C4D7,2026-11-21 08:00:00,,Business Payment Charge,Completed,,13.00,"
        '"26,687.00",true,Business Payment Charge,,,,KES'
    ),
    (
        'UKL2B3C4D8,2026-11-22 08:00:00,,Reversal,Completed,,700.00,"25,987.00",true,'
        "Transaction Reversal,,UKK2B3C4D5,,KES"
    ),
    (
        'UKL2B3C4D9,2026-11-23 08:00:00,,Settle,Completed,,"20,000.00","5,987.00",true,'
        "Organization Settlement to Bank,KCB,,,KES"
    ),
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "statement.csv"
        path.write_text(text, encoding="utf-8-sig")
        return path

    return write


Write = Callable[[str], Path]


def file(*rows: str, head: str = HEAD, header: str = HEADER) -> str:
    return head + "\n".join([header, *rows]) + "\n"


def read_lines(reading: Reading) -> list[Line]:
    return list(reading.source.lines())


def test_an_organisation_statement_is_read_row_by_row(write: Write) -> None:
    reading = daraja.read_statement(write(file(*ROWS)))

    statement = reading.statement
    assert (statement.provider, statement.account, statement.lines) == ("daraja", "600123", 5)
    assert statement.begins == datetime(2026, 10, 31, 21, tzinfo=UTC)
    assert statement.ends == datetime(2026, 11, 30, 21, tzinfo=UTC)
    assert (statement.opening_cents, statement.closing_cents) == (0, 598_700)
    assert len(statement.digest) == 64
    paid, out, charge, back, bank = read_lines(reading)
    assert paid.number == "UKK2B3C4D5"
    assert paid.at == datetime(2026, 11, 20, 6, 2, 11, tzinfo=UTC)
    assert (paid.amount_cents, paid.reference, paid.place) == (6_670_000, "K7P4Q", 5)
    assert (out.amount_cents, out.kind) == (-4_000_000, LineKind.PAYMENT)
    assert (charge.amount_cents, charge.kind) == (-1_300, LineKind.CHARGE)
    assert (back.kind, back.linked) == (LineKind.REVERSAL, "UKK2B3C4D5")
    assert bank.kind is LineKind.OWN_FUNDS


def test_the_newest_row_may_stand_first(write: Write) -> None:
    statement = daraja.read_statement(write(file(*reversed(ROWS)))).statement

    assert statement.newest_first
    assert (statement.opening_cents, statement.closing_cents) == (0, 598_700)


def test_an_old_export_without_head_and_currency_is_read_when_told_the_shortcode(
    write: Write,
) -> None:
    header = HEADER.removesuffix(",Currency")
    rows = [row.removesuffix(",KES") for row in ROWS]

    reading = daraja.read_statement(
        write(file(*rows, head="", header=header)), account="600123", wanted=month("2026-11")
    )

    assert reading.statement.account == "600123"
    assert {line.currency for line in read_lines(reading)} == {"KES"}


def bad_cell(old: str, new: str) -> str:
    return file(*ROWS).replace(old, new, 1)


REFUSED = {
    "no table at all": ("Dear customer,\nfind your statement attached\n", "no_table", {}),
    "nothing": ("", "no_table", {}),
    "columns missing": (
        file(*ROWS, header=HEADER.replace("Paid In", "Amount")),
        "no_column",
        {"columns": ["paid in"]},
    ),
    "no payment in it": (file(ROWS[1]), "empty", {}),
    "another shortcode": (
        bad_cell("600123", "600999"), "other_account", {"found": "600999", "wanted": "600123"}
    ),
    "another month by its head": (
        bad_cell("01-11-2026 00:00:00 To 30-11", "01-10-2026 00:00:00 To 31-10"),
        "other_month",
        {"line": 0},
    ),
    "a row of another month": (
        bad_cell("20-11-2026 09", "20-12-2026 09"), "other_month", {"line": 5}
    ),
    "broken off in a row": (file(*ROWS)[:-40], "truncated", {"line": 10}),
    "a short row in the middle": (
        file(ROWS[0], "UKK2B3C4D6,20-11-2026", ROWS[2]),
        "bad_row",
        {"line": 6, "column": ""},
    ),
    "broken off between rows": (
        file(*ROWS[:4], head=HEAD + 'Closing Balance:,"5,987.00"\n'), "truncated", {"line": 9}
    ),
    "broken off between rows, newest first": (
        file(*ROWS[:3:-1], head=HEAD + "Opening Balance:,0.00\n"), "truncated", {"line": 6}
    ),
    "an amount that is none": (
        bad_cell('"66,700.00",,', '"66;700",,'), "bad_row", {"line": 5, "column": "paid in"}
    ),
    "an amount with a float's tail": (
        bad_cell('"66,700.00",,', "66700.005,,"), "bad_row", {"line": 5, "column": "paid in"}
    ),
    "in and out at once": (
        bad_cell('"66,700.00",,', "100.00,100.00,"), "bad_row", {"line": 5, "column": "paid in"}
    ),
    "a time that is none": (
        bad_cell("20-11-2026 09:02:11", "31-11-2026 09:02:11"),
        "bad_row",
        {"line": 5, "column": "completion time"},
    ),
    "a receipt that is none": (
        bad_cell("UKK2B3C4D5", "see below"), "bad_row", {"line": 5, "column": "receipt no."}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_our_whole_statement_is_refused(write: Write, name: str) -> None:
    text, code, data = REFUSED[name]

    with pytest.raises(BadStatement) as refused:
        daraja.read_statement(write(text), account="600123", wanted=month("2026-11"))

    assert (refused.value.code, refused.value.data) == (code, data)


def test_a_file_that_does_not_say_whose_it_is_is_refused(write: Write) -> None:
    with pytest.raises(BadStatement) as refused:
        daraja.read_statement(write(file(*ROWS, head="")))

    assert refused.value.code == "no_account"


def test_a_file_that_changes_while_it_is_read_is_refused(write: Write) -> None:
    reading = daraja.read_statement(write(file(*ROWS)))
    write(file(*ROWS[:3]))

    with pytest.raises(BadStatement) as refused:
        read_lines(reading)

    assert refused.value.code == "changed"


def test_a_file_beyond_any_statement_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "statement.csv"
    with path.open("wb") as hole:
        hole.truncate(FILE_BYTES_MAX + 1)

    with pytest.raises(BadStatement) as refused:
        daraja.read_statement(path, account="600123")

    assert refused.value.code == "too_large"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "statement.csv"
    path.write_bytes(bytes(range(256)) * 64)

    with pytest.raises(BadStatement):
        daraja.read_statement(path, account="600123")


SETTLEMENT = """\
customer_email,flw_ref,tx_ref,id,charged_amount,app_fee,merchant_fee,stampduty_fee,\
settlement_amount,status,payment_entity,transaction_date,currency
u1@guest.example,FLW001,bk-1,984411,66700,1934.3,0,0,64765.7,successful,mpesa,2026-11-20,KES
u2@guest.example,FLW002,bk-2,984412,1500,0,0,0,1500,failed,mpesa,2026-11-20,KES
u3@guest.example,FLW003,bk-3,984413,1500.50,0,0,0,1500.50,successful,card,2026-11-21,KES
"""


def test_a_settlement_gives_payments_and_what_was_kept_back(write: Write) -> None:
    reading = flutterwave.read_statement(write(SETTLEMENT))

    paid, fee, card = read_lines(reading)
    assert (paid.number, paid.names) == ("FLW001", ("984411", "bk-1"))
    assert (paid.amount_cents, fee.amount_cents) == (6_670_000, -193_430)
    assert fee.kind is LineKind.CHARGE
    assert card.amount_cents == 150_050
    assert paid.day_only
    assert reading.statement.account == "settlement"
    assert reading.statement.begins == datetime(2026, 11, 19, 21, tzinfo=UTC)
    assert reading.statement.ends == datetime(2026, 11, 21, 21, tzinfo=UTC)
    assert reading.statement.opening_cents is None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("app_fee", "fee", "no_column"),
        ("66700,", "lots,", "bad_row"),
        ("2026-11-20,KES\nu2", "soon,KES\nu2", "bad_row"),
        ("FLW001,", ",", "bad_row"),
        ("card,2026-11-21,KES", "card", "truncated"),
        ("2026-11-21", "2026-12-21", "other_month"),
    ],
)
def test_a_settlement_that_is_not_whole_is_refused(
    write: Write, old: str, new: str, code: str
) -> None:
    with pytest.raises(BadStatement) as refused:
        flutterwave.read_statement(write(SETTLEMENT.replace(old, new)), wanted=month("2026-11"))

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None), ("0", 0), ("1,053.00", 105_300), ("-4000.00", -400_000), ("+5.5", 550),
        ("12,345,678.90", 1_234_567_890), ("999999999", 99_999_999_900),
    ],
)  # fmt: skip
def test_amounts_become_whole_cents(text: str, expected: int | None) -> None:
    assert cents(text) == expected


@pytest.mark.parametrize(
    "text", ["1.234", "1e5", "1,00", "KES 5", "\u0663", "--1", "1 000", "nan"]
)
def test_what_is_no_amount_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        cents(text)


@pytest.mark.parametrize("text", ["", "2026-13-01", "20.11.2026", "2026-11-20 25:00:00", "today"])
def test_what_is_no_moment_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time|must be in|out of range"):
        moment(text)


TRANSFERS = """\
id,reference,account_number,bank_code,full_name,amount,fee,currency,status,created_at
26251,0199f3a0,254700000011,MPS,Payout 12,40000.00,100.00,KES,SUCCESSFUL,2026-11-23T03:00:05Z
26252,0199f3a1,0123456789,68,Baraka,1350.00,0,KES,FAILED,2026-11-23T03:00:06Z
26253,0199f3a2,0123456789,68,Baraka,1350.00,,KES,REVERSED,2026-11-23T03:00:07Z
"""


def test_a_transfer_export_shows_what_went_out_and_what_came_back(write: Write) -> None:
    reading = transfer_export.read_statement(write(TRANSFERS), wanted=month("2026-11"))

    assert (reading.statement.provider, reading.statement.account) == ("flutterwave", "transfers")
    lines = read_lines(reading)
    assert [(line.number, line.amount_cents, line.kind) for line in lines] == [
        ("26251", -4_000_000, LineKind.PAYMENT),
        ("26251", -10_000, LineKind.CHARGE),
        ("26253", -135_000, LineKind.PAYMENT),
        ("reversal:0199f3a2", 135_000, LineKind.REVERSAL),
    ]
    assert lines[0].at == datetime(2026, 11, 23, 3, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("40000.00", "-1", "amount"),
        ("40000.00", "", "amount"),
        ("26251", "", "id"),
        ("2026-11-23T03:00:05Z", "Monday", "created_at"),
        ("2026-11-23T03:00:05Z", "soonT", "created_at"),
    ],
)
def test_a_transfer_that_cannot_be_read_is_refused_by_its_column(
    write: Write, old: str, new: str, column: str
) -> None:
    with pytest.raises(BadStatement) as refused:
        transfer_export.read_statement(write(TRANSFERS.replace(old, new)))
    assert (refused.value.code, refused.value.data) == ("bad_row", {"line": 2, "column": column})
