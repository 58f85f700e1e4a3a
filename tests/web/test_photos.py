"""Photos of a listing: sent through a vendor's link, seen on the page that a customer is sent."""

import re
from io import BytesIO
from threading import Event, Thread

import httpx
import pytest
from PIL import Image

from core.catalog.rules import ListingStatus
from core.clock import ManualClock
from core.db.tx import Database
from core.errors import Refused
from core.limits import (
    PHOTO_LARGE_MAX_BYTES,
    PHOTO_LINK_SECONDS,
    PHOTO_LINKS_A_DAY_MAX,
    PHOTO_MAX_BYTES,
    PHOTO_SMALL_MAX_BYTES,
    PHOTOS_AT_ONCE_MAX,
    PHOTOS_PER_LINK_MAX,
    PHOTOS_PER_LISTING_MAX,
)
from core.people.deeds import Deed, deeds_of
from core.people.model import Language, Vendor
from core.people.usecases import set_language
from tests.support.factories import VENDOR
from tests.support.pictures import as_phones_take_it, bomb, made, scene, written
from tests.web.rig import Web
from tests.web.shop import Shop, new_link
from web.pages import vendor_photos

HTML_BYTES_MAX = 6_000
# The budget of photos on one page, and of everything else (HTML, style, icon).
PHOTOS_BYTES_MAX = 100_000
REST_BYTES_MAX = 50_000


@pytest.fixture
def shop(web: Web, database: Database) -> Shop:
    return Shop.open(web, database)


def test_photos_are_sent_shown_and_removed(shop: Shop, database: Database) -> None:
    assert "<img" not in shop.web.http.get(shop.seen).text
    page = shop.web.http.get(shop.link)
    assert (page.status_code, "Photos of Baraka Garden Hall" in page.text) == (200, True)
    assert page.headers["x-robots-tag"].startswith("noindex")
    assert not re.search(r"<script|<style| style=| on[a-z]+=|https?://", page.text)

    for turn in range(2):
        answer = shop.send(written(scene(turn=turn)))
        assert (answer.status_code, "we have it" in answer.text) == (200, True)
    first, second = shop.tokens()
    seen = shop.web.http.get(shop.seen).text
    assert f'<img class="cover" src="/photos/{first}/large.jpg" width="640" height="480"' in seen
    assert f'src="/photos/{second}/small.jpg" width="160" height="160"' in seen
    assert 'alt="Baraka Garden Hall, photo 2" loading="lazy"' in seen
    assert "Baraka Garden Hall, picha 2" in shop.web.http.get(f"{shop.seen}?lang=sw").text

    assert "It is removed." in shop.remove(first).text
    assert "It is removed." in shop.remove(first).text, "sent twice"
    assert f"/photos/{second}/large.jpg" in shop.web.http.get(shop.seen).text, "the cover now"
    assert shop.web.http.get(f"/photos/{first}/large.jpg").status_code == 404
    with database.transaction() as tx:
        vendor = tx.db.query(Vendor).one()
        done = [(deed.deed, msisdn) for deed, msisdn in deeds_of(tx, vendor.id)]
    assert done == [(Deed.PHOTO_REMOVED, VENDOR), *[(Deed.PHOTO_ADDED, VENDOR)] * 2]


def test_what_is_served_says_nothing_of_where_it_was_taken(shop: Shop) -> None:
    shop.send(as_phones_take_it())
    (photo,) = shop.tokens()

    for size, shape in (("large", (640, 853)), ("small", (160, 160))):
        body = shop.web.http.get(f"/photos/{photo}/{size}.jpg").content
        with Image.open(BytesIO(body)) as picture:
            assert not picture.getexif()
            assert picture.size == shape


def test_a_photo_is_kept_by_browsers_under_an_address_nobody_can_guess(shop: Shop) -> None:
    shop.fill(1)
    (photo,) = shop.tokens()
    address = f"/photos/{photo}/small.jpg"

    answer = shop.web.http.get(address)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=2592000, immutable"
    for tag in (answer.headers["etag"], f'"x", W/{answer.headers["etag"]}'):
        again = shop.web.http.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    changed = shop.web.http.get(address, headers={"If-None-Match": '"another"'})
    assert changed.content == answer.content
    for wrong in (
        f"/photos/{photo}x/small.jpg",
        f"/photos/{photo}/huge.jpg",
        "/photos/a%00/small.jpg",
    ):
        assert shop.web.http.get(wrong).status_code in {404, 422}


def test_what_is_not_on_offer_is_seen_by_its_owner_alone(shop: Shop, database: Database) -> None:
    shop.fill(1)
    (photo,) = shop.tokens()
    shop.set_status(ListingStatus.PAUSED)

    assert shop.web.http.get(f"/photos/{photo}/large.jpg").status_code == 404
    own = shop.web.http.get(f"{shop.link}/{photo}/large.jpg")
    assert (own.status_code, "private" in own.headers["cache-control"]) == (200, True)
    other = shop.another().link
    assert shop.web.http.get(f"{other}/{photo}/large.jpg").status_code == 404
    assert shop.web.http.post(other, files={"remove": (None, photo)}).status_code == 200
    assert shop.tokens() == [photo], "another listing's link removes nothing here"


PHOTO = written(scene())


