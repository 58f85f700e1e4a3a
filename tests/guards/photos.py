"""What keeps a listing's photos few, small and each there once."""

from uuid import UUID

from core.catalog import photos
from core.catalog.photos import ListingPhoto, add_photo, new_photo_link
from core.catalog.takedowns import TakenDown, take_down
from core.db.tx import Tx
from core.errors import Refused
from core.limits import PHOTO_SMALL_MAX_BYTES, PHOTOS_PER_LISTING_MAX
from tests.core.booking.world import World
from tests.guards.guard import (
    Guard,
    both_do,
    by_hand,
    check,
    constraint,
    copy_row,
    count,
    lock,
    meet_in,
    outcome,
    unique,
)
from tests.support.factories import VENDOR
from tests.support.pictures import made

COUNT = "SELECT count(*) FROM listing_photos"
DOWN = "listing_photo_take_downs"


def _link(world: World) -> str:
    owner = world.user_id(VENDOR)
    return world.run(lambda tx: new_photo_link(tx, owner, world.listing.id)).token


def _send(world: World, token: str, turn: int) -> ListingPhoto:
    return world.run(lambda tx: add_photo(tx, token, made(turn)))


def with_a_photo(world: World, photos: int = 1) -> None:
    """The hall's vendor has sent so many."""
    token = _link(world)
    for turn in range(photos):
        _send(world, token, turn)


def _one_place_left(world: World) -> None:
    first, second = _link(world), _link(world)
    for turn in range(PHOTOS_PER_LISTING_MAX - 1):
        _send(world, first, turn)
    others = iter([(first, 50), (second, 51)])

    def send() -> object:
        token, turn = next(others)
        return outcome(lambda: _send(world, token, turn))

    meet_in(world, send, r"FROM listing_photos WHERE", send)

    assert count(world, COUNT) == PHOTOS_PER_LISTING_MAX


def _there_twice(world: World) -> None:
    photo = _send(world, _link(world), 0)

    copy_row(world, "listing_photos", photo.id, token="another", position=2, number=99)

    assert count(world, COUNT) == 1


def _numbered_twice(world: World) -> None:
    photo = _send(world, _link(world), 0)

    copy_row(world, "listing_photos", photo.id, token="another", position=2, digest="\\x00")

    assert count(world, COUNT) == 1


def _down_and_sent_again(world: World) -> None:
    link = _link(world)
    photo = _send(world, link, 0)
    world.run(lambda tx: _away(tx, world, photo))

    again = outcome(lambda: _send(world, link, 0))

    assert isinstance(again, Refused), "we have said why it is not to be shown"


def _down_twice_by_hand(world: World) -> None:
    photo = _send(world, _link(world), 0)
    world.run(lambda tx: _away(tx, world, photo))

    by_hand(world, f"INSERT INTO {DOWN} SELECT * FROM {DOWN}")

    assert count(world, f"SELECT count(*) FROM {DOWN}") == 1


def _down_twice_at_once(world: World) -> None:
    photo = _send(world, _link(world), 0)

    results = both_do(world, lambda tx: _away(tx, world, photo), r"FROM listing_photos WHERE")

    assert all(isinstance(taken, TakenDown) for taken in results)
    assert [taken.already for taken in results] == [False, True], "its vendor is told once"


def _away(tx: Tx, world: World, photo: ListingPhoto) -> TakenDown:
    return take_down(tx, world.listing.number, photo.number, "It shows a phone number")


def _too_heavy(world: World) -> None:
    photo: UUID = _send(world, _link(world), 0).id
    heavy = PHOTO_SMALL_MAX_BYTES + 1

    by_hand(
        world,
        f"UPDATE listing_photos SET small = convert_to(repeat('x', {heavy}), 'UTF8')"
        f" WHERE id = '{photo}'",
    )

    assert count(world, f"{COUNT} WHERE octet_length(small) > {PHOTO_SMALL_MAX_BYTES}") == 0


ALONE = (
    Guard(
        "the same photo fills two places",
        unique("listing_photos", "uq_listing_photos_listing_id_digest"),
        _there_twice,
    ),
    Guard(
        "two photos have one number, and the wrong one is taken down",
        unique("listing_photos", "uq_listing_photos_number"),
        _numbered_twice,
    ),
    Guard(
        "one photo is taken down twice, by two people for two reasons",
        unique(DOWN, f"pk_{DOWN}"),
        _down_twice_by_hand,
    ),
    Guard(
        "what we took down is there again as soon as it is sent again",
        check("a photo was taken down", photos, "_was_taken_down", lambda *_: False),
        _down_and_sent_again,
    ),
    Guard(
        "a page is too heavy for a slow network",
        constraint("listing_photos", "ck_listing_photos_small"),
        _too_heavy,
    ),
)
MEETING = (
    Guard(
        "of two photos sent at once for the last place both are kept",
        lock("the listing, while its photos are counted", "listings").also(
            unique("listing_photos", "uq_listing_photos_listing_id_position")
        ),
        _one_place_left,
    ),
    Guard(
        "two of us take one photo down, and the second fails",
        lock("the listing, while a photo of it is taken down", "listings"),
        _down_twice_at_once,
    ),
)
