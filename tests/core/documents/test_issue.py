"""A receipt for each payment, a credit note for each refund that left; as it was on the day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from core.booking.cancel import cancel_by_customer
from core.catalog.model import Listing
from core.db.tx import Tx
from core.documents import etims
from core.documents.model import DocumentKind
from core.documents.queries import (
    by_download_token,
    by_verify_token,
    documents_due,
    paper_of,
    receipts_of,
)
from core.documents.rules import lines_of
from core.documents.usecases import issue_due
from core.errors import NotFound
from core.escrow import ledger
from core.escrow.transfer import Leg, Transfer, TransferKind
from core.money import Money, kes
from core.payments.model import Attempt, Method
from core.payments.refunds import plan_refund
from core.pricing.model import RateRow
from core.pricing.rules import RateName, Rates, quote
from tests.core.booking.world import RECEIPT
from tests.core.documents.papers import SELLER, Papers
from tests.core.escrow.tools import PRICE, run_sql


def test_a_payment_gets_its_receipt(papers: Papers) -> None:
    booking = papers.confirmed()
    assert papers.run(documents_due) == 1

    (receipt,) = papers.issue()

    assert receipt.label == "R2026-000001"
    assert receipt.booking_id == booking.id
    assert receipt.total_cents == kes(66_700).cents
    assert (receipt.base_cents, receipt.service_fee_cents) == (kes(50_000).cents, kes(7_500).cents)
    assert (receipt.vat_cents, receipt.rounding_cents) == (kes(9_200).cents, 0)
    assert receipt.content["seller"] == {"name": SELLER.name, "pin": SELLER.pin}
    assert receipt.content["payment"] == {
        "method": "mpesa",
        "provider": "daraja",
        "receipt": RECEIPT,
    }
    assert receipt.content["customer"]["phone"] == "+2547****001"
    assert receipt.content["rates"]["vat"] == {
        "basis_points": 1600,
        "since": "2024-12-27",
        "base": "price_and_fee",
    }
    assert papers.run(documents_due) == 0
    papers.assert_sound()


def test_what_is_paid_by_card_says_so_and_what_goes_back_to_it_does(papers: Papers) -> None:
    booking = papers.confirmed()

    def by_card(tx: Tx) -> None:
        tx.db.scalars(select(Attempt)).one().method = Method.CARD

    papers.run(by_card)
    papers.issue()
    papers.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))
    (back,) = papers.send_due()
    assert papers.paid(back.attempt_id, "FLW-R-1") is None
    papers.issue()

    assert [each.content["payment"]["method"] for each in papers.documents()] == ["card", "card"]
    told = papers.run(etims.begin)
    assert told is not None
    assert told.by_card


def test_those_that_cannot_be_written_do_not_keep_the_others(papers: Papers) -> None:
    """More of them than a batch has, all before the others."""
    booking = papers.confirmed()
    run_sql(
        papers.database,
        "SET LOCAL session_replication_role = replica",
        "INSERT INTO ledger_transfers"
        " SELECT concat('00000000-0000-4000-8000-00000000000', n)::uuid,"
        " concat('in:daraja:SFFLOST', n), digest, kind, booking_id, posted_at"
        " FROM ledger_transfers, generate_series(1, 3) AS n",
        "INSERT INTO documents_due SELECT id FROM ledger_transfers"
        " WHERE starts_with(idempotency_key, 'in:daraja:SFFLOST')",
    )

    (receipt,) = papers.run(lambda tx: issue_due(tx, SELLER, 2))

    assert receipt.content["payment"]["receipt"] == RECEIPT
    assert receipt.booking_id == booking.id
    assert papers.run(documents_due) == 3, "where somebody sees them"


def test_nothing_is_issued_twice(papers: Papers) -> None:
    papers.confirmed()
    papers.issue()

    assert papers.issue() == []
    assert papers.labels() == ["R2026-000001"]


def test_a_refund_that_left_gets_its_credit_note_and_no_other(papers: Papers) -> None:
    booking = papers.confirmed()
    papers.issue()
    (sent,) = papers.refund(booking)
    assert papers.issue() == [], "it has not left yet"
    papers.paid(sent.attempt_id, "UAF5T4R3E2")

    (credit,) = papers.issue()
    receipt, _ = papers.documents()

    assert credit.label == "C2026-000001"
    assert credit.original_id == receipt.id
    assert credit.total_cents == kes(53_360).cents  # 80 % of it.
    assert credit.vat_cents == kes(7_360).cents
    paper = papers.run(lambda tx: paper_of(tx, receipt))
    assert paper.credited_cents == credit.total_cents
    # What is left of the VAT is what the ledger posted when the rest was kept.
    assert Money(receipt.vat_cents - credit.vat_cents) == papers.balance("tax:vat")
    papers.assert_sound()


def test_both_come_in_one_batch_when_nobody_issued_in_between(papers: Papers) -> None:
    papers.refunded(papers.confirmed())

    issued = papers.issue()

    assert [document.label for document in issued] == ["R2026-000001", "C2026-000001"]
    assert issued[1].original_id == issued[0].id
    papers.assert_sound()


def test_refunds_in_parts_take_back_each_line_exactly(papers: Papers) -> None:
    """Odd cents everywhere, in parts that arrive in the wrong order."""
    papers.change_listing(price_cents=1_234_567)
    booking = papers.confirmed()
    total = papers.read(booking).total_cents

    def plan(tx: Tx) -> None:
        kept = tx.db.get_one(type(booking), booking.id, with_for_update=True)
        for cents in (100_000, 333_300, total - 433_300):
            plan_refund(tx, kept, Money(cents))

    papers.run(plan)
    for sent in reversed(papers.send_due()):
        papers.paid(sent.attempt_id, f"UAF{sent.amount.cents}")
    issued = papers.issue()

    receipt, credits_ = issued[0], issued[1:]
    assert [document.kind for document in credits_] == [DocumentKind.CREDIT_NOTE] * 3
    for line in ("base_cents", "service_fee_cents", "vat_cents", "rounding_cents", "total_cents"):
        assert sum(getattr(each, line) for each in credits_) == getattr(receipt, line), line


def test_a_price_in_parts_has_a_receipt_each_and_together_the_whole(papers: Papers) -> None:
    booking = papers.hold()
    papers.paybill(booking.code, kes(20_000), "SFF0000001")
    papers.issue()
    papers.paybill(booking.code, kes(46_700), "SFF0000002")
    papers.issue()

    first, second = papers.documents()

    assert (first.total_cents, second.total_cents) == (kes(20_000).cents, kes(46_700).cents)
    assert first.vat_cents + second.vat_cents == kes(9_200).cents
    assert first.service_fee_cents + second.service_fee_cents == kes(7_500).cents
    papers.assert_sound()


def test_parts_whose_rest_did_not_come_are_taken_back(papers: Papers) -> None:
    booking = papers.hold()
    papers.paybill(booking.code, kes(20_000), "SFF0000001")
    papers.issue()
    papers.withdraw(booking)

    (credit,) = papers.issue()
    receipt = papers.documents()[0]

    assert (credit.kind, credit.original_id) == (DocumentKind.CREDIT_NOTE, receipt.id)
    assert (credit.total_cents, credit.vat_cents) == (receipt.total_cents, receipt.vat_cents)
    assert credit.refund_id is None
    papers.assert_sound()


def test_what_comes_after_parts_went_back_is_the_whole_price_again(papers: Papers) -> None:
    """Odd cents, in parts that differ: each credit note is its receipt's, line by line."""
    papers.change_listing(price_cents=1_234_567)
    booking = papers.hold()
    total = papers.read(booking).total_cents
    attempt = papers.prompt(booking)
    papers.paybill(booking.code, kes(3_333), "SFF0000001")
    papers.paybill(booking.code, kes(1_111), "SFF0000002")
    papers.issue()
    papers.withdraw(booking)
    assert papers.paid(attempt, "SFF0000003") is None
    papers.issue()

    documents = papers.documents()

    assert documents[-1].total_cents == total
    for line in ("base_cents", "service_fee_cents", "vat_cents", "rounding_cents"):
        signed = [
            getattr(each, line) * (1 if each.kind is DocumentKind.RECEIPT else -1)
            for each in documents
        ]
        assert sum(signed) == getattr(papers.read(booking), line), line
    papers.assert_sound()


