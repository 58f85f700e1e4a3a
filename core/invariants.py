"""What must always be true, over the whole core: the list that ``nafasi check`` runs.

The ledger's own (I1 to I6, I8) come from ``core.escrow.invariants``; here are those that tie
bookings, refunds, receipts, payouts and notices to each other. Each check is one statement, hence
one snapshot: it can run beside everything else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, Text, TextClause, bindparam, text

from core.booking.lifecycle import CLAIMING, LIFECYCLE
from core.db.tx import Tx
from core.escrow import invariants as ledger
from core.escrow.invariants import FINDINGS_MAX
from core.limits import PENALTIES_REVIEWED_MIN
from core.people.penalties import counted_since

# A timer, a callback or a message may wait this long for a worker before somebody should look.
LATE_SECONDS = 10 * 60
# A lease that ran out is taken again by the next run.
STUCK_SECONDS = 5 * 60


class Invariant(StrEnum):
    """What a finding breaks, beside the ledger's own."""

    ESCROW = "I5"
    CAPTURED = "I6"
    UNITS = "I7"
    RECEIPTS = "I8"
    PAYOUTS = "I9"
    SHARES = "I10"
    LIFECYCLE = "I11"
    NOTICES = "I13"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken place.

    Attributes:
        invariant: its name, ``I1`` to ``I13``.
        rule: what should hold, in a few words for whoever looks.
        subject: which row, account or day.
        expected: what should be there.
        actual: what is.
    """

    invariant: str
    rule: str
    subject: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that selects ``subject, expected, actual`` of what is broken."""

    invariant: Invariant
    rule: str
    statement: str


# Bookings that hold units and the calendar's counters say the same, and no day is oversold.
UNITS = """
WITH claimed AS (
    SELECT listing_id, claimed_day::date AS day, sum(quantity) AS claimed
    FROM bookings, generate_series(starts_on, ends_on - 1, interval '1 day') AS claimed_day
    WHERE state = ANY (:claiming)
    GROUP BY listing_id, claimed_day
)
SELECT concat(listing_id, ' ', day) AS subject,
    CASE WHEN booked > units THEN units ELSE coalesce(claimed, 0) END AS expected,
    coalesce(booked, 0) AS actual
FROM claimed FULL JOIN listing_days USING (listing_id, day)
WHERE coalesce(claimed, 0) <> coalesce(booked, 0) OR booked > units
LIMIT :findings_max
"""

# What a receipt's transfer may be called: a success that was learned by asking is posted under
# our attempt's id, and gets the provider's number later.
KEYED = """
WITH keyed AS (
    SELECT id, concat(provider, ' ', number) AS subject, amount_cents,
        concat(
            direction, ':', provider, ':',
            CASE direction WHEN 'in' THEN number ELSE coalesce(attempt_id::text, number) END
        ) AS key
    FROM receipts
    UNION
    SELECT id, concat(provider, ' ', number), amount_cents,
        concat('in:', provider, ':attempt:', attempt_id)
    FROM receipts WHERE direction = 'in' AND attempt_id IS NOT NULL
)
"""

RECEIPT_POSTED_ONCE = """
SELECT subject, 1 AS expected, count(ledger_transfers.id) AS actual
FROM keyed LEFT JOIN ledger_transfers ON idempotency_key = key
GROUP BY keyed.id, subject
HAVING count(ledger_transfers.id) <> 1
LIMIT :findings_max
"""

# The provider's charge is its own posting: what reached the other side is what the receipt says.
RECEIPT_AMOUNT = """
SELECT subject, keyed.amount_cents AS expected, sum(abs(ledger_postings.amount_cents)) AS actual
FROM keyed
JOIN ledger_transfers ON idempotency_key = key
JOIN ledger_postings ON transfer_id = ledger_transfers.id
WHERE split_part(account, ':', 1) NOT IN ('float', 'expense')
GROUP BY keyed.id, subject, keyed.amount_cents
HAVING sum(abs(ledger_postings.amount_cents)) <> keyed.amount_cents
LIMIT :findings_max
"""

TRANSFER_HAS_RECEIPT = """
SELECT idempotency_key AS subject, 1 AS expected, 0 AS actual
FROM ledger_transfers LEFT JOIN keyed ON key = idempotency_key
WHERE key IS NULL AND (idempotency_key LIKE 'in:%' OR idempotency_key LIKE 'out:%')
LIMIT :findings_max
"""

