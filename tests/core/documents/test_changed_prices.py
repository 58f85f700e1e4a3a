"""Documents of a booking whose price was changed: together they say what it costs now."""

import pytest

from core.booking.model import Booking
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.clock import ManualClock
from core.db.tx import Database
from core.documents.model import DocumentKind
from core.money import kes
from core.ports import PayRequest
from tests.core.booking.kitchen import MORE
from tests.core.documents.papers import Papers

LINES = ("service_fee_cents", "vat_cents", "total_cents")


@pytest.fixture
def kitchen(database: Database, clock: ManualClock) -> Papers:
    """A caterer of an odd price a plate."""
    return Papers.open(
        database,
        clock,
        category=Category.CATERING,
        price_unit=PriceUnit.PERSON,
        price_cents=33_333,
        units=300,
        capacity=300,
        booking_mode=BookingMode.INSTANT,
    )


def say_what_it_costs(papers: Papers, booking: Booking) -> None:
    """Receipts less credit notes are the price as it is now, its tax and fee to the cent."""
    now = papers.read(booking)
    for line in LINES:
        signed = [
            getattr(each, line) * (1 if each.kind is DocumentKind.RECEIPT else -1)
            for each in papers.documents()
        ]
        assert sum(signed) == getattr(now, line), line
    papers.assert_sound()


def test_the_difference_of_a_dearer_change_has_a_receipt(kitchen: Papers) -> None:
    booking = kitchen.confirmed(people=100)
    kitchen.issue()
    more = kitchen.preview(booking, people=151).to_pay
    kitchen.change(booking, more, people=151)
    assert kitchen.paid(kitchen.send_prompt(), MORE) is None
    kitchen.issue()

    assert [each.total_cents for each in kitchen.documents()][1:] == [more.cents]
    say_what_it_costs(kitchen, booking)


def test_what_a_cheaper_change_gives_back_has_a_credit_note(kitchen: Papers) -> None:
    booking = kitchen.confirmed(people=151)
    kitchen.issue()
    kitchen.change(booking, people=100)
    _arrive(kitchen)
    kitchen.issue()

    kinds = [each.kind for each in kitchen.documents()]
    assert kinds == [DocumentKind.RECEIPT, DocumentKind.CREDIT_NOTE]
    say_what_it_costs(kitchen, booking)


def test_a_cancellation_after_a_cheaper_change_leaves_the_vat_of_what_was_kept(
    kitchen: Papers,
) -> None:
    booking = kitchen.confirmed(people=151)
    kitchen.change(booking, people=100)
    _arrive(kitchen)
    kitchen.refunded(booking, "UAF8")
    kitchen.issue()

    receipt, *credits_ = kitchen.documents()

    assert len(credits_) == 2
    left = receipt.vat_cents - sum(each.vat_cents for each in credits_)
    assert kes(0, left) == kitchen.balance("tax:vat")
    kitchen.assert_sound()


def _arrive(papers: Papers) -> None:
    for i, sent in enumerate(papers.send_due()):
        assert isinstance(sent, PayRequest)
        assert papers.paid(sent.attempt_id, f"UAF7T4R3E{i}") is None
