"""Passing words on between a customer and a vendor.

Until the customer has paid this vendor for something, what would lead past us is taken out of the
words (``core.contacts``). Each function is one effect in the caller's transaction; lock order:
customer, the vendor's user, relay.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from core import outbox
from core.booking.lifecycle import PAID
from core.booking.model import Booking
from core.catalog.model import Listing
from core.catalog.queries import listing_by_number
from core.contacts import without_contacts
from core.db.tx import Tx
from core.errors import BadInput, NotFound, Refused
from core.limits import (
    RELAY_LINES_A_DAY_MAX,
    RELAY_NUMBER_MAX,
    RELAY_SECONDS,
    RELAY_WORDS_MAX,
    RELAYS_A_DAY_MAX,
)
from core.people.model import User, Vendor
from core.people.queries import owner_by_id
from core.people.usecases import ensure_user
from core.relay.model import Relay, RelayLine, Speaker

RELAYED_TOPIC = "relayed"


def ask_vendor(tx: Tx, msisdn: str, number: int, words: str) -> Relay:
    """Ask a listing's vendor something, or go on with what was asked before.

    Args:
        tx: the caller's transaction.
        msisdn: who asks.
        number: the listing's short number.
        words: the question.

    Raises:
        NotFound: no such listing on offer.
        BadInput: ``empty``; ``note_too_long`` (data: most).
        Refused: ``own_listing``; ``too_many_questions``, ``too_many_lines`` (data: limit).
    """
    said = _fit(words)
    customer = ensure_user(tx, msisdn)
    listing = listing_by_number(tx, number)
    vendor = tx.db.get_one(Vendor, listing.vendor_id)
    if vendor.user_id == customer.id:
        raise Refused("own_listing")
    # Numbers are given out one after another to each of the two.
    tx.db.execute(select(User.id).where(User.id == vendor.user_id).with_for_update(key_share=True))
    relay = _of_pair(tx, customer.id, listing.id)
    if relay is None or relay.open_until <= tx.now:
        relay = _opened(tx, relay, customer, vendor, listing)
    _say(tx, relay, Speaker.CUSTOMER, said)
    return relay


def reply(tx: Tx, relay_id: UUID, msisdn: str, words: str) -> bool:
    """Say something in an open relay, as the side of it that a number is.

    Returns:
        False when this side said the same just before: it was not passed on again. Two machines
        that answer each other end here.

    Raises:
        NotFound: ``no_relay``: there is none that is open with this number in it.
        BadInput, Refused: as ``ask_vendor``.
    """
    said = _fit(words)
    relay = tx.db.get(Relay, relay_id, with_for_update=True, populate_existing=True)
    speaker = _side(tx, relay, msisdn) if relay is not None else None
    if relay is None or speaker is None or relay.open_until <= tx.now:
        raise NotFound("no_relay")
    return _say(tx, relay, speaker, said)


def _fit(words: str) -> str:
    line = " ".join(words.split())
    if not line:
        raise BadInput("empty")
    if len(line) > RELAY_WORDS_MAX:
        raise BadInput("note_too_long", most=RELAY_WORDS_MAX)
    return line


def _of_pair(tx: Tx, customer_id: UUID, listing_id: UUID) -> Relay | None:
    query = select(Relay).where(Relay.customer_id == customer_id, Relay.listing_id == listing_id)
    return tx.db.scalar(query.with_for_update().execution_options(populate_existing=True))


def _opened(
    tx: Tx, closed: Relay | None, customer: User, vendor: Vendor, listing: Listing
) -> Relay:
    since = tx.now - timedelta(days=1)
    asked = select(func.count(func.distinct(RelayLine.relay_id))).where(
        RelayLine.relay_id == Relay.id,
        Relay.customer_id == customer.id,
        RelayLine.speaker == Speaker.CUSTOMER,
        RelayLine.at > since,
    )
    if int(tx.db.scalar(asked) or 0) >= RELAYS_A_DAY_MAX:
        raise Refused("too_many_questions", limit=RELAYS_A_DAY_MAX)
    relay = closed or Relay(
        id=tx.ids.uuid(),
        listing_id=listing.id,
        vendor_id=vendor.id,
        customer_id=customer.id,
    )
    relay.number = _free_number(tx, customer.id, vendor.user_id)
    relay.last_from = Speaker.CUSTOMER
    relay.open_until = tx.now
    tx.db.add(relay)
    tx.db.flush()
    return relay


def _free_number(tx: Tx, *people: UUID) -> int:
    """The smallest number that no open relay of either has, on whichever side they are in it."""
    used = set(
        tx.db.scalars(
            select(Relay.number)
            .join(Vendor, Vendor.id == Relay.vendor_id)
            .where(
                or_(Relay.customer_id.in_(people), Vendor.user_id.in_(people)),
                Relay.open_until > tx.now,
            )
        )
    )
    for number in range(1, RELAY_NUMBER_MAX + 1):
        if number not in used:
            return number
    raise Refused("too_many_questions", limit=RELAY_NUMBER_MAX)


def _side(tx: Tx, relay: Relay, msisdn: str) -> Speaker | None:
    if tx.db.get_one(User, relay.customer_id).msisdn == msisdn:
        return Speaker.CUSTOMER
    return Speaker.VENDOR if owner_by_id(tx, relay.vendor_id) == msisdn else None


def _say(tx: Tx, relay: Relay, speaker: Speaker, words: str) -> bool:
    _check_lines(tx, relay, speaker)
    said = words if _has_paid(tx, relay) else without_contacts(words)[:RELAY_WORDS_MAX]
    last = tx.db.scalar(
        select(RelayLine)
        .where(RelayLine.relay_id == relay.id)
        .order_by(RelayLine.id.desc())
        .limit(1)
    )
    if last is not None and (last.speaker, last.words) == (speaker, said):
        return False
    line = RelayLine(relay_id=relay.id, speaker=speaker, words=said, at=tx.now)
    tx.db.add(line)
    relay.last_from = speaker
    relay.open_until = tx.now + timedelta(seconds=RELAY_SECONDS)
    tx.db.flush()
    listing = tx.db.get_one(Listing, relay.listing_id)
    params = {
        "relay": relay.code,
        "listing": listing.title,
        "speaker": speaker.value,
        "words": said,
    }
    to = (
        owner_by_id(tx, relay.vendor_id)
        if speaker is Speaker.CUSTOMER
        else tx.db.get_one(User, relay.customer_id).msisdn
    )
    outbox.add(tx, RELAYED_TOPIC, to, params, key=f"{RELAYED_TOPIC}:{relay.id}:{line.id}")
    return True


def _check_lines(tx: Tx, relay: Relay, speaker: Speaker) -> None:
    """One side cannot fill the other's phone, nor two machines each other's."""
    mine = (
        Relay.customer_id == relay.customer_id
        if speaker is Speaker.CUSTOMER
        else Relay.vendor_id == relay.vendor_id
    )
    said = (
        select(func.count())
        .select_from(RelayLine)
        .join(Relay, Relay.id == RelayLine.relay_id)
        .where(mine, RelayLine.speaker == speaker, RelayLine.at > tx.now - timedelta(days=1))
    )
    if int(tx.db.scalar(said) or 0) >= RELAY_LINES_A_DAY_MAX:
        raise Refused("too_many_lines", limit=RELAY_LINES_A_DAY_MAX)


def _has_paid(tx: Tx, relay: Relay) -> bool:
    """Tell whether these two know each other's number anyway."""
    paid = select(Booking.id).where(
        Booking.customer_id == relay.customer_id,
        Booking.vendor_id == relay.vendor_id,
        Booking.state.in_(PAID),
    )
    return tx.db.scalar(paid.limit(1)) is not None
