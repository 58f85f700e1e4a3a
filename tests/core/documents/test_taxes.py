"""Tax reports tie to the ledger; what does not is refused with its difference."""

from datetime import date

import pytest

from core.booking.cancel import cancel_by_vendor
from core.clock import nairobi_date
from core.db.tx import Tx
from core.documents.etims import tax_lines
from core.documents.month import Month
from core.documents.taxes import Tax, Untied, tax_report
from core.escrow import accounts, ledger
from core.escrow.transfer import Leg, Transfer, TransferKind
from core.money import Money, kes
from core.pricing.model import RateRow
from core.pricing.rules import RateBase, RateName
from tests.core.booking.kitchen import MORE
from tests.core.documents.papers import Papers

NOVEMBER, DECEMBER = Month.parse("2026-11"), Month.parse("2026-12")


def stray(papers: Papers, account: str, amount: Money) -> None:
    """A hand at work in the ledger."""
    legs = (Leg("expense:provider_fees", amount), Leg(account, -amount))
    post = Transfer(f"stray:{account}", TransferKind.CHARGED, legs)
    papers.run(lambda tx: ledger.post(tx, post))


def test_a_month_of_vat_and_of_withholding(papers: Papers) -> None:
    booking = papers.released()  # On 1 December; paid for in November.
    papers.issue()

    vat = papers.run(lambda tx: tax_report(tx, Tax.VAT, DECEMBER))
    held = papers.run(lambda tx: tax_report(tx, Tax.WITHHOLDING, DECEMBER))

    (row,) = vat.rows
    assert (row.booking, row.receipt, row.event) == (booking.code, "R2026-000001", "released")
    assert (row.base_cents, row.basis_points, row.tax_cents) == (
        kes(57_500).cents,
        1600,
        kes(9_200).cents,
    )
    assert (row.vendor, row.business, row.vendor_pin) == (
        papers.vendor.number,
        "Baraka Gardens",
        "",
    )
    (row,) = held.rows
    assert (row.base_cents, row.basis_points, row.tax_cents) == (
        kes(50_000).cents,
        500,
        kes(2_500).cents,
    )
    assert Money(vat.closing_cents) == papers.balance(accounts.VAT)
    assert Money(held.closing_cents) == papers.balance(accounts.WITHHOLDING)


def test_the_tax_is_of_the_month_in_which_it_is_posted(papers: Papers) -> None:
    papers.released()

    november = papers.run(lambda tx: tax_report(tx, Tax.VAT, NOVEMBER))
    january = papers.run(lambda tx: tax_report(tx, Tax.VAT, Month.parse("2027-01")))

    assert (november.rows, november.closing_cents) == ([], 0)
    assert (january.rows, january.opening_cents) == ([], kes(9_200).cents)
    assert january.closing_cents == january.opening_cents


def test_what_a_cancellation_keeps_is_taxed_in_proportion(papers: Papers) -> None:
    papers.refunded(papers.confirmed())

    (row,) = papers.run(lambda tx: tax_report(tx, Tax.VAT, NOVEMBER)).rows

    assert row.event == "retained"
    assert (row.base_cents, row.tax_cents) == (kes(11_500).cents, kes(1_840).cents)


def test_what_the_tax_was_of_on_the_day_of_booking_is_its_base(papers: Papers) -> None:
    def only_of_the_fee(tx: Tx) -> None:
        row = RateRow(name=RateName.VAT, basis_points=1600, effective_from=date(2026, 11, 1))
        row.base = RateBase.FEE
        tx.db.add(row)

    papers.run(only_of_the_fee)
    papers.released()
    papers.issue()

    (row,) = papers.run(lambda tx: tax_report(tx, Tax.VAT, DECEMBER)).rows
    lines = tax_lines(papers.documents()[0])

    assert (row.base_cents, row.tax_cents) == (kes(7_500).cents, kes(1_200).cents)
    assert [(line.net_cents, line.vat_cents, line.basis_points) for line in lines] == [
        (kes(50_000).cents, 0, 0),
        (kes(7_500).cents, kes(1_200).cents, 1600),
    ]


def test_a_change_brings_the_rates_of_its_own_day(papers: Papers) -> None:
    """Booked at 16 %, moved when it is 18 %: the price, the papers and the report say 18."""
    booking = papers.confirmed()
    papers.issue()
    papers.clock.advance(days=1)

    def dearer(tx: Tx) -> None:
        today = nairobi_date(tx.now)
        tx.db.add(RateRow(name=RateName.VAT, basis_points=1800, effective_from=today))

    papers.run(dearer)
    more = papers.preview(booking, in_days=20).to_pay
    papers.change(booking, more, in_days=20)
    assert papers.paid(papers.send_prompt(), MORE) is None
    papers.issue()
    assert papers.read(booking).vat_cents == kes(10_350).cents

    receipt = papers.documents()[-1]
    assert receipt.content["rates"]["vat"]["basis_points"] == 1800
    papers.release(booking)
    (row,) = papers.run(lambda tx: tax_report(tx, Tax.VAT, DECEMBER)).rows
    assert (row.base_cents, row.basis_points, row.tax_cents) == (
        kes(57_500).cents, 1800, kes(10_350).cents,
    )  # fmt: skip


def test_a_refund_of_everything_owes_nothing(papers: Papers) -> None:
    booking = papers.confirmed()
    papers.run(lambda tx: cancel_by_vendor(tx, booking.id, booking.vendor_id))

    assert papers.run(lambda tx: tax_report(tx, Tax.VAT, NOVEMBER)).rows == []


def test_a_reversal_is_a_row_of_its_own_month(papers: Papers) -> None:
    """As a booking's money that is taken back after it was released would be posted."""
    booking = papers.released()
    papers.clock.advance(days=31)
    legs = (
        Leg(accounts.VAT, kes(920)),
        Leg(accounts.SERVICE_FEE, kes(750)),
        Leg(accounts.COMMISSION, kes(5_000)),
        Leg("float:daraja", -kes(6_670)),
    )
    back = Transfer("back:1", TransferKind.CHARGED, legs, booking.id)
    papers.run(lambda tx: ledger.post(tx, back))

    report = papers.run(lambda tx: tax_report(tx, Tax.VAT, Month.parse("2027-01")))

    (row,) = report.rows
    assert (row.base_cents, row.tax_cents) == (-kes(5_750).cents, -kes(920).cents)
    assert report.closing_cents == kes(9_200 - 920).cents


@pytest.mark.parametrize("tax", Tax)
def test_a_stray_posting_is_no_report(papers: Papers, tax: Tax) -> None:
    papers.released()
    account = accounts.VAT if tax is Tax.VAT else accounts.WITHHOLDING
    stray(papers, account, kes(7))

    with pytest.raises(Untied) as untied:
        papers.run(lambda tx: tax_report(tx, tax, DECEMBER))

    assert untied.value.data["difference_cents"] == kes(7).cents
    assert untied.value.data["moved_cents"] - untied.value.data["explained_cents"] == kes(7).cents


@pytest.mark.parametrize("written", ["2026-13", "2026-1", "11/2026", "2026-11-01", "", "٢٠٢٦-11"])
def test_what_is_no_month(written: str) -> None:
    with pytest.raises(ValueError, match="no month"):
        Month.parse(written)


def test_a_month_is_kenyan() -> None:
    month = Month.parse("2026-12")

    assert (month.begins.isoformat(), month.ends.isoformat()) == (
        "2026-11-30T21:00:00+00:00",
        "2026-12-31T21:00:00+00:00",
    )
    assert Month.of(month.begins) == month
    assert str(month.before) == "2026-11"
