"""Forgetting what need not be kept: words and numbers of people go, the facts stay."""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, delete, or_, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from core.admins.model import AdminSession
from core.catalog.links import ListingLink
from core.catalog.photos import PhotoLink
from core.db.tx import Tx
from core.documents.links import StatementLink
from core.inbox import Arrival, Inbound
from core.insight.model import TrailSource, UssdSession
from core.limits import RELAY_KEPT_SECONDS
from core.outbox import Notice, Sending
from core.receipts import TurnReceipt
from core.relay.model import RelayLine
from core.support.model import Ticket, TicketNote
from core.talks import OpenTalk
from workers.budget import Budget
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 120
BATCH_MAX = 1_000
NOTICE_TEXT_DAYS = 30
TURN_RECEIPT_DAYS = 30
SESSION_DAYS = 30
CALLBACK_PAYLOAD_DAYS = 90
TALK_DAYS = 2
SMS_KIND = "sms"

OVER = (Sending.SENT, Sending.UNKNOWN, Sending.DEAD, Sending.DROPPED)
READ = (Arrival.APPLIED, Arrival.IGNORED)


def run_housekeeping(parts: Parts) -> int:
    """Purge in small transactions until nothing is left to purge; return how many rows."""
    budget = Budget(RUN_SECONDS)
    total = 0
    for purge in PURGES:
        purged = 0
        while not budget.spent:
            batch = parts.database.run(purge)
            purged += batch
            if batch < BATCH_MAX:
                break
        if purged:
            log.info("housekeeping.purged", what=purge.__name__, rows=purged)
        total += purged
    return total


def purge_notices(tx: Tx) -> int:
    """Drop the words of messages that are over, and the values they were made of."""
    old = (
        Notice.state.in_(OVER),
        Notice.created_at < tx.now - timedelta(days=NOTICE_TEXT_DAYS),
        (Notice.params != {}) | Notice.text.is_not(None),
    )
    return _clear(tx, Notice.id, old, {"text": None, "params": {}})


def purge_callbacks(tx: Tx) -> int:
    """Drop the bodies of applied callbacks; their references and digests still refuse repeats."""
    old = (
        Inbound.state.in_(READ),
        Inbound.received_at < tx.now - timedelta(days=CALLBACK_PAYLOAD_DAYS),
        Inbound.payload != {},
    )
    return _clear(tx, Inbound.id, old, {"payload": {}})


def purge_turns(tx: Tx) -> int:
    """Drop turn receipts; a conversation lives minutes."""
    before = tx.now - timedelta(days=TURN_RECEIPT_DAYS)
    keys = (TurnReceipt.provider, TurnReceipt.session_id, TurnReceipt.digest)
    rows = tx.db.execute(
        select(*keys).where(TurnReceipt.created_at < before).limit(BATCH_MAX)
    ).all()
    tx.db.execute(delete(TurnReceipt).where(tuple_(*keys).in_([tuple(row) for row in rows])))
    return len(rows)


def purge_links(tx: Tx) -> int:
    """Drop links to statements that open nothing any more."""
    before = tx.now - timedelta(days=NOTICE_TEXT_DAYS)
    old = select(StatementLink.token).where(StatementLink.expires_at < before).limit(BATCH_MAX)
    tokens = tx.db.scalars(old).all()
    tx.db.execute(delete(StatementLink).where(StatementLink.token.in_(tokens)))
    return len(tokens)


def purge_talks(tx: Tx) -> int:
    """Drop conversations by message that nobody goes on with; who used what stays known."""
    words = ("state", "last_words", "token", "opened_by")
    old = (
        OpenTalk.expires_at < tx.now - timedelta(days=TALK_DAYS),
        or_(OpenTalk.state.is_not(None), OpenTalk.last_words.is_not(None)),
    )
    return _clear(tx, OpenTalk.msisdn, old, dict.fromkeys(words))


def purge_tickets(tx: Tx) -> int:
    """Drop the words of tickets that were closed."""
    before = tx.now - timedelta(days=NOTICE_TEXT_DAYS)
    closed = select(Ticket.id).where(Ticket.closed_at < before)
    old = (TicketNote.ticket_id.in_(closed), TicketNote.words != "")
    return _clear(tx, TicketNote.id, old, {"words": ""})


def purge_sessions(tx: Tx) -> int:
    """Drop the rows of conversations; what they came to is in the days' rows."""
    before = tx.now - timedelta(days=SESSION_DAYS)
    tx.db.execute(delete(TrailSource).where(TrailSource.seen_at < before))
    keys = (UssdSession.provider, UssdSession.session_id)
    rows = tx.db.execute(select(*keys).where(UssdSession.last_at < before).limit(BATCH_MAX)).all()
    tx.db.execute(delete(UssdSession).where(tuple_(*keys).in_([tuple(row) for row in rows])))
    return len(rows)


def purge_messages(tx: Tx) -> int:
    """Drop the words of people's own messages; that they came, and when, stays."""
    old = (
        Inbound.kind == SMS_KIND,
        Inbound.state.in_(READ),
        Inbound.received_at < tx.now - timedelta(days=NOTICE_TEXT_DAYS),
        Inbound.payload != {},
    )
    return _clear(tx, Inbound.id, old, {"payload": {}})


def purge_relays(tx: Tx) -> int:
    """Drop what customers and vendors wrote to each other."""
    before = tx.now - timedelta(seconds=RELAY_KEPT_SECONDS)
    old = select(RelayLine.id).where(RelayLine.at < before).limit(BATCH_MAX)
    ids = tx.db.scalars(old).all()
    tx.db.execute(delete(RelayLine).where(RelayLine.id.in_(ids)))
    return len(ids)


def purge_listing_links(tx: Tx) -> int:
    """Drop links to listings, and to their photos, that open nothing any more."""
    dropped = 0
    for links in (ListingLink, PhotoLink):
        old = select(links.token).where(links.expires_at < tx.now).limit(BATCH_MAX)
        tokens = tx.db.scalars(old).all()
        tx.db.execute(delete(links).where(links.token.in_(tokens)))
        dropped += len(tokens)
    return dropped


def purge_admin_sessions(tx: Tx) -> int:
    """Drop sessions of admins that nobody could go on with for a month."""
    before = tx.now - timedelta(days=SESSION_DAYS)
    ids = tx.db.scalars(
        select(AdminSession.id).where(AdminSession.expires_at < before).limit(BATCH_MAX)
    ).all()
    tx.db.execute(delete(AdminSession).where(AdminSession.id.in_(ids)))
    return len(ids)


PURGES = (
    purge_notices,
    purge_turns,
    purge_callbacks,
    purge_messages,
    purge_links,
    purge_listing_links,
    purge_relays,
    purge_talks,
    purge_tickets,
    purge_sessions,
    purge_admin_sessions,
)


def _clear(
    tx: Tx,
    key: InstrumentedAttribute[Any],
    old: tuple[ColumnElement[bool], ...],
    values: dict[str, Any],
) -> int:
    ids = tx.db.scalars(select(key).where(*old).limit(BATCH_MAX)).all()
    tx.db.execute(update(key.class_).where(key.in_(ids)).values(values))
    return len(ids)
