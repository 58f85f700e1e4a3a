"""What must always be true of the ledger, asked of the ledger itself.

The names are those of the live checker: I1 to I6 and I8, as far as the ledger's own tables can
tell. Each check is one statement, hence one snapshot: it can run beside postings and roll-ups.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import TextClause, text

from core.db.tx import Tx

FINDINGS_MAX = 20  # Of each invariant; one is enough to wake somebody.


class Invariant(StrEnum):
    """What a finding breaks."""

    BALANCED = "I1"
    SUM_ZERO = "I2"
    STORED = "I3"
    CHAIN = "I4"
    ESCROW = "I5"
    CAPTURED = "I6"
    REFERENCE = "I8"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken place.

    Attributes:
        invariant: what is broken.
        subject: the transfer's id, the account's path or the currency.
        expected: the number that should be there.
        actual: the number that is.
    """

    invariant: Invariant
    subject: str
    expected: int
    actual: int


# The legs of a transfer sum to zero per currency; a transfer has legs.
BALANCED = """
(
    SELECT transfer_id::text AS subject, 0 AS expected, sum(amount_cents) AS actual
    FROM ledger_postings JOIN ledger_accounts ON path = account
    GROUP BY transfer_id, currency
    HAVING sum(amount_cents) <> 0
    LIMIT :findings_max
)
UNION ALL
(
    SELECT id::text, 2, 0
    FROM ledger_transfers AS bare
    WHERE NOT EXISTS (SELECT 1 FROM ledger_postings WHERE transfer_id = bare.id)
    LIMIT :findings_max
)
"""

# Of a shared account, not in its balance yet.
WAITS = "entry_no IS NULL AND id > (SELECT rolled_id FROM ledger_rolled)"

# All accounts together hold nothing, counting what waits for a roll-up.
SUM_ZERO = f"""
SELECT currency AS subject, 0 AS expected, sum(cents) AS actual
FROM (
    SELECT currency, balance_cents AS cents FROM ledger_accounts
    UNION ALL
    SELECT currency, amount_cents
    FROM ledger_postings JOIN ledger_accounts ON path = account
    WHERE {WAITS}
) AS held
GROUP BY currency
HAVING sum(cents) <> 0
LIMIT :findings_max
"""  # noqa: S608 -- our own words.

# A stored balance is the sum of its postings without those that wait for a roll-up.
STORED = f"""
SELECT path AS subject, coalesce(posted, 0) - coalesce(waiting, 0) AS expected,
    balance_cents AS actual
FROM ledger_accounts
LEFT JOIN (
    SELECT account, sum(amount_cents) AS posted FROM ledger_postings GROUP BY account
) AS all_postings ON all_postings.account = path
LEFT JOIN (
    SELECT account, sum(amount_cents) AS waiting
    FROM ledger_postings WHERE {WAITS} GROUP BY account
) AS unrolled ON unrolled.account = path
WHERE balance_cents <> coalesce(posted, 0) - coalesce(waiting, 0)
LIMIT :findings_max
"""  # noqa: S608 -- our own words.

# An account of one booking or vendor numbers its postings without gaps, each with the balance
# that follows from those before it; a shared account counts what it has rolled up.
CHAIN = f"""
(
    SELECT account AS subject, following AS expected, balance_after_cents AS actual
    FROM (
        SELECT account, entry_no, balance_after_cents,
            sum(amount_cents) OVER chain AS following, row_number() OVER chain AS place
        FROM ledger_postings
        WHERE entry_no IS NOT NULL
        WINDOW chain AS (PARTITION BY account ORDER BY entry_no)
    ) AS numbered
    WHERE entry_no <> place OR balance_after_cents <> following
    LIMIT :findings_max
)
UNION ALL
(
    SELECT path, coalesce(posted, 0) - coalesce(waiting, 0), entries
    FROM ledger_accounts
    LEFT JOIN (
        SELECT account, count(*) AS posted FROM ledger_postings GROUP BY account
    ) AS all_postings ON all_postings.account = path
    LEFT JOIN (
        SELECT account, count(*) AS waiting
        FROM ledger_postings WHERE {WAITS} GROUP BY account
    ) AS unrolled ON unrolled.account = path
    WHERE entries <> coalesce(posted, 0) - coalesce(waiting, 0)
    LIMIT :findings_max
)
"""  # noqa: S608 -- our own words.