PAYOUT_SUM = """
SELECT payouts.id::text AS subject,
    coalesce(sum(payout_items.amount_cents), 0) + carried_in_cents - carried_out_cents AS expected,
    payouts.amount_cents AS actual
FROM payouts LEFT JOIN payout_items ON payout_id = payouts.id
GROUP BY payouts.id
HAVING coalesce(sum(payout_items.amount_cents), 0) + carried_in_cents - carried_out_cents
    <> payouts.amount_cents
LIMIT :findings_max
"""

PAYOUT_PAID = """
SELECT payouts.id::text AS subject, coalesce(sum(attempts.amount_cents), 0) AS expected,
    paid_cents AS actual
FROM payouts
LEFT JOIN attempts ON payout_id = payouts.id AND attempts.state = 'succeeded'
GROUP BY payouts.id
HAVING coalesce(sum(attempts.amount_cents), 0) <> paid_cents
LIMIT :findings_max
"""

PAYOUT_ENDED = """
SELECT id::text AS subject,
    CASE WHEN paid_cents = amount_cents THEN 'paid' ELSE 'not paid' END AS expected,
    state AS actual
FROM payouts
WHERE (state = 'paid') <> (paid_cents = amount_cents)
LIMIT :findings_max
"""

PAYOUT_ONCE = """
SELECT code AS subject, 1 AS expected, count(*) AS actual
FROM payout_items JOIN bookings ON bookings.id = booking_id
WHERE live
GROUP BY code
HAVING count(*) > 1
LIMIT :findings_max
"""

# Of a booking that is over, escrow holds what is still on its way back, and nothing else.
ESCROW_LEFT = """
SELECT code AS subject, coalesce(on_its_way, 0) AS expected, coalesce(-balance_cents, 0) AS actual
FROM bookings
LEFT JOIN ledger_accounts ON path = concat('escrow:', code)
LEFT JOIN (
    SELECT booking_id, sum(amount_cents) AS on_its_way
    FROM refunds WHERE state <> 'returned' GROUP BY booking_id
) AS going ON going.booking_id = bookings.id
WHERE (state NOT IN ('confirmed', 'checked_in', 'completed') OR released_at IS NOT NULL)
    AND coalesce(-balance_cents, 0) <> coalesce(on_its_way, 0)
LIMIT :findings_max
"""

REFUNDS_COUNTED = """
SELECT code AS subject, coalesce(sum(refunds.amount_cents), 0) AS expected,
    refunds_cents AS actual
FROM bookings LEFT JOIN refunds ON booking_id = bookings.id
GROUP BY bookings.id
HAVING coalesce(sum(refunds.amount_cents), 0) <> refunds_cents
LIMIT :findings_max
"""

REFUNDS_POSTED = """
SELECT code AS subject, coalesce(arrived, 0) AS expected, coalesce(posted, 0) AS actual
FROM bookings
LEFT JOIN (
    SELECT booking_id, sum(amount_cents) AS arrived
    FROM refunds WHERE state = 'returned' GROUP BY booking_id
) AS refunded ON refunded.booking_id = bookings.id
LEFT JOIN (
    SELECT booking_id, sum(amount_cents) AS posted
    FROM ledger_transfers JOIN ledger_postings ON transfer_id = ledger_transfers.id
    WHERE kind = 'returned' AND account LIKE 'escrow:%'
    GROUP BY booking_id
) AS sent ON sent.booking_id = bookings.id
WHERE coalesce(arrived, 0) <> coalesce(posted, 0)
LIMIT :findings_max
"""

SHARED_OUT = """
SELECT code AS subject, total_cents - refunds_cents AS expected, -sum(amount_cents) AS actual
FROM bookings
JOIN ledger_transfers ON booking_id = bookings.id AND kind IN ('released', 'retained')
JOIN ledger_postings ON transfer_id = ledger_transfers.id
WHERE account NOT LIKE 'escrow:%'
GROUP BY bookings.id
HAVING -sum(amount_cents) <> total_cents - refunds_cents
LIMIT :findings_max
"""

