"""Receipts, refunds, shares of a price and statements, against the ledger."""

from core.invariants.check import Check, Invariant

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

# Escrow holds what has come and not gone back; of a booking that is over, what is on its way back.
ESCROW_LEFT = """
SELECT code AS subject, expected, coalesce(-balance_cents, 0) AS actual
FROM bookings
LEFT JOIN ledger_accounts ON path = concat('escrow:', code)
LEFT JOIN (
    SELECT booking_id,
        sum(amount_cents) FILTER (WHERE state <> 'returned') AS on_its_way,
        sum(amount_cents) FILTER (WHERE state <> 'returned' AND change_id IS NOT NULL) AS lowered,
        sum(amount_cents) FILTER (WHERE state = 'returned' AND change_id IS NULL) AS returned
    FROM refunds GROUP BY booking_id
) AS going ON going.booking_id = bookings.id
CROSS JOIN LATERAL (VALUES (
    CASE WHEN released_at IS NULL
        THEN received_cents - coalesce(returned, 0) + coalesce(lowered, 0)
        ELSE coalesce(on_its_way, 0) END
)) AS due (expected)
WHERE coalesce(-balance_cents, 0) <> expected
LIMIT :findings_max
"""

RECEIVED_COUNTED = """
SELECT code AS subject, coalesce(taken, 0) - coalesce(lowered, 0) AS expected,
    received_cents AS actual
FROM bookings
LEFT JOIN (
    SELECT booking_id, sum(amount_cents - spare_cents) AS taken
    FROM receipts WHERE direction = 'in' GROUP BY booking_id
) AS payments ON payments.booking_id = bookings.id
LEFT JOIN (
    SELECT booking_id, sum(amount_cents) AS lowered
    FROM refunds WHERE change_id IS NOT NULL GROUP BY booking_id
) AS changes ON changes.booking_id = bookings.id
WHERE coalesce(taken, 0) - coalesce(lowered, 0) <> received_cents
LIMIT :findings_max
"""

# Only what waits to be paid, or is paid for, has anybody's money.
RECEIVED_BY = """
SELECT code AS subject, 0 AS expected, received_cents AS actual
FROM bookings
WHERE received_cents <> 0 AND paid_at IS NULL AND state <> 'awaiting_payment'
LIMIT :findings_max
"""

# What a change to a lower price gave back is no part of the price that is left.
REFUNDS_COUNTED = """
SELECT code AS subject, coalesce(sum(refunds.amount_cents), 0) AS expected,
    refunds_cents AS actual
FROM bookings LEFT JOIN refunds ON booking_id = bookings.id AND change_id IS NULL
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
    WHERE kind IN ('returned', 'came_back', 'sent_again') AND account LIKE 'escrow:%'
    GROUP BY booking_id
) AS sent ON sent.booking_id = bookings.id
WHERE coalesce(arrived, 0) <> coalesce(posted, 0)
LIMIT :findings_max
"""

SHARED_OUT = """
SELECT code AS subject, received_cents - refunds_cents AS expected, -sum(amount_cents) AS actual
FROM bookings
JOIN ledger_transfers ON booking_id = bookings.id AND kind IN ('released', 'retained')
JOIN ledger_postings ON transfer_id = ledger_transfers.id
WHERE account NOT LIKE 'escrow:%'
GROUP BY bookings.id
HAVING -sum(amount_cents) <> received_cents - refunds_cents
LIMIT :findings_max
"""

# Paid in full and without a refund, each share is the frozen price's own.
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
WHERE refunds_cents = 0 AND received_cents = total_cents
GROUP BY code, name, expected
HAVING coalesce(-sum(ledger_postings.amount_cents), 0) <> expected
LIMIT :findings_max
"""

# Whatever came back of customers' money is in the books again, once.
CAME_BACK = """
SELECT provider AS subject, sum(back_cents) AS expected, sum(posted_cents) AS actual
FROM (
    SELECT provider, amount_cents AS back_cents, 0 AS posted_cents
    FROM attempts WHERE kind = 'return' AND reversed_at IS NOT NULL
    UNION ALL
    SELECT split_part(account, ':', 2), 0, amount_cents
    FROM ledger_transfers JOIN ledger_postings ON transfer_id = ledger_transfers.id
    WHERE kind = 'came_back' AND account LIKE 'float:%'
) AS both_ways
GROUP BY provider
HAVING sum(back_cents) <> sum(posted_cents)
LIMIT :findings_max
"""

PRICE_PARTS = """
SELECT code AS subject, base_cents AS expected,
    commission_cents + withholding_cents + vendor_net_cents AS actual
FROM bookings
WHERE base_cents <> commission_cents + withholding_cents + vendor_net_cents
LIMIT :findings_max
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

# By its own balances an account gained what our receipts moved and what stands in cases.
STATEMENT_SUM = """
SELECT concat_ws(' ', provider, account, begins::date) AS subject,
    matched_cents + unexplained_cents AS expected, closing_cents - opening_cents AS actual
FROM statements
WHERE closing_cents - opening_cents <> matched_cents + unexplained_cents
LIMIT :findings_max
"""

STATEMENT_RECEIPTS = """
SELECT concat_ws(' ', statements.provider, statements.account, begins::date) AS subject,
    matched_cents AS expected,
    coalesce(sum(CASE direction WHEN 'in' THEN amount_cents ELSE -amount_cents END), 0) AS actual
FROM statements
LEFT JOIN statement_matches ON statement_id = statements.id
LEFT JOIN receipts ON receipts.id = receipt_id
GROUP BY statements.id
HAVING coalesce(sum(CASE direction WHEN 'in' THEN amount_cents ELSE -amount_cents END), 0)
    <> matched_cents
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.ESCROW, "escrow is what came and has not gone back", ESCROW_LEFT),
    Check(Invariant.ESCROW, "only what is paid for has money", RECEIVED_BY),
    Check(Invariant.CAPTURED, "a booking counts what was taken for it", RECEIVED_COUNTED),
    Check(Invariant.CAPTURED, "a booking counts its refunds", REFUNDS_COUNTED),
    Check(Invariant.CAPTURED, "a refund that arrived is posted", REFUNDS_POSTED),
    Check(Invariant.CAPTURED, "what came back of a customer's is booked", CAME_BACK),
    Check(Invariant.SHARES, "what is shared out is what was kept", SHARED_OUT),
    Check(Invariant.SHARES, "each share is the price's", SHARED_LEGS),
    Check(Invariant.SHARES, "a price is its parts", PRICE_PARTS),
    Check(Invariant.RECEIPTS, "a receipt is posted once", KEYED + RECEIPT_POSTED_ONCE),
    Check(Invariant.RECEIPTS, "a receipt is posted whole", KEYED + RECEIPT_AMOUNT),
    Check(Invariant.RECEIPTS, "provider money has a receipt", KEYED + TRANSFER_HAS_RECEIPT),
    Check(Invariant.FLOAT, "a statement is receipts and listed differences", STATEMENT_SUM),
    Check(Invariant.FLOAT, "what a statement confirmed is still so", STATEMENT_RECEIPTS),
)
