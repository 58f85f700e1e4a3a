"""Payouts, their items and their attempts."""

from core.invariants.check import Check, Invariant

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

# What went out beyond what is owed is posted as missing from suspense, and is a case.
PAYOUT_PAID = """
SELECT payouts.id::text AS subject, coalesce(sum(attempts.amount_cents), 0) AS expected,
    paid_cents AS actual
FROM payouts
LEFT JOIN attempts
    ON payout_id = payouts.id AND attempts.state = 'succeeded' AND reversed_at IS NULL
    AND EXISTS (
        SELECT 1 FROM ledger_transfers
        WHERE idempotency_key = concat('out:', attempts.provider, ':', attempts.id)
            AND ledger_transfers.kind = 'paid_out'
    )
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

# Something has to move a payout that is not over: a try, a time or, of a held one, a person.
PAYOUT_GOES_ON = """
SELECT id::text AS subject, 'a try or a time for one' AS expected, state AS actual
FROM payouts
WHERE state = 'released' AND due_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM attempts
    WHERE payout_id = payouts.id AND attempts.state IN ('queued', 'sending', 'pending', 'unknown')
)
LIMIT :findings_max
"""

PAYOUT_HELD = """
SELECT payouts.id::text AS subject, 'nothing under way' AS expected, attempts.state AS actual
FROM payouts JOIN attempts ON payout_id = payouts.id
WHERE payouts.state = 'held'
    AND attempts.state IN ('queued', 'sending', 'pending', 'unknown')
LIMIT :findings_max
"""

# What came back is in no live payout by the one that it came back from.
PAYOUT_REVERSED = """
SELECT payouts.id::text AS subject, 'waiting for another payout' AS expected, 'live' AS actual
FROM payouts JOIN payout_items ON payout_id = payouts.id
WHERE state IN ('failed', 'reversed') AND live
LIMIT :findings_max
"""

# By vendor: what our payouts say came back is what the ledger owes again.
REVERSED_POSTED = """
SELECT concat('payable:', number) AS subject, coalesce(came_back, 0) AS expected,
    coalesce(posted, 0) AS actual
FROM vendors
LEFT JOIN (
    SELECT vendor_id, sum(attempts.amount_cents) AS came_back
    FROM attempts
    JOIN payouts ON payouts.id = payout_id
    JOIN ledger_transfers
        ON idempotency_key = concat('out:', provider, ':', attempts.id)
        AND ledger_transfers.kind = 'paid_out'
    WHERE reversed_at IS NOT NULL
    GROUP BY vendor_id
) AS reversed ON vendor_id = vendors.id
LEFT JOIN (
    SELECT account, -sum(amount_cents) AS posted
    FROM ledger_transfers JOIN ledger_postings ON transfer_id = ledger_transfers.id
    WHERE kind = 'paid_back' AND account LIKE 'payable:%'
    GROUP BY account
) AS back ON account = concat('payable:', number)
WHERE coalesce(came_back, 0) <> coalesce(posted, 0)
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.PAYOUTS, "a payout is its items and what is carried", PAYOUT_SUM),
    Check(Invariant.PAYOUTS, "a payout has paid what its attempts moved", PAYOUT_PAID),
    Check(Invariant.PAYOUTS, "a payout is paid when all of it is", PAYOUT_ENDED),
    Check(Invariant.PAYOUTS, "a booking is in one live payout", PAYOUT_ONCE),
    Check(Invariant.PAYOUTS, "a payout on its way goes on", PAYOUT_GOES_ON),
    Check(Invariant.PAYOUTS, "nothing of a held payout is under way", PAYOUT_HELD),
    Check(Invariant.PAYOUTS, "what came back waits for another payout", PAYOUT_REVERSED),
    Check(Invariant.PAYOUTS, "what came back is owed again", REVERSED_POSTED),
)
