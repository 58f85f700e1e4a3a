"""Documents of a booking whose price was changed: together they say what it costs now."""

from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.booking.cancel import cancel_by_customer
from core.booking.model import Booking
from core.catalog.model import Listing
from core.catalog.rules import BookingMode, Category, PriceUnit
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.documents.model import DocumentKind
from core.money import kes
from core.ports.money import PayRequest
from tests.core.booking.kitchen import MORE
from tests.core.documents.papers import Papers, vat_of

LINES = ("service_fee_cents", "vat_cents", "total_cents")


@pytest.fixture
def kitchen(database: Database, clock: ManualClock) -> Papers:
    """A caterer of an odd price a plate."""
    return _kitchen(database, clock)


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


CENTS = st.integers(20_000, 99_999)


def test_in_whatever_order_refunds_arrive_the_tax_is_the_ledgers(
    database: Database, clock: ManualClock
) -> None:
    """A change to less and a cancellation are both on their way back when a document is due."""
    world, numbers = _kitchen(database, clock), count()

    def reprice(tx: Tx, cents: int) -> None:
        tx.db.get_one(Listing, world.listing.id).price_cents = cents

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        first=CENTS, then=CENTS, fewer=st.integers(60, 90), order=st.permutations(range(4)),
        between=st.booleans(),
    )  # fmt: skip
    def any_order(first: int, then: int, fewer: int, order: list[int], *, between: bool) -> None:
        world.run(partial(reprice, cents=first))
        booking = world.confirmed(f"SFF{next(numbers):07}", people=151)
        world.issue()
        world.run(partial(reprice, cents=min(then, first)))
        world.change(booking, people=fewer)
        world.run(lambda tx: cancel_by_customer(tx, booking.id, booking.customer_id))
        going = [each for each in world.send_due() if isinstance(each, PayRequest)]
        places = sorted(range(len(going)), key=lambda place: order[place % len(order)])
        for place in places:
            assert world.paid(going[place].attempt_id, f"UAF{next(numbers):07}") is None
            if between:
                world.issue()
        world.issue()

        printed, posted = world.run(partial(vat_of, booking=booking))
        assert printed == posted, "not a cent apart"

    any_order()


def _kitchen(database: Database, clock: ManualClock) -> Papers:
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