@pytest.mark.parametrize(
    ("body", "status", "said", "in_swahili"),
    [
        (b"", 400, "Choose a photo first.", "Kwanza chagua picha."),
        (b"<html>", 400, "That is no photo.", "Hiyo si picha."),
        (PHOTO[:-9], 400, "damaged or not whole", "imeharibika"),
        (bomb(20_000, 20_000), 400, "too many pixels", "kubwa mno"),
        (written(scene((1, 1)), "PNG"), 400, "too small", "ndogo"),
        (PHOTO.ljust(PHOTO_MAX_BYTES + 1), 413, "larger than 8 MB", "inazidi MB 8"),
        (PHOTO.ljust(PHOTO_MAX_BYTES * 2), 413, "larger than 8 MB", "inazidi MB 8"),
    ],
    ids=["nothing", "html", "cut", "bomb", "dot", "large", "far too large"],
)
def test_what_is_no_photo_is_refused_in_plain_words(
    shop: Shop, body: bytes, status: int, said: str, in_swahili: str
) -> None:
    for lang, words in (("en", said), ("sw", in_swahili)):
        answer = shop.send(body, lang)
        assert (answer.status_code, words in answer.text) == (status, True)
        assert "<form" in answer.text, "they can send another one"
    assert shop.tokens() == []


def test_the_page_speaks_its_owners_language_unless_asked(shop: Shop, database: Database) -> None:
    database.run(lambda tx: set_language(tx, VENDOR, Language.SW))

    assert "Picha za Baraka Garden Hall" in shop.web.http.get(shop.link).text
    assert "Photos of Baraka Garden Hall" in shop.web.http.get(f"{shop.link}?lang=en").text


def test_the_same_photo_and_a_seventh_are_refused(shop: Shop) -> None:
    shop.send(PHOTO)
    assert "there already" in shop.send(PHOTO).text
    assert "there already" in shop.send(as_other_file(PHOTO)).text, "whatever is written into it"
    shop.remove(shop.tokens()[0])
    shop.fill()

    full = shop.web.http.get(shop.link).text
    assert 'type="file"' not in full
    assert full.count("Remove photo") == PHOTOS_PER_LISTING_MAX
    assert "There are 6 photos already." in shop.send(PHOTO).text


def as_other_file(photo: bytes) -> bytes:
    """The same pixels with other words beside them."""
    return photo[:2] + b"\xff\xfe\x00\x07other" + photo[2:]


def test_a_link_is_good_for_a_week_and_a_day_has_so_many(
    shop: Shop, database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        for _ in range(PHOTO_LINKS_A_DAY_MAX - 1):
            new_link(tx, shop.listing)
        with pytest.raises(Refused, match="too_many_links"):
            new_link(tx, shop.listing)
    for turn in range(PHOTOS_PER_LINK_MAX):
        shop.fill(1)
        if turn < PHOTOS_PER_LINK_MAX - 1:
            shop.remove(shop.tokens()[0])
    assert "So many photos came through this link" in shop.send(PHOTO).text

    clock.advance(seconds=PHOTO_LINK_SECONDS)
    (photo,) = shop.tokens()
    assert shop.web.http.get(shop.link).status_code == 404
    assert shop.send(PHOTO).status_code == 404
    assert shop.remove(photo).status_code == 404
    assert shop.web.http.get(f"{shop.link}/{photo}/small.jpg").status_code == 404
    assert shop.web.http.get(f"/photos/{photo}/small.jpg").status_code == 200
    assert shop.web.http.get("/g/nothing").status_code == 404


def test_more_photos_at_once_than_can_be_decoded_are_asked_to_come_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a turn in a thread that calls are answered in."""
    begun, go = Event(), Event()
    waiting: list[int] = []

    def slow(body: bytes) -> object:
        waiting.append(len(body))
        if len(waiting) == PHOTOS_AT_ONCE_MAX:
            begun.set()
        go.wait(10)
        return made(len(body))

    monkeypatch.setattr(vendor_photos, "make_pictures", slow)
    answers: list[httpx.Response] = []
    senders = [
        Thread(target=lambda size=size: answers.append(shop.send(b"x" * size)))
        for size in range(1, PHOTOS_AT_ONCE_MAX + 1)
    ]
    for sender in senders:
        sender.start()
    assert begun.wait(10)

    late = shop.send(b"xxx")
    go.set()
    for sender in senders:
        sender.join()

    assert (late.status_code, "Many photos come in" in late.text) == (503, True)
    assert [answer.status_code for answer in answers] == [200] * PHOTOS_AT_ONCE_MAX
    assert shop.send(b"xxx").status_code == 200, "the next one is taken again"


@pytest.mark.parametrize("lang", ["en", "sw"])
def test_a_page_of_six_photos_stays_within_the_budget_of_a_slow_network(
    shop: Shop, lang: str
) -> None:
    shop.fill()
    page = shop.web.http.get(f"{shop.seen}?lang={lang}")
    photos = re.findall(r'src="(/photos/[^"]+)"', page.text)
    rest = re.findall(r'href="(/static/[^"]+)"', page.text)

    assert len(photos) == PHOTOS_PER_LISTING_MAX
    assert len(page.content) < HTML_BYTES_MAX
    weights = [len(shop.web.http.get(address).content) for address in photos]
    assert sum(weights) <= PHOTOS_BYTES_MAX
    heaviest = PHOTO_LARGE_MAX_BYTES + (PHOTOS_PER_LISTING_MAX - 1) * PHOTO_SMALL_MAX_BYTES
    assert heaviest <= PHOTOS_BYTES_MAX, "whatever is sent: the database refuses more"
    others = sum(len(shop.web.http.get(address).content) for address in rest)
    assert len(page.content) + others <= REST_BYTES_MAX