# Without a refund each share is the frozen price's own.
SHARED_LEGS = """
SELECT concat(code, ' ', name) AS subject, expected,
    coalesce(-sum(ledger_postings.amount_cents), 0) AS actual
FROM bookings
JOIN ledger_transfers ON booking_id = bookings.id AND kind IN ('released', 'retained')
CROSS JOIN LATERAL (VALUES
    ('payable', vendor_net_cents),
    ('revenue:service_fee', service_fee_cents),
    ('revenue:commission', commission_cents),
    ('revenue:rounding', rounding_cents),
    ('tax:vat', vat_cents),
    ('tax:withholding', withholding_cents)
) AS legs (name, expected)
LEFT JOIN ledger_postings ON transfer_id = ledger_transfers.id
    AND name IN (account, split_part(account, ':', 1))
WHERE refunds_cents = 0
GROUP BY code, name, expected
HAVING coalesce(-sum(ledger_postings.amount_cents), 0) <> expected
LIMIT :findings_max
"""

PRICE_PARTS = """
SELECT code AS subject, base_cents AS expected,
    commission_cents + withholding_cents + vendor_net_cents AS actual
FROM bookings
WHERE base_cents <> commission_cents + withholding_cents + vendor_net_cents
LIMIT :findings_max
"""

# Each audit row begins where the one before it ended, by a row of the table; the last one ends
# where the booking is.
MOVES = """
SELECT code AS subject,
    concat(coalesce(state_before_expected, 'nothing'), ' by the table') AS expected,
    concat_ws(' ', coalesce(state_before, 'nothing'), event, state_after) AS actual
FROM (
    SELECT booking_id, id, event, state_before, state_after,
        lag(state_after) OVER (PARTITION BY booking_id ORDER BY id) AS state_before_expected
    FROM booking_events
) AS moves
JOIN bookings ON bookings.id = booking_id
WHERE state_before IS DISTINCT FROM state_before_expected
    OR concat_ws(' ', event, state_before, state_after) <> ALL (:moves)
LIMIT :findings_max
"""

LAST_MOVE = """
SELECT code AS subject, coalesce(last_state, 'an audit row') AS expected, state AS actual
FROM bookings
LEFT JOIN LATERAL (
    SELECT state_after AS last_state
    FROM booking_events WHERE booking_id = bookings.id
    ORDER BY id DESC LIMIT 1
) AS last_move ON true
WHERE last_state IS DISTINCT FROM state
LIMIT :findings_max
"""

TIMER_SET = """
SELECT code AS subject, 'a timer' AS expected, concat(state, ' without one') AS actual
FROM bookings
WHERE due_at IS NULL AND (
    state IN ('requested', 'awaiting_payment', 'confirmed', 'checked_in')
    OR state = 'completed' AND released_at IS NULL
)
LIMIT :findings_max
"""

TIMER_FIRED = """
SELECT code AS subject, 'fired' AS expected, concat(state, ' due ', due_at) AS actual
FROM bookings
WHERE due_at < :late
LIMIT :findings_max
"""

NOTICE_STUCK = """
SELECT id::text AS subject, 'sent or taken again' AS expected,
    concat(state, ' until ', leased_until) AS actual
FROM notices
WHERE state IN ('leased', 'sending') AND (leased_until IS NULL OR leased_until < :stuck)
LIMIT :findings_max
"""

NOTICE_LATE = """
SELECT id::text AS subject, 'sent' AS expected, concat(state, ' since ', due_at) AS actual
FROM notices
WHERE state = 'waiting' AND due_at < :late
LIMIT :findings_max
"""

