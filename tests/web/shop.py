"""A listing whose owner and whose customer were sent a link, for stories about photos."""

from dataclasses import dataclass
from functools import partial
from typing import Self

import httpx

from core.catalog.links import new_listing_link
from core.catalog.model import Listing
from core.catalog.photos import add_photo, new_photo_link, photos_of
from core.catalog.rules import ListingStatus
from core.db.tx import Database, Tx
from core.limits import PHOTOS_PER_LISTING_MAX
from core.people.model import Vendor
from core.people.usecases import ensure_user
from tests.support.factories import CUSTOMER, VENDOR, make_listing, make_vendor
from tests.support.pictures import made
from tests.web.rig import Web


@dataclass
class Shop:
    """A listing, its owner's link, and a customer's."""

    web: Web
    database: Database
    listing: Listing
    link: str
    seen: str

    @classmethod
    def open(cls, web: Web, database: Database) -> Self:
        """A vendor's first listing."""
        with database.transaction() as tx:
            return cls._of(web, database, tx, make_listing(tx, make_vendor(tx)))

    def another(self) -> Self:
        """A further listing of the same vendor."""
        with self.database.transaction() as tx:
            listing = make_listing(tx, tx.db.query(Vendor).one(), title="Other")
            return self._of(self.web, self.database, tx, listing)

    @classmethod
    def _of(cls, web: Web, database: Database, tx: Tx, listing: Listing) -> Self:
        tx.db.refresh(listing, ["number"])
        seen = new_listing_link(tx, ensure_user(tx, CUSTOMER).id, listing.id).token
        return cls(web, database, listing, new_link(tx, listing), f"/l/{seen}")

    def send(self, body: bytes, lang: str = "en") -> httpx.Response:
        files = {"photo": ("beach.jpg", body, "image/jpeg")}
        return self.web.http.post(f"{self.link}?lang={lang}", files=files)

    def remove(self, photo: str) -> httpx.Response:
        return self.web.http.post(self.link, files={"remove": (None, photo)})

    def tokens(self) -> list[str]:
        with self.database.transaction() as tx:
            return [photo.token for photo in photos_of(tx, self.listing.id)]

    def fill(self, count: int = PHOTOS_PER_LISTING_MAX) -> None:
        token = self.link.removeprefix("/g/")
        for turn in range(count):
            pictures = made(turn)
            self.database.run(partial(add_photo, token=token, pictures=pictures))

    def set_status(self, status: ListingStatus) -> None:
        with self.database.transaction() as tx:
            tx.db.get_one(Listing, self.listing.id).status = status


def new_link(tx: Tx, listing: Listing) -> str:
    """A further link of the owner's."""
    return f"/g/{new_photo_link(tx, ensure_user(tx, VENDOR).id, listing.id).token}"
