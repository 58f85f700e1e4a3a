"""Papers by SMS: the links go to whom they belong, and to nobody else."""

from typing import Any

import pytest
from sqlalchemy import select

from core.booking.cancel import cancel_by_vendor
from core.booking.model import Booking
from core.clock import ManualClock
from core.db.tx import Database
from core.documents.links import StatementLink
from core.documents.model import Document
from core.documents.usecases import Seller, issue_due
from core.limits import STATEMENT_LINKS_A_DAY_MAX
from core.outbox import Notice
from core.payments import attempts, settle
from core.payments.model import Attempt
from sessions.notices.papers import RECEIPT_TOPIC, STATEMENT_TOPIC
from tests.sessions.test_sms import Office, hall, office
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    VENDOR,
    make_held,
    make_paid,
    paid_event,
)

__all__ = ["office"]  # A fixture.


def links(database: Database, topic: str, msisdn: str) -> list[dict[str, Any]]:
    query = select(Notice).where(Notice.topic == topic, Notice.msisdn == msisdn)
    with database.transaction() as tx:
        return [notice.params for notice in tx.db.scalars(query.order_by(Notice.id))]


@pytest.fixture
def code(database: Database) -> str:
    """A booking that is paid for, and its receipt."""
    with database.transaction() as tx:
        booking = make_paid(tx, hall(tx))
    with database.transaction() as tx:
        (receipt,) = issue_due(tx, Seller())
        assert receipt.booking_id == booking.id
    return booking.code


@pytest.mark.parametrize("words", ["receipt {code}", "RISITI {code}", "receipt"])
def test_a_customer_asks_for_a_receipt(
    office: Office, database: Database, code: str, words: str
) -> None:
    assert office.say(CUSTOMER, words.format(code=code)) == ""

    (link,) = links(database, RECEIPT_TOPIC, CUSTOMER)
    with database.transaction() as tx:
        receipt = tx.db.scalars(select(Document)).one()
    assert link["token"] == receipt.download_token
    assert (link["code"], link["label"], link["credit"]) == (code, "R2026-000001", False)


def test_nobody_else_gets_it(office: Office, database: Database, code: str) -> None:
    assert office.say(OTHER_CUSTOMER, f"receipt {code}") == "We know no such booking."
    assert office.say(VENDOR, f"receipt {code}") == "We know no such booking."
    assert office.say(OTHER_CUSTOMER, "receipt").startswith("You have paid for nothing yet")
    assert office.say(CUSTOMER, "receipt XX234") == "We know no such booking."

    for msisdn in (OTHER_CUSTOMER, VENDOR):
        assert links(database, RECEIPT_TOPIC, msisdn) == []


def test_after_a_refund_both_papers_come(office: Office, database: Database, code: str) -> None:
    with database.transaction() as tx:
        paid = tx.db.scalars(select(Document)).one()
        booking = tx.db.get_one(Booking, paid.booking_id)
        cancel_by_vendor(tx, booking.id, booking.vendor_id)
        (due,) = attempts.due_attempts(tx, 10)
        attempts.begin(tx, due)
        attempts.accepted(tx, due, "AG_1")
        settle.apply(tx, paid_event(tx.db.get_one(Attempt, due), "UAF5T4R3E2"))
        issue_due(tx, Seller())

    office.say(CUSTOMER, f"receipt {code}")

    assert [
        (link["label"], link["credit"]) for link in links(database, RECEIPT_TOPIC, CUSTOMER)
    ] == [
        ("R2026-000001", False),
        ("C2026-000001", True),
    ]


def test_before_there_is_one_the_truth_is_told(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        listing = hall(tx)
        paid, held = make_paid(tx, listing), make_held(tx, listing, in_days=20)

    assert office.say(CUSTOMER, f"receipt {held.code}") == (
        f"{held.code} is not paid for, so there is no receipt."
    )
    assert office.say(CUSTOMER, f"receipt {paid.code}").startswith(
        f"{paid.code}: your receipt is being made."
    )


def test_a_vendor_asks_for_a_statement(
    office: Office, database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        hall(tx)

    for words in ("statement", "TAARIFA 10", "taarifa 12"):
        assert office.say(VENDOR, words) == ""

    assert [link["month"] for link in links(database, STATEMENT_TOPIC, VENDOR)] == [
        "2026-11-01",
        "2026-10-01",
        "2025-12-01",
    ]
    with database.transaction() as tx:
        assert len(tx.db.scalars(select(StatementLink)).all()) == 3


def test_so_many_statements_a_day(office: Office, database: Database) -> None:
    with database.transaction() as tx:
        hall(tx)
    for _ in range(STATEMENT_LINKS_A_DAY_MAX):
        office.say(VENDOR, "statement")

    assert office.say(VENDOR, "statement") == (
        f"You had {STATEMENT_LINKS_A_DAY_MAX} links today. Ask tomorrow."
    )


def test_a_customer_has_no_statement(office: Office, database: Database) -> None:
    assert office.say(CUSTOMER, "statement") == "This phone is not a vendor's."
    assert links(database, STATEMENT_TOPIC, CUSTOMER) == []
