"""Disputes: what is disputed stands still, and what was decided is what was done."""

from core.invariants.check import Check, Invariant

FROZEN = """
SELECT code AS subject, CASE state WHEN 'disputed' THEN 1 ELSE 0 END AS expected,
    coalesce(open, 0) AS actual
FROM bookings
LEFT JOIN (
    SELECT booking_id, count(*) AS open
    FROM disputes WHERE state IN ('waiting', 'deciding') GROUP BY booking_id
) AS counted ON booking_id = bookings.id
WHERE coalesce(open, 0) <> CASE state WHEN 'disputed' THEN 1 ELSE 0 END
LIMIT :findings_max
"""

NOTHING_MOVES = """
SELECT code AS subject, 'nothing released, no timer' AS expected,
    concat_ws(' ', released_at, due_at, kind, payout_id) AS actual
FROM bookings
LEFT JOIN ledger_transfers ON booking_id = bookings.id AND kind IN ('released', 'retained')
LEFT JOIN payout_items ON payout_items.booking_id = bookings.id AND live
WHERE state = 'disputed'
    AND num_nonnulls(released_at, due_at, kind, payout_id) > 0
LIMIT :findings_max
"""

# All that was held was shared, and the booking counts it so. Nothing goes back after a decision.
SHARES = """
SELECT code AS subject, concat(refund_cents, ' back, ', disputes.kept_cents, ' kept') AS expected,
    concat(refunds_cents, ' back, ', total_cents - refunds_cents, ' kept') AS actual
FROM disputes JOIN bookings ON bookings.id = booking_id
WHERE disputes.state = 'resolved'
    AND (disputes.kept_cents <> total_cents - refunds_cents OR refund_cents > refunds_cents
        OR released_at IS NULL)
LIMIT :findings_max
"""

# Only a decision that is overdue waits without a timer: its case is what reminds.
TIMER_SET = """
SELECT disputes.id::text AS subject, 'a timer' AS expected, concat(state, ' without one') AS actual
FROM disputes
WHERE due_at IS NULL AND (state = 'waiting' OR state = 'deciding' AND decide_by > :now)
LIMIT :findings_max
"""

TIMER_FIRED = """
SELECT id::text AS subject, 'fired' AS expected, concat(state, ' due ', due_at) AS actual
FROM disputes
WHERE due_at < :late
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.LIFECYCLE, "a disputed booking has one open dispute", FROZEN),
    Check(Invariant.ESCROW, "nothing of a disputed booking moves", NOTHING_MOVES),
    Check(Invariant.SHARES, "a decision shares out all that was held", SHARES),
    Check(Invariant.LIFECYCLE, "a dispute that waits has a timer", TIMER_SET),
    Check(Invariant.LIFECYCLE, "timers of disputes fire", TIMER_FIRED),
)
