"""Tax that is paid over: by month, once a number, never more than is owed."""

from typing import Any

import pytest

from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.usecases import close
from core.documents import remittances
from core.documents.month import Month
from core.documents.remittances import due_on, look_for_unpaid, owed, pay_over
from core.documents.taxes import Tax, tax_report
from core.errors import BadInput, KeyReused, Refused
from core.escrow import accounts
from core.money import Money, kes
from tests.core.documents.papers import Papers
from tests.core.escrow.tools import number

NOVEMBER, DECEMBER, JANUARY = (Month.parse(text) for text in ("2026-11", "2026-12", "2027-01"))
VAT = kes(9_200)


@pytest.fixture
def owing(papers: Papers) -> Papers:
    """A booking released in December: 9,200 of VAT and 2,500 withheld."""
    papers.released()
    return papers


def paid(
    papers: Papers,
    amount: Money = VAT,
    reference: str = "FT26-0098",
    month: Month = DECEMBER,
    provider: str = "bank",
    tax: Tax = Tax.VAT,
) -> Any:
    return papers.run(lambda tx: pay_over(tx, tax, month, amount, reference, provider)[1])


def left(papers: Papers, month: Month = DECEMBER) -> Money:
    return papers.run(lambda tx: owed(tx, Tax.VAT, month))


def test_what_was_paid_over_is_owed_no_more(owing: Papers) -> None:
    assert left(owing) == VAT
    held = owing.balance("float:daraja")

    assert paid(owing, kes(9_000))
    assert (left(owing), owing.balance(accounts.VAT)) == (kes(200), kes(200))
    assert paid(owing, kes(200), "ft26-0099", provider="daraja")

    assert left(owing) == kes(0)
    assert owing.balance("float:bank") == -kes(9_000), "it left the bank, which has to be filled"
    assert owing.balance("float:daraja") == held - kes(200)
    assert owing.balance(accounts.WITHHOLDING) == kes(2_500), "that is another tax"
    owing.assert_sound()


def test_the_same_number_pays_once(owing: Papers) -> None:
    assert paid(owing, kes(1_000))
    assert not paid(owing, kes(1_000), " ft26-0098 ")

    for change in ({"amount": kes(999)}, {"tax": Tax.WITHHOLDING}, {"month": NOVEMBER}):
        with pytest.raises(KeyReused):
            paid(owing, **{"amount": kes(1_000)} | change)
    assert paid(owing, kes(1_000), provider="daraja"), "another account has numbers of its own"
    assert left(owing) == VAT - kes(2_000)
    owing.assert_sound()


def test_no_more_than_the_months_own(owing: Papers) -> None:
    with pytest.raises(Refused) as refused:
        paid(owing, VAT + Money(1))
    assert (refused.value.code, refused.value.data["owed_cents"]) == ("over_owed", VAT.cents)
    for month in (NOVEMBER, JANUARY):
        with pytest.raises(Refused):
            paid(owing, kes(1), month=month)
    assert number(owing.database, "SELECT count(*) FROM tax_payments") == 0
    assert owing.balance(accounts.VAT) == VAT


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": kes(0)}, "amount"),
        ({"amount": -kes(1)}, "amount"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 41}, "reference"),
        ({"reference": "a b"}, "reference"),
        ({"provider": "float:"}, "provider"),
    ],
)
def test_what_cannot_be_meant_is_named(owing: Papers, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        paid(owing, **wrong)
    assert refused.value.data["field"] == field


def test_a_number_that_moved_other_money_is_refused(owing: Papers) -> None:
    seen = owing.receipts()[0]
    with pytest.raises(Refused) as refused:
        paid(owing, kes(1), seen.number, provider=seen.provider)
    assert refused.value.code == "number_seen"


def test_the_months_report_tells_what_was_paid_over_and_still_ties(owing: Papers) -> None:
    paid(owing)

    report = owing.run(lambda tx: tax_report(tx, Tax.VAT, DECEMBER))

    assert (report.tax_cents, report.remitted_cents, report.closing_cents) == (
        VAT.cents,
        VAT.cents,
        0,
    )


def test_a_month_that_is_overdue_is_a_case_until_it_is_paid(owing: Papers) -> None:
    assert due_on(Tax.VAT, DECEMBER).isoformat() == "2027-01-20"
    assert due_on(Tax.WITHHOLDING, DECEMBER).isoformat() == "2027-01-07"
    owing.clock.set(JANUARY.begins)
    owing.clock.advance(days=6, hours=23)
    assert owing.run(look_for_unpaid) == []
    owing.clock.advance(hours=1)
    assert len(owing.run(look_for_unpaid)) == 1
    assert owing.run(look_for_unpaid) == [], "once"
    owing.clock.advance(days=13)
    owing.run(look_for_unpaid)
    cases = owing.run(open_cases)
    assert [(case.kind, case.subject, case.amount_cents) for case in cases] == [
        (CaseKind.TAX_UNPAID, "withholding 2026-12", kes(2_500).cents),
        (CaseKind.TAX_UNPAID, "vat 2026-12", VAT.cents),
    ]

    paid(owing)
    owing.run(look_for_unpaid)

    (left,) = owing.run(open_cases)
    assert left.subject == "withholding 2026-12"
    owing.run(lambda tx: close(tx, left.number, "Our bank is closed today."))
    assert owing.run(look_for_unpaid) == [], "somebody has said why"
    assert owing.run(lambda tx: remittances.unpaid(tx, Tax.VAT)) == {}
