"""Links that are asked for on a screen: a listing's page, a booking's receipt."""

from typing import Any

import pytest
from sqlalchemy import select

from core.catalog.model import Listing
from core.db.tx import Database
from core.documents.usecases import Seller, issue_due
from core.errors import NotFound, Refused
from core.limits import LISTING_LINKS_A_DAY_MAX
from core.outbox import Notice
from sessions.flow import End, Go
from sessions.flows.everything import build_flow
from sessions.notices.customer import LISTING_LINK_TOPIC
from sessions.notices.papers import RECEIPT_TOPIC
from sessions.texts import T
from tests.sessions.worst import person_of, talk
from tests.support.factories import (
    CUSTOMER,
    OTHER_CUSTOMER,
    make_listing,
    make_paid,
    make_vendor,
)

FLOW = build_flow()


def perform(
    database: Database, effect: str, msisdn: str = CUSTOMER, **draft: Any
) -> End | Go | str:
    with database.transaction() as tx:
        at = talk(lambda: None, person_of(tx, msisdn, "en"), draft, tx.now)
        return FLOW.effects[effect].perform(at, tx)


def sent(database: Database, topic: str) -> list[dict[str, Any]]:
    with database.transaction() as tx:
        return list(tx.db.scalars(select(Notice.params).where(Notice.topic == topic)))


def test_a_listing_is_sent_as_a_link_so_often_a_day(database: Database) -> None:
    with database.transaction() as tx:
        listing = make_listing(tx, make_vendor(tx))
        tx.db.refresh(listing, ["number"])
    for _ in range(LISTING_LINKS_A_DAY_MAX):
        shown = perform(database, "listing_link", number=listing.number)
        assert isinstance(shown, Go)
    with pytest.raises(Refused, match="too_many_links"):
        perform(database, "listing_link", number=listing.number)

    links = sent(database, LISTING_LINK_TOPIC)
    assert len({link["token"] for link in links}) == LISTING_LINKS_A_DAY_MAX
    assert {link["listing"] for link in links} == {"Baraka Garden Hall"}


def test_a_receipt_is_sent_to_its_customer_when_it_is_there(database: Database) -> None:
    with database.transaction() as tx:
        listing = make_listing(tx, make_vendor(tx))
        code = make_paid(tx, tx.db.get_one(Listing, listing.id)).code

    early = perform(database, "receipt", code=code)
    assert isinstance(early, End)
    assert isinstance(early.text, T)
    assert "is being made" in early.text.msgid
    with database.transaction() as tx:
        issue_due(tx, Seller())
    perform(database, "receipt", code=code)
    with pytest.raises(NotFound):
        perform(database, "receipt", OTHER_CUSTOMER, code=code)

    (link,) = sent(database, RECEIPT_TOPIC)
    assert (link["code"], link["amount_cents"]) == (code, 6_670_000)