# Nothing is owed less than nothing, and a booking that was shared out takes no more money but a
# refund that came back. (What it still holds is on its way back; the refunds say how much, see
# ``core.invariants``.)
ESCROW = """
(
    SELECT path AS subject, 0 AS expected, -balance_cents AS actual
    FROM ledger_accounts
    WHERE NOT deferred AND balance_cents > 0
    LIMIT :findings_max
)
UNION ALL
(
    SELECT shared.account, 0, -sum(later.amount_cents)
    FROM ledger_transfers
    JOIN ledger_postings AS shared ON shared.transfer_id = ledger_transfers.id
        AND shared.account LIKE 'escrow:%'
    JOIN ledger_postings AS later ON later.account = shared.account
        AND later.entry_no > shared.entry_no AND later.amount_cents < 0
    JOIN ledger_transfers AS coming ON coming.id = later.transfer_id
    WHERE ledger_transfers.kind IN ('released', 'retained') AND coming.kind <> 'came_back'
    GROUP BY shared.account
    LIMIT :findings_max
)
"""

# What was captured for a booking went back, was released, set aside, or is still held: no other
# transfer may move escrow, and never the other way round.
CAPTURED = """
SELECT path AS subject, captured - gone AS expected, -balance_cents AS actual
FROM (
    SELECT account,
        coalesce(-sum(amount_cents) FILTER (
            WHERE kind IN ('paid', 'matched') AND amount_cents < 0), 0) AS captured,
        coalesce(sum(amount_cents) FILTER (
            WHERE kind IN ('released', 'retained', 'returned', 'set_aside', 'sent_again')
                AND amount_cents > 0), 0)
            + coalesce(sum(amount_cents) FILTER (WHERE kind = 'came_back'), 0) AS gone
    FROM ledger_postings JOIN ledger_transfers ON ledger_transfers.id = transfer_id
    WHERE account LIKE 'escrow:%'
    GROUP BY account
) AS moved
JOIN ledger_accounts ON path = account
WHERE captured - gone <> -balance_cents
LIMIT :findings_max
"""

# Money at a provider moves under that provider's reference and direction, which the key holds
# and the unique key allows once.
REFERENCE = """
SELECT transfer_id::text AS subject, 0 AS expected, amount_cents AS actual
FROM ledger_postings JOIN ledger_transfers ON ledger_transfers.id = transfer_id
WHERE account LIKE 'float:%'
    AND NOT starts_with(
        idempotency_key,
        concat(
            CASE WHEN amount_cents > 0 THEN 'in:' ELSE 'out:' END,
            split_part(account, ':', 2),
            ':'
        )
    )
LIMIT :findings_max
"""


def _sql(statement: str) -> TextClause:
    """Return a check whose only parameter is the bound on its findings."""
    words = ":findings_max"
    return text(words.join(part.replace(":", r"\:") for part in statement.split(words)))


CHECKS = {
    Invariant.BALANCED: _sql(BALANCED),
    Invariant.SUM_ZERO: _sql(SUM_ZERO),
    Invariant.STORED: _sql(STORED),
    Invariant.CHAIN: _sql(CHAIN),
    Invariant.ESCROW: _sql(ESCROW),
    Invariant.CAPTURED: _sql(CAPTURED),
    Invariant.REFERENCE: _sql(REFERENCE),
}


def check(tx: Tx) -> list[Finding]:
    """Return what is broken, at most ``FINDINGS_MAX`` rows of each part of each invariant."""
    return [
        Finding(invariant, row.subject, int(row.expected), int(row.actual))
        for invariant, statement in CHECKS.items()
        for row in tx.db.execute(statement, {"findings_max": FINDINGS_MAX})
    ]
