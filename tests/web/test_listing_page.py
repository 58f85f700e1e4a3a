"""The page of a listing that a link in an SMS opens."""

import re
from datetime import timedelta
from functools import partial

import pytest

from core.booking.timers import fire
from core.catalog.links import linked_listing, new_listing_link
from core.catalog.model import Listing
from core.catalog.rules import ListingStatus
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import NotFound, Refused
from core.limits import LISTING_LINK_SECONDS, LISTING_LINKS_A_DAY_MAX
from core.people.usecases import ensure_user
from core.reviews.usecases import answer_review, leave_review
from tests.support.factories import CUSTOMER, VENDOR, make_listing, make_paid, make_vendor
from tests.web.rig import Web

PAGE_BYTES_MAX = 6_000


@pytest.fixture
def listing(database: Database) -> Listing:
    """A hall with one review."""
    with database.transaction() as tx:
        made = make_listing(tx, make_vendor(tx), description="Under <b>old</b> trees.")
        booking = make_paid(tx, made)
        tx.now = booking.ends_at + timedelta(days=1)
        fire(tx, booking.id)
        review = leave_review(tx, booking.id, booking.customer_id, 4, "cool & quiet")
        answer_review(tx, review.id, made.vendor_id, "come & see us again")
    return made


def new_token(database: Database, listing: Listing) -> str:
    with database.transaction() as tx:
        return new_listing_link(tx, ensure_user(tx, CUSTOMER).id, listing.id).token


def test_it_shows_all_that_a_small_screen_cannot(
    web: Web, database: Database, listing: Listing
) -> None:
    token = new_token(database, listing)

    answer = web.http.get(f"/l/{token}")

    assert answer.status_code == 200
    for told in (
        "Baraka Garden Hall", "Nairobi. Up to 200 people", "KES 50,000 per event", "parking",
        "Under &lt;b&gt;old&lt;/b&gt; trees.", "4.0 stars by 1 guest", "cool &amp; quiet",
        "Baraka Gardens says: come &amp; see us again",
        f"tel:*384*7781*{listing.number}%23",
    ):  # fmt: skip
        assert told in answer.text
    for hidden in (CUSTOMER, VENDOR, CUSTOMER[4:], VENDOR[4:]):
        assert hidden not in answer.text
    assert len(answer.content) < PAGE_BYTES_MAX
    assert not re.search(r"<script|<style| style=| on[a-z]+=|https?://", answer.text)
    assert answer.headers["x-robots-tag"].startswith("noindex")
    swahili = web.http.get(f"/l/{token}?lang=sw").text
    for told in ("KES 50,000 kwa hafla", "maegesho", "Nyota 4.0 na mgeni 1", "Kuagiza, piga"):
        assert told in swahili


def test_what_opens_nothing_is_no_page(web: Web, database: Database, listing: Listing) -> None:
    token = new_token(database, listing)
    for wrong in ("nothing", "x" * 65, "a%2Fb", "..%2F"):
        assert web.http.get(f"/l/{wrong}").status_code == 404

    with database.transaction() as tx:
        tx.db.get_one(Listing, listing.id).status = ListingStatus.PAUSED
    assert web.http.get(f"/l/{token}").status_code == 404


def test_a_link_ends_by_itself_and_a_day_has_so_many(
    database: Database, listing: Listing, clock: ManualClock
) -> None:
    tokens = {new_token(database, listing) for _ in range(LISTING_LINKS_A_DAY_MAX)}
    assert len(tokens) == LISTING_LINKS_A_DAY_MAX
    with pytest.raises(Refused, match="too_many_links"):
        new_token(database, listing)
    clock.advance(seconds=LISTING_LINK_SECONDS)
    for token in tokens:
        with pytest.raises(NotFound):
            database.run(partial(linked_listing, token=token))
    assert new_token(database, listing)