def test_what_was_issued_stays_as_it_was(papers: Papers) -> None:
    booking = papers.confirmed()
    (before,) = papers.issue()
    change = update(Listing).where(Listing.id == booking.listing_id).values(title="Another name")
    papers.run(lambda tx: tx.db.execute(change))
    papers.run(
        lambda tx: tx.db.add(
            RateRow(name=RateName.VAT, basis_points=1800, effective_from=date(2026, 1, 1))
        )
    )

    (after,) = papers.run(lambda tx: receipts_of(tx, booking.code))

    assert after.content == before.content
    assert after.content["booking"]["listing"] == "Baraka Garden Hall"
    for words in ("UPDATE documents SET number = 7", "DELETE FROM documents"):
        with pytest.raises(DBAPIError, match="append-only"):
            run_sql(papers.database, words)


def test_a_movement_that_nobody_understands_keeps_no_other_waiting(papers: Papers) -> None:
    booking = papers.hold()
    legs = (Leg("float:daraja", kes(1)), Leg("suspense:daraja", -kes(1)))
    odd = Transfer("odd", TransferKind.PAID, legs, booking.id)
    papers.run(lambda tx: ledger.post(tx, odd))
    papers.confirmed(in_days=20)

    assert [document.label for document in papers.issue()] == ["R2026-000001"]
    # It is seen where money without a document is counted.
    assert papers.run(documents_due) == 1


