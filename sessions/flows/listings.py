"""A vendor's listings: their prices and sizes, from now on."""

from uuid import UUID

from core import outbox
from core.catalog.listings import change_price, change_size, own_listing, size_of
from core.catalog.model import Listing
from core.catalog.photos import new_photo_link
from core.catalog.queries import listings_of
from core.catalog.rules import Category, ListingStatus
from core.clock import nairobi_date
from core.db.tx import Tx
from core.limits import LISTINGS_PER_VENDOR_MAX
from core.money import Money
from core.people.deeds import Deed
from core.people.model import User, Vendor
from core.people.notices import VendorTopic
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.offering import SIZES
from sessions.flows.review import read_options
from sessions.flows.roles import owner_of, owns
from sessions.texts import cut, keep, t

listings = Part()

STATUSES = {
    ListingStatus.DRAFT: t("waits for our check"),
    ListingStatus.PUBLISHED: t("on offer"),
    ListingStatus.PAUSED: t("not on offer"),
}


@listings.screen("listings", core=True)
def all_of_them(talk: Talk) -> Menu:
    """What the vendor offers, and the way to more."""
    with talk.reading() as tx:
        found = listings_of(tx, owner_of(talk), LISTINGS_PER_VENDOR_MAX)
    return Menu(
        t("Your listings:"),
        [
            *(
                Option(
                    t("{name}", name=cut(listing.title)),
                    to="listing",
                    set={"listing": str(listing.id)},
                )
                for listing in found
            ),
            Option(t("New listing"), to="offer"),
        ],
    )


@listings.screen("listing", core=True)
def one(talk: Talk) -> Menu:
    """One of them, and what can be changed."""
    listing = _listing(talk)
    return Menu(
        [
            t("{number} {name}", number=str(listing.number), name=cut(listing.title)),
            keep(words.price_each(listing.price_cents, listing.price_unit)),
            t("{status}, size {size}", status=STATUSES[listing.status], size=size_of(listing)),
        ],
        [
            Option(t("New price"), to="new_price"),
            Option(t("New size"), to="new_size"),
            Option(t("Close or open days"), to="close_or_open"),
            Option(t("Photos"), do="photo_link"),
            *read_options(listing),
        ],
    )


@listings.screen("new_price", core=True)
def new_price(talk: Talk) -> Ask:
    """What it costs from now on."""
    listing = _listing(talk)
    return Ask(
        keep(t("Now {price}. New price in KES?", price=Money(listing.price_cents))),
        key="price_cents",
        to="price_sure",
        parse="price",
    )


@listings.screen("price_sure", core=True)
def price_sure(talk: Talk) -> Menu:
    """Both prices side by side: a nought too many is seen here."""
    listing = _listing(talk)
    return Menu(
        [
            t("{name}", name=cut(listing.title)),
            keep(
                t(
                    "From now on {price}, was {was}.",
                    price=words.price_each(talk.draft["price_cents"], listing.price_unit),
                    was=Money(listing.price_cents),
                )
            ),
            t("Bookings made keep their price."),
        ],
        [Option(t("Yes, change it"), do="new_price"), Option(t("No, keep it"), to="listing")],
    )


@listings.effect("new_price", refused={"same_price": "listing"})
def set_price(talk: Talk, tx: Tx) -> Go:
    """Ask the new price of whoever books from now on."""
    listing, cents = _own(talk, tx), talk.draft["price_cents"]
    vendor_id = owns(talk, tx, Deed.PRICED, f"{listing.number} {listing.price_cents} {cents}")
    change_price(tx, listing.id, vendor_id, cents)
    return Go("listing", why=t("The new price holds from now on."))


@listings.screen("new_size", core=True)
def new_size(talk: Talk) -> Ask:
    """How much of it there is from now on."""
    listing = _listing(talk)
    return Ask(
        [SIZES[listing.category], keep(t("Now {size}.", size=size_of(listing)))],
        key="size",
        do="new_size",
        parse="size",
    )


@listings.effect("new_size", refused={"units_sold": "listing"})
def set_size(talk: Talk, tx: Tx) -> Go:
    """Change the size; less than what is sold on a day is refused, with the day."""
    listing, size = _own(talk, tx), talk.draft["size"]
    vendor_id = owns(talk, tx, Deed.UNITS, f"{listing.number} {size_of(listing)} {size}")
    change_size(tx, listing.id, vendor_id, size)
    if listing.category is Category.VENUE:
        return Go("listing", why=t("It holds {size} from now on.", size=size))
    return Go("listing", why=t("You have {size} from now on.", size=size))


@listings.effect("photo_link", refused={"too_many_links": "listing"})
def send_photo_link(talk: Talk, tx: Tx) -> Go:
    """Send the owner the link through which photos come and go."""
    listing = _own(talk, tx)
    owner = tx.db.get_one(User, tx.db.get_one(Vendor, listing.vendor_id).user_id)
    link = new_photo_link(tx, owner.id, listing.id)
    told = {
        "token": link.token,
        "listing": listing.title,
        "until": nairobi_date(link.expires_at).isoformat(),
    }
    outbox.add(tx, VendorTopic.PHOTOS.value, owner.msisdn, told)
    return Go("listing", why=t("The link comes by SMS."))


def _listing(talk: Talk) -> Listing:
    with talk.reading() as tx:
        return _own(talk, tx)


def _own(talk: Talk, tx: Tx) -> Listing:
    return own_listing(tx, UUID(talk.draft["listing"]), owner_of(talk))
