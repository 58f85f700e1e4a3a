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
LEFT JOIN attempts ON payout_id = payouts.id AND attempts.state = 'succeeded'
    AND EXISTS (
        SELECT 1 FROM ledger_transfers
        WHERE idempotency_key = concat('out:', attempts.provider, ':', attempts.id)
            AND kind = 'paid_out'
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

CHECKS = (
    Check(Invariant.PAYOUTS, "a payout is its items and what is carried", PAYOUT_SUM),
    Check(Invariant.PAYOUTS, "a payout has paid what its attempts moved", PAYOUT_PAID),
    Check(Invariant.PAYOUTS, "a payout is paid when all of it is", PAYOUT_ENDED),
    Check(Invariant.PAYOUTS, "a booking is in one live payout", PAYOUT_ONCE),
)