def test_a_new_year_begins_with_one(papers: Papers) -> None:
    papers.confirmed(in_days=20)
    papers.issue()
    papers.clock.advance(days=50)
    papers.confirmed("SFF6XYQ2CD", in_days=20)
    papers.issue()

    assert papers.labels() == ["R2026-000001", "R2027-000001"]
    papers.assert_sound()


def test_tokens_open_what_they_are_for(papers: Papers) -> None:
    papers.confirmed()
    (receipt,) = papers.issue()

    found = papers.run(lambda tx: by_verify_token(tx, receipt.verify_token))
    opened = papers.run(lambda tx: by_download_token(tx, receipt.download_token))

    assert found.document.id == opened.document.id == receipt.id
    with pytest.raises(NotFound, match="no_document"):
        papers.run(lambda tx: by_download_token(tx, receipt.verify_token))


RATES = Rates(service_fee=1500, commission=1500, vat=1600, withholding=500)


@given(
    base=st.integers(1, 10**9),
    cuts=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
)
def test_payments_that_add_up_to_the_price_add_up_to_its_parts(base: int, cuts: list[int]) -> None:
    price = quote(Money(base), RATES)
    parts = [Money(price.total.cents * cut // sum(cuts)) for cut in cuts]
    parts[-1] += price.total - sum(parts, start=Money(0))

    lines = [lines_of(price, parts[:i], part) for i, part in enumerate(parts) if part.cents]

    assert sum(each.base_cents for each in lines) == price.base.cents
    assert sum(each.service_fee_cents for each in lines) == price.service_fee.cents
    assert sum(each.vat_cents for each in lines) == price.vat.cents
    assert sum(each.rounding_cents for each in lines) == price.rounding.cents


@given(amounts=st.lists(st.integers(1, 10**8), min_size=1, max_size=5))
def test_money_beyond_the_price_has_lines_too(amounts: list[int]) -> None:
    """A booking that was changed may have moved more than what it costs now."""
    moved = [Money(cents) for cents in amounts]

    for i, amount in enumerate(moved):
        lines = lines_of(PRICE, moved[:i], amount)
        assert lines.total_cents == amount.cents
        assert min(lines.base_cents, lines.vat_cents, lines.rounding_cents) >= 0
