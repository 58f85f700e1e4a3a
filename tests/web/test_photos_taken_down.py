"""Staff take a photo of a listing down: it is gone, its vendor is told why, and so are we."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from core.catalog.photos import ListingPhoto, remove_photo
from core.catalog.rules import ListingStatus
from core.clock import ManualClock
from core.db.tx import Database
from core.outbox import Notice
from core.people.deeds import Deed, deeds_of
from core.people.notices import VendorTopic
from tests.core.admins.staff import EMAIL
from tests.support.factories import VENDOR
from tests.support.pictures import scene, written
from tests.web.office import Office, data, refused
from tests.web.rig import Inside, Web
from tests.web.shop import Shop

WHY = "It shows a phone number"
FIRST, SECOND = (written(scene(turn=turn)) for turn in range(2))


@pytest.fixture
def office(web: Web) -> Office:
    return Office.open(web)


@pytest.fixture
def shop(web: Web, database: Database) -> Shop:
    opened = Shop.open(web, database)
    for body in (FIRST, SECOND):
        opened.send(body)
    return opened


def photos(office: Office, shop: Shop) -> dict[str, Any]:
    return dict(data(office.get(f"/admin/listings/{shop.listing.number}/photos")))


def at(shop: Shop, photo: int) -> str:
    return f"/admin/listings/{shop.listing.number}/photos/{photo}/take-down"


def told(database: Database) -> list[tuple[str, dict[str, Any]]]:
    query = select(Notice).where(Notice.topic == VendorTopic.PHOTO_TAKEN_DOWN.value)
    with database.transaction() as tx:
        return [(sms.msisdn, sms.params) for sms in tx.db.scalars(query)]


def test_a_photo_is_taken_down_for_good_and_its_vendor_is_told_why(
    office: Office, shop: Shop, database: Database, clock: ManualClock
) -> None:
    seen = photos(office, shop)
    cover, other = seen["photos"]
    assert (seen["title"], seen["status"]) == ("Baraka Garden Hall", "published")
    assert (cover["width"], cover["height"]) == (640, 480)
    assert cover["size_bytes"] == len(shop.web.http.get(cover["path"]).content)

    down = data(office.post(at(shop, cover["number"]), {"reason": f" {WHY}\n"}))

    assert down["already"] is False
    assert down["photo"] == {
        "number": cover["number"],
        "kept_at": cover["kept_at"],
        "taken_down_at": clock.now().isoformat().replace("+00:00", "Z"),
        "reason": WHY,
        "by": EMAIL,
    }
    assert shop.web.http.get(cover["path"]).status_code == 404
    # A browser that has it asks in vain, too.
    etag = {"If-None-Match": f'"{cover["path"].split("/")[2]}-large"'}
    assert shop.web.http.get(cover["path"], headers=etag).status_code == 404
    assert f'class="cover" src="{other["path"]}"' in shop.web.http.get(shop.seen).text
    assert photos(office, shop) == seen | {"photos": [other], "taken_down": [down["photo"]]}
    assert told(database) == [(VENDOR, {"listing": "Baraka Garden Hall", "reason": WHY})]
    with database.transaction() as tx:
        assert [each.number for each in tx.db.scalars(select(ListingPhoto))] == [other["number"]]
        deed, msisdn = deeds_of(tx, shop.listing.vendor_id)[0]
    subject = f"{shop.listing.number} {cover['number']}"
    assert (deed.deed, deed.subject, msisdn) == (Deed.PHOTO_TAKEN_DOWN, subject, None)


def test_the_same_picture_is_not_taken_again_and_another_one_is(
    office: Office, shop: Shop, database: Database
) -> None:
    first, second = photos(office, shop)["photos"]
    office.post(at(shop, second["number"]), {"reason": WHY})

    for lang, words in (("en", "We took that photo down."), ("sw", "Picha hiyo tuliiondoa.")):
        again = shop.send(SECOND, lang)
        assert (again.status_code, words in again.text) == (400, True)
        assert 'type="file"' in again.text, "they can send another one"
    assert shop.send(written(scene(turn=2))).status_code == 200

    there = [photo["number"] for photo in photos(office, shop)["photos"]]
    assert there[0] == first["number"]
    assert there[1] > second["number"], "a number is never another photo's"
    # What is wrong with one listing may be right for another.
    assert shop.another().send(SECOND).status_code == 200


def test_twice_is_told_and_nobody_is_told_twice(
    office: Office, shop: Shop, database: Database, clock: ManualClock
) -> None:
    number = photos(office, shop)["photos"][0]["number"]
    first = data(office.post(at(shop, number), {"reason": WHY}))
    clock.advance(seconds=60)

    again = data(office.post(at(shop, number), {"reason": "Another reason"}))

    assert again == {"photo": first["photo"], "already": True}
    assert len(told(database)) == 1


def test_what_is_not_there_is_refused_in_a_sentence(
    office: Office, shop: Shop, database: Database
) -> None:
    first, second = photos(office, shop)["photos"]
    remove_photo_of = shop.link.removeprefix("/g/"), second["path"].split("/")[2]
    database.run(lambda tx: remove_photo(tx, *remove_photo_of))
    empty = shop.another()
    office.post(at(shop, first["number"]), {"reason": WHY})

    for path, code, said in (
        (at(shop, second["number"]), "no_photo", "its vendor has removed it"),
        (at(shop, 9_999_999_999), "no_photo", "no such photo"),
        (at(empty, first["number"]), "no_photo", "of that listing"),
        ("/admin/listings/99999/photos/1/take-down", "no_listing", "no such listing"),
    ):
        answer = office.post(path, {"reason": WHY})
        assert refused(answer) == (404, code), path
        assert said in answer.json()["error"]["message"]
    for reason in (" ", "x" * 81):
        answer = office.post(at(shop, first["number"]), {"reason": reason})
        assert refused(answer) == (422, "bad_reason")
        assert "at most 80 letters" in answer.json()["error"]["message"]
    assert len(told(database)) == 1


def test_staff_do_the_same_at_the_console(
    office: Office, shop: Shop, database: Database, inside: Inside
) -> None:
    shop.set_status(ListingStatus.PAUSED)
    listing = shop.listing.number
    seen = json.loads(inside("photos", "list", listing, "--json").stdout)
    assert seen == photos(office, shop)
    first, second = seen["photos"]
    title, *lines = inside("photos", "list", listing).stdout.splitlines()
    assert title == f"Listing {listing} Baraka Garden Hall: paused"
    assert [line.split()[0] for line in lines] == [str(first["number"]), str(second["number"])]
    assert lines[0].endswith(first["path"])
    assert "  640x480  " in lines[0]

    done = inside("photos", "take-down", listing, first["number"], "--reason", WHY)
    assert (done.exit_code, "its vendor is told why" in done.stderr) == (0, True)
    data(office.post(at(shop, second["number"]), {"reason": "Another hall"}))
    again = inside("photos", "take-down", listing, second["number"], "--reason", WHY)
    assert again.exit_code == 0
    assert f"by {EMAIL}: Another hall" in again.stderr

    _, none, *down = inside("photos", "list", listing).stdout.splitlines()
    assert none == "There are no photos."
    # The console has a clock of its own.
    ours, theirs = sorted(down)
    assert theirs.endswith(f" by {EMAIL}: Another hall")
    assert ours.endswith(f": {WHY}")
    assert " by " not in ours
    assert [reason["reason"] for _, reason in told(database)] == [WHY, "Another hall"]
    for words, said in (
        (("list", 99_999), "There is no such listing."),
        (("take-down", listing, 99, "--reason", WHY), "There is no such photo"),
        (("take-down", listing, first["number"], "--reason", " "), "Say why"),
        (("take-down", listing, "one", "--reason", WHY), "be a valid integer"),
        (("remove",), "No such command"),
    ):
        wrong = inside("photos", *words)
        assert (wrong.exit_code, said in wrong.output) == (2, True), wrong.output
