"""Receipts, credit notes and their numbers, against the ledger."""

from core.invariants.check import Check, Invariant

# The numbers that were given are as many as the highest, which is the one to go on from.
NUMBERS = """
SELECT concat(name, ' ', series.year) AS subject, last_number AS expected,
    concat(given, ' given, the highest ', highest) AS actual
FROM document_series AS series
LEFT JOIN (
    SELECT kind AS name, year, count(*) AS given, max(number) AS highest
    FROM documents GROUP BY kind, year
    UNION ALL
    SELECT 'invoice', 0, count(*), max(number) FROM tax_invoices
) AS numbered USING (name, year)
WHERE (given, highest) IS DISTINCT FROM (last_number::bigint, last_number::bigint)
LIMIT :findings_max
"""

UNNUMBERED = """
SELECT concat(kind, ' ', documents.year) AS subject, 'a series' AS expected, count(*) AS actual
FROM documents
LEFT JOIN document_series AS series ON name = kind AND series.year = documents.year
WHERE name IS NULL
GROUP BY kind, documents.year
LIMIT :findings_max
"""

# Of each movement either the document is there, or the note that it is owed.
DOCUMENTED = """
SELECT ledger_transfers.id::text AS subject, 1 AS expected,
    count(documents.id) + count(documents_due.transfer_id) AS actual
FROM ledger_transfers
LEFT JOIN documents ON documents.transfer_id = ledger_transfers.id
LEFT JOIN documents_due ON documents_due.transfer_id = ledger_transfers.id
WHERE ledger_transfers.booking_id IS NOT NULL
    AND ledger_transfers.kind IN ('paid', 'matched', 'returned', 'set_aside')
GROUP BY ledger_transfers.id
HAVING count(documents.id) + count(documents_due.transfer_id) <> 1
LIMIT :findings_max
"""

AMOUNT = """
SELECT documents.id::text AS subject, abs(amount_cents) AS expected, total_cents AS actual
FROM documents
JOIN ledger_postings ON ledger_postings.transfer_id = documents.transfer_id
WHERE account LIKE 'escrow:%'
    AND (total_cents <> abs(amount_cents) OR (kind = 'receipt') <> (amount_cents < 0))
LIMIT :findings_max
"""

# A refund that has arrived has one credit note, unless that is owed.
CREDITED = """
SELECT refunds.id::text AS subject, 1 AS expected, count(DISTINCT documents.id) AS actual
FROM refunds
LEFT JOIN documents ON refund_id = refunds.id
WHERE refunds.state = 'returned' AND NOT EXISTS (
    SELECT 1 FROM attempts
    JOIN ledger_transfers ON idempotency_key = concat('out:', provider, ':', attempts.id)
    JOIN documents_due ON transfer_id = ledger_transfers.id
    WHERE attempts.refund_id = refunds.id
)
GROUP BY refunds.id
HAVING count(DISTINCT documents.id) <> 1
LIMIT :findings_max
"""

# What our payments say was paid over is what left the accounts of the taxes.
TAX_PAID = """
SELECT account AS subject, sum(noted_cents) AS expected, sum(posted_cents) AS actual
FROM (
    SELECT concat('tax:', tax) AS account, amount_cents AS noted_cents, 0 AS posted_cents
    FROM tax_payments
    UNION ALL
    SELECT account, 0, amount_cents
    FROM ledger_transfers JOIN ledger_postings ON transfer_id = ledger_transfers.id
    WHERE kind = 'tax_paid' AND account LIKE 'tax:%'
) AS both_ways
GROUP BY account
HAVING sum(noted_cents) <> sum(posted_cents)
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.NUMBERS, "document numbers have no gap", NUMBERS),
    Check(Invariant.NUMBERS, "a document's number is of a series", UNNUMBERED),
    Check(Invariant.NUMBERS, "money of a booking has one document", DOCUMENTED),
    Check(Invariant.NUMBERS, "a document is what moved", AMOUNT),
    Check(Invariant.NUMBERS, "a refund that arrived has one credit note", CREDITED),
    Check(Invariant.CAPTURED, "tax that was paid over is posted", TAX_PAID),
)
