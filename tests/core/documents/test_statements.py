"""A vendor's month leads from what was owed before to what is owed after; links open once."""

from datetime import date

import pytest
from sqlalchemy import text

from core.documents.links import find_link, new_link, use_link
from core.documents.month import Month
from core.documents.statements import Statement, statement_of, vendor_named
from core.documents.taxes import Untied
from core.errors import NotFound, Refused
from core.limits import STATEMENT_LINK_SECONDS, STATEMENT_LINKS_A_DAY_MAX
from core.money import Money, kes
from tests.core.documents.papers import Papers
from tests.core.escrow.tools import together
from tests.support.factories import VENDOR

DECEMBER = Month.parse("2026-12")


def statement(papers: Papers, month: Month = DECEMBER) -> Statement:
    return papers.run(lambda tx: statement_of(tx, papers.vendor.id, month))


def test_a_month_from_the_first_booking_to_the_payout(papers: Papers) -> None:
    booking = papers.released()
    papers.monday()
    for sent in papers.send_due():
        papers.paid(sent.attempt_id, "UAF5T4R3E2")

    made = statement(papers)

    earned, paid = made.lines
    assert (earned.event, earned.booking) == ("released", booking.code)
    assert (earned.base_cents, earned.commission_cents, earned.withholding_cents) == (
        kes(50_000).cents,
        kes(7_500).cents,
        kes(2_500).cents,
    )
    assert (earned.net_cents, earned.balance_cents) == (kes(40_000).cents,) * 2
    assert earned.fee_cents == kes(7_500).cents
    assert (paid.event, paid.booking, paid.net_cents) == ("paid_out", "", -kes(40_000).cents)
    assert (made.opening_cents, made.closing_cents) == (0, 0)
    assert made.paid_cents == kes(40_000).cents


def test_what_is_owed_goes_on_into_the_next_month(papers: Papers) -> None:
    papers.released()

    assert statement(papers).closing_cents == kes(40_000).cents
    after = statement(papers, Month.parse("2027-01"))
    assert (after.lines, after.opening_cents, after.closing_cents) == (
        [],
        kes(40_000).cents,
        kes(40_000).cents,
    )
    assert statement(papers, Month.parse("2026-11")).closing_cents == 0
    assert Money(after.closing_cents) == papers.balance(f"payable:{papers.vendor.number}")


def test_what_a_cancellation_keeps_is_the_vendors_in_part(papers: Papers) -> None:
    papers.refunded(papers.confirmed())

    (line,) = statement(papers, Month.parse("2026-11")).lines

    assert (line.event, line.net_cents) == ("retained", kes(8_000).cents)
    assert line.base_cents == kes(10_000).cents


def test_an_account_that_does_not_follow_from_its_postings_has_no_statement(
    papers: Papers,
) -> None:
    papers.released()
    with papers.database.transaction() as tx:
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        tx.db.execute(
            text(
                "UPDATE ledger_accounts SET balance_cents = balance_cents - 100"
                " WHERE path LIKE 'payable:%'"
            )
        )

    with pytest.raises(Untied) as untied:
        statement(papers)

    assert untied.value.data["difference_cents"] == 100


def test_a_vendor_is_found_by_number_and_by_phone(papers: Papers) -> None:
    number = papers.vendor.number

    assert papers.run(lambda tx: vendor_named(tx, str(number))) == papers.vendor.id
    assert papers.run(lambda tx: vendor_named(tx, VENDOR)) == papers.vendor.id
    for nobody in ("99999", "+254700000098", "no number"):
        with pytest.raises(NotFound, match="no_vendor"):
            papers.run(lambda tx, named=nobody: vendor_named(tx, named))


def link(papers: Papers) -> str:
    made = papers.run(lambda tx: new_link(tx, papers.vendor.id, date(2026, 12, 24)))
    assert made.month == date(2026, 12, 1)
    return made.token


def test_a_link_opens_once(papers: Papers) -> None:
    token = link(papers)
    assert papers.run(lambda tx: find_link(tx, token)).vendor_id == papers.vendor.id

    opened = together(8, lambda _i: papers.run(lambda tx: use_link(tx, token)))

    assert sum(not isinstance(each, Exception) for each in opened) == 1
    for again in (find_link, use_link):
        with pytest.raises(NotFound, match="no_link"):
            papers.run(lambda tx, look=again: look(tx, token))


def test_a_link_has_its_time(papers: Papers) -> None:
    token = link(papers)
    papers.clock.advance(seconds=STATEMENT_LINK_SECONDS)

    with pytest.raises(NotFound, match="no_link"):
        papers.run(lambda tx: use_link(tx, token))


def test_so_many_links_a_day(papers: Papers) -> None:
    tokens = {link(papers) for _ in range(STATEMENT_LINKS_A_DAY_MAX)}
    assert len(tokens) == STATEMENT_LINKS_A_DAY_MAX

    with pytest.raises(Refused, match="too_many_links"):
        link(papers)
    papers.clock.advance(days=1)
    link(papers)