CALLBACK_LATE = """
SELECT id::text AS subject, 'applied' AS expected, concat(state, ' since ', due_at) AS actual
FROM inbox
WHERE state = 'waiting' AND due_at < :late
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.ESCROW, "escrow of what is over is on its way back", ESCROW_LEFT),
    Check(Invariant.CAPTURED, "a booking counts its refunds", REFUNDS_COUNTED),
    Check(Invariant.CAPTURED, "a refund that arrived is posted", REFUNDS_POSTED),
    Check(Invariant.SHARES, "what is shared out is what was kept", SHARED_OUT),
    Check(Invariant.SHARES, "each share is the price's", SHARED_LEGS),
    Check(Invariant.SHARES, "a price is its parts", PRICE_PARTS),
    Check(Invariant.UNITS, "claimed units are the calendar's, none oversold", UNITS),
    Check(Invariant.RECEIPTS, "a receipt is posted once", KEYED + RECEIPT_POSTED_ONCE),
    Check(Invariant.RECEIPTS, "a receipt is posted whole", KEYED + RECEIPT_AMOUNT),
    Check(Invariant.RECEIPTS, "provider money has a receipt", KEYED + TRANSFER_HAS_RECEIPT),
    Check(Invariant.PAYOUTS, "a payout is its items and what is carried", PAYOUT_SUM),
    Check(Invariant.PAYOUTS, "a payout has paid what its attempts moved", PAYOUT_PAID),
    Check(Invariant.PAYOUTS, "a payout is paid when all of it is", PAYOUT_ENDED),
    Check(Invariant.PAYOUTS, "a booking is in one live payout", PAYOUT_ONCE),
    Check(Invariant.LIFECYCLE, "moves follow the table in order", MOVES),
    Check(Invariant.LIFECYCLE, "a booking is where its last move led", LAST_MOVE),
    Check(Invariant.LIFECYCLE, "a state that waits has a timer", TIMER_SET),
    Check(Invariant.LIFECYCLE, "timers fire", TIMER_FIRED),
    Check(Invariant.NOTICES, "no notice is stuck", NOTICE_STUCK),
    Check(Invariant.NOTICES, "no notice is late", NOTICE_LATE),
    Check(Invariant.NOTICES, "no callback is late", CALLBACK_LATE),
)

# What a person may have to look at. None of it is broken: its outcome is noted as not known.
CASES = {
    "notices_unknown": "SELECT count(*) FROM notices WHERE state = 'unknown'",
    "notices_dead": "SELECT count(*) FROM notices WHERE state = 'dead'",
    "callbacks_dead": "SELECT count(*) FROM inbox WHERE state = 'dead'",
    "attempts_unknown": "SELECT count(*) FROM attempts WHERE state = 'unknown'",
    "payouts_failed": "SELECT count(*) FROM payouts WHERE state = 'failed'",
    "receipts_in_suspense": "SELECT count(*) FROM receipts WHERE suspense",
    "refunds_failed": "SELECT count(*) FROM refunds WHERE state = 'failed'",
    "vendors_to_review": """
        SELECT count(*) FROM (
            SELECT vendor_id FROM vendor_penalties WHERE at > :counted_since
            GROUP BY vendor_id HAVING count(*) >= :reviewed_min
        ) AS vendors
    """,
}

FIRST_MOVES = ("request requested", "book_instant awaiting_payment")


def run_all(tx: Tx) -> list[Finding]:
    """Return what is broken, at most ``FINDINGS_MAX`` of each check."""
    found = [
        Finding(
            each.invariant.value,
            each.invariant.name.lower(),
            each.subject,
            str(each.expected),
            str(each.actual),
        )
        for each in ledger.check(tx)
    ]
    values = _values(tx.now)
    for check in CHECKS:
        found += [
            Finding(
                check.invariant.value, check.rule, row.subject, str(row.expected), str(row.actual)
            )
            for row in tx.db.execute(_sql(check.statement, values))
        ]
    return found


def open_cases(tx: Tx) -> dict[str, int]:
    """Count what a person may have to look at, by kind."""
    values = {
        "counted_since": counted_since(tx.now),
        "reviewed_min": PENALTIES_REVIEWED_MIN,
    }
    return {
        name: int(tx.db.execute(_sql(count, values)).scalar_one()) for name, count in CASES.items()
    }


def _values(now: datetime) -> dict[str, Any]:
    """Return the values that statements may name."""
    moves = [f"{event} {before} {after}" for event, before, after in LIFECYCLE.rows]
    return {
        "findings_max": FINDINGS_MAX,
        "claiming": sorted(CLAIMING),
        "moves": [*FIRST_MOVES, *moves],
        "late": now - timedelta(seconds=LATE_SECONDS),
        "stuck": now - timedelta(seconds=STUCK_SECONDS),
    }


def _sql(statement: str, values: dict[str, Any]) -> TextClause:
    """Return a statement with those values that it names; other colons are its own."""
    named = {name: value for name, value in values.items() if f":{name}" in statement}
    escaped = statement.replace(":", r"\:")
    for name in named:
        escaped = escaped.replace(rf"\:{name}", f":{name}")
    return text(escaped).bindparams(
        *(
            bindparam(name, value, ARRAY(Text) if isinstance(value, list) else None)
            for name, value in named.items()
        )
    )
