"""A call that was cut off goes on in a browser: the same screen, one phone, nothing done twice."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import select

from core import talks
from core.booking.model import Booking
from core.catalog.model import Listing
from core.clock import ManualClock
from core.db.tx import Database
from core.people.model import Language
from core.people.usecases import set_language
from core.ports.messages import SmsIn
from core.talks import TALK_SECONDS, OpenTalk
from sessions.flow import Person
from sessions.flows.everything import VERSION
from sessions.sms import SmsDesk
from sessions.state import State, View
from tests.support.factories import CUSTOMER, make_instant_listing, make_vendor
from tests.web.rig import Web

PAGE_BYTES_MAX = 4_000
TOKEN = "a-token-of-a-cut-off-call"


@dataclass
class Browser:
    """One browser on the link."""

    http: httpx.Client
    page: str = ""

    def open(self) -> httpx.Response:
        return self._seen(self.http.get(f"/c/{TOKEN}"))

    def press(self, label: str = "", **form: str) -> httpx.Response:
        """Press the button with this label on the page that is shown."""
        found = re.search(rf'value="([^"]+)">{re.escape(label)}</button>', self.page)
        answer = {"answer": found[1]} if found and label else {}
        return self._seen(self.http.post(f"/c/{TOKEN}", data=self.form() | answer | form))

    def form(self) -> dict[str, str]:
        turn = re.search(r'name="turn" value="([^"]+)"', self.page)
        return {"turn": turn[1]} if turn else {}

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.page = answer.text
        return answer


@pytest.fixture
def listing(database: Database) -> Listing:
    """A listing, and a call about it that was cut off at its price."""
    with database.transaction() as tx:
        listing = make_instant_listing(tx, make_vendor(tx))
        draft = {
            "category": "venue", "number": listing.number, "starts_on": "2026-12-05",
            "people": 80, "direct": True, "nights": None,
        }  # fmt: skip
        state = State(VERSION, Person(CUSTOMER), "summary", View([], []), "4507*1*5/12*80", draft)
        state.session = "call-1"
        assert talks.offer(tx, CUSTOMER, "africastalking", state.to_json(), tx.now)
        tx.db.get_one(OpenTalk, CUSTOMER).token = TOKEN
    return listing


@pytest.fixture
def browser(web: Web, listing: Listing) -> Browser:
    return Browser(web.http)


@pytest.fixture
def stranger(web: Web) -> Iterator[Browser]:
    """Another browser, to which the link was passed on."""
    with httpx.Client(base_url=web.http.base_url, trust_env=False) as http:
        yield Browser(http)


def bookings(database: Database) -> list[Booking]:
    with database.transaction() as tx:
        return list(tx.db.scalars(select(Booking)))


def test_the_link_leads_to_the_same_screen_and_books_once(
    browser: Browser, database: Database
) -> None:
    looked = browser.open()
    assert "Go on from where you were" in looked.text
    assert "KES" not in looked.text

    price = browser.press()
    assert "Pay KES 66,700" in price.text
    assert len(price.content) < PAGE_BYTES_MAX
    turn = browser.form()
    told = browser.press("Book and pay").text

    assert "Now enter your PIN when M-Pesa asks." in told
    assert len(bookings(database)) == 1
    # Sent twice, or looked at again: the last words are what they were.
    for again in (browser.http.post(f"/c/{TOKEN}", data=turn | {"answer": "1"}), browser.open()):
        assert again.text == told
    assert len(bookings(database)) == 1


def test_a_phone_that_only_looks_at_the_link_uses_nothing_up(
    browser: Browser, stranger: Browser
) -> None:
    for _ in range(3):
        assert stranger.open().status_code == 200

    assert "Pay KES 66,700" in browser.press().text


def test_the_browser_that_went_on_is_the_only_one(
    browser: Browser, stranger: Browser, database: Database
) -> None:
    browser.press()
    form = browser.form() | {"answer": "1"}

    assert stranger.open().status_code == 404
    assert stranger.http.post(f"/c/{TOKEN}", data=form).status_code == 404
    stranger.http.cookies.set("nafasi_talk", "guessed")
    assert stranger.http.post(f"/c/{TOKEN}", data=form).status_code == 404
    assert bookings(database) == []
    assert browser.open().status_code == 200


def test_back_leads_back_and_something_typed_is_understood(browser: Browser) -> None:
    browser.press()
    browser.press("Home")
    assert "Karibu Nafasi!" in browser.page
    browser.press("Halls and venues")
    # All choices at once: a page has room.
    assert browser.page.count('name="answer" value=') > 20

    assert "We know no such place." in browser.press(answer="Atlantis").text
    browser.press(answer="nakuru")
    assert "Which day?" in browser.page
    assert "Where?" in browser.press("Back").text


def test_a_page_that_is_not_the_last_one_answers_nothing(
    browser: Browser, database: Database
) -> None:
    browser.press()
    old = browser.form()
    browser.press("Home")

    shown = browser.http.post(f"/c/{TOKEN}", data=old | {"answer": "1"}).text

    assert "Karibu Nafasi!" in shown
    assert bookings(database) == []


def test_what_was_done_in_the_browser_is_told_to_a_message_and_the_other_way_round(
    browser: Browser, database: Database
) -> None:
    browser.press()
    with database.transaction() as tx:
        SmsDesk("*384*7781#").handle(tx, SmsIn("africastalking", "1", CUSTOMER, "2", "rudi"))

    assert "Karibu Nafasi!" in browser.open().text


def test_names_are_escaped_and_the_page_speaks_its_persons_language(
    web: Web, listing: Listing, database: Database
) -> None:
    with database.transaction() as tx:
        tx.db.get_one(Listing, listing.id).title = "<b>Hall</b>"
        set_language(tx, CUSTOMER, Language.SW)
    browser = Browser(web.http)

    shown = browser.press().text

    assert '<html lang="sw">' in shown
    assert "&lt;b&gt;Hall" in shown
    assert "<b>Hall" not in shown
    assert "Agiza na ulipe" in shown


def test_old_unknown_and_odd_links_are_no_pages(
    browser: Browser, clock: ManualClock, web: Web
) -> None:
    assert web.http.get("/c/another-token").status_code == 404
    assert web.http.get("/c/a%20b").status_code == 404
    browser.press()
    assert web.http.post(f"/c/{TOKEN}", data={"answer": ["1", "2"]}).status_code == 400
    assert web.http.post(f"/c/{TOKEN}", content=b"x" * 70_000).status_code == 413
    clock.advance(seconds=TALK_SECONDS)
    assert browser.open().status_code == 404
    assert browser.press().status_code == 404
