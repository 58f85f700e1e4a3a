"""A link to a listing's page, by SMS: more than a small screen can show."""

from core import outbox
from core.catalog.links import new_listing_link
from core.catalog.queries import listing_by_number
from core.db.tx import Tx
from core.people.usecases import ensure_user
from sessions.flow import Go, Part, Talk
from sessions.notices.customer import LISTING_LINK_TOPIC
from sessions.texts import t

link = Part()


@link.effect("listing_link", refused={"no_listing": "place", "too_many_links": "details"})
def send(talk: Talk, tx: Tx) -> Go:
    """Owe the link."""
    listing = listing_by_number(tx, talk.draft["number"])
    user = ensure_user(tx, talk.person.msisdn)
    made = new_listing_link(tx, user.id, listing.id)
    params = {
        "listing": listing.title,
        "token": made.token,
        "until": made.expires_at.isoformat(),
    }
    outbox.add(tx, LISTING_LINK_TOPIC, talk.person.msisdn, params)
    return Go("details", why=t("An SMS with the link is on its way."))
