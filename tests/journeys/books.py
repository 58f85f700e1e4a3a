"""What the database of a trial says, read beside it."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from tests.journeys.outside import Json
from tests.journeys.trial import Trial

BOOKINGS = """
SELECT users.msisdn, bookings.code, bookings.state, bookings.total_cents
FROM bookings JOIN users ON users.id = customer_id
"""
# What still waits for a worker. A delivery report of a message whose answer was lost can never be
# matched: it is given up after its tries.
WAITING = """
SELECT 'notice' AS kind, state AS what FROM notices
WHERE state IN ('waiting', 'leased', 'sending')
UNION ALL SELECT 'attempt', state FROM attempts
WHERE state IN ('queued', 'sending', 'pending', 'unknown')
UNION ALL SELECT 'callback', kind FROM inbox
WHERE state = 'waiting' AND note IS DISTINCT FROM 'unknown_message'
UNION ALL SELECT 'callback', note FROM inbox
WHERE state = 'dead' AND note IS DISTINCT FROM 'unknown_message'
"""
NOTICES = "SELECT key, topic, msisdn, state, text, message_id FROM notices"
RECEIPTS = """
SELECT receipts.number, receipts.attempt_id, receipts.amount_cents, receipts.direction,
    (SELECT count(*) FROM ledger_transfers
     WHERE idempotency_key IN (
         concat('in:', provider, ':', number), concat('in:', provider, ':attempt:', attempt_id)
     )) AS posted
FROM receipts WHERE direction = 'in'
"""
ATTEMPTS = "SELECT id, state, reference, tries FROM attempts WHERE kind = 'collection'"


@dataclass(frozen=True)
class Books:
    """Rows as they are at one moment."""

    bookings: list[Any]
    waiting: list[Any]
    notices: list[Any]
    receipts: list[Any]
    attempts: dict[UUID, Any]


def read(trial: Trial) -> Books:
    """Read everything that a drill has to account for."""
    running = json.loads((trial.data / "up.json").read_text())
    url = running["environ"]["NAFASI_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url, row_factory=namedtuple_row) as connection:

        def rows(statement: str) -> list[Any]:
            return connection.execute(statement.encode()).fetchall()

        return Books(
            rows(BOOKINGS),
            rows(WAITING),
            rows(NOTICES),
            rows(RECEIPTS),
            {row.id: row for row in rows(ATTEMPTS)},
        )


def messages_without_a_row(books: Books, messages: list[Json]) -> Counter[str]:
    """Count by phone the messages that went out beyond those that a row says it has sent.

    Only a row whose outcome nobody could note may explain one.
    """
    sent = Counter((row.msisdn, row.text) for row in books.notices if row.state == "sent")
    out = Counter((sms["to"], sms["text"]) for sms in messages)
    beyond: Counter[str] = Counter()
    for (phone, _text), count in (out - sent).items():
        beyond[phone] += count
    return beyond
