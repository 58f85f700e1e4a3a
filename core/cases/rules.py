"""What makes a case of each kind, and what settles it, as the questions that are asked for it."""

from dataclasses import dataclass

from core.cases.model import CaseKind

_OPEN = "('queued', 'sending', 'pending', 'unknown')"


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a case of a kind, and what makes it settled.

    Attributes:
        kind: of the case.
        found: selects ``subject, amount_cents, facts`` of what has no case yet.
        settled: selects ``subject`` of open cases that are about nothing any more; empty when
            only a person can say so.
        again: what was settled and is found once more is a new case.
    """

    kind: CaseKind
    found: str
    settled: str = ""
    again: bool = False


# People type their own number as account: enough of it stays to be recognised.
_ACCOUNT = r"regexp_replace(receipts.account, '([0-9]{3})[0-9]{4,}([0-9]{3})', '\1****\2')"

# Returns are planned and planned again in the transaction that suspends or fails, so money in
# suspense without an open return is money that nothing will move.
SUSPENSE = f"""
SELECT receipts.id::text AS subject, spare_cents AS amount_cents,
    jsonb_build_object('receipt_id', receipts.id, 'provider', provider, 'number', number,
        'account', {_ACCOUNT}, 'payer_known', payer IS NOT NULL) AS facts
FROM receipts
WHERE suspense AND NOT EXISTS (SELECT 1 FROM attempts WHERE receipt_id = receipts.id)
"""  # noqa: S608 -- put together from our own words.

RETURN_FAILED = f"""
SELECT receipt_id::text AS subject, receipts.spare_cents AS amount_cents,
    jsonb_build_object('receipt_id', receipt_id, 'provider', receipts.provider,
        'number', number, 'account', {_ACCOUNT}, 'reason', max(reason),
        'tries', count(*)) AS facts
FROM attempts JOIN receipts ON receipts.id = receipt_id
WHERE kind = 'return' AND suspense
GROUP BY receipt_id, receipts.id
HAVING bool_and(attempts.state NOT IN {_OPEN}) AND bool_and(reversed_at IS NULL)
"""  # noqa: S608 -- put together from our own words.

SUSPENSE_SETTLED = """
SELECT subject FROM open JOIN receipts ON id = (facts ->> 'receipt_id')::uuid WHERE NOT suspense
"""

REFUND_FAILED = """
SELECT refunds.id::text AS subject, amount_cents,
    jsonb_build_object('booking_id', booking_id, 'booking', code, 'refund', number,
        'reason', reason) AS facts
FROM refunds JOIN bookings ON bookings.id = booking_id WHERE refunds.state = 'failed'
"""

# It was sent again, or had gone through after all.
REFUND_SETTLED = """
SELECT subject FROM open JOIN refunds ON refunds.id::text = subject WHERE state <> 'failed'
"""

# The number that it was sent to does not keep it. What came back twice is about the last time.
CAME_BACK = f"""
SELECT attempts.id::text AS subject, attempts.amount_cents,
    jsonb_build_object('booking_id', attempts.booking_id, 'refund_id', refund_id,
        'refund', refunds.number, 'receipt_id', attempts.receipt_id, 'provider', attempts.provider,
        'number', receipts.number,
        'account', {_ACCOUNT}) AS facts
FROM attempts
LEFT JOIN refunds ON refunds.id = refund_id
LEFT JOIN receipts ON receipts.id = attempts.receipt_id
WHERE kind = 'return' AND reversed_at IS NOT NULL AND (refunds.state = 'reversed' OR suspense)
    AND NOT EXISTS (
        SELECT 1 FROM attempts AS later
        WHERE (later.refund_id = attempts.refund_id OR later.receipt_id = attempts.receipt_id)
            AND later.reversed_at > attempts.reversed_at
    )
"""  # noqa: S608 -- put together from our own words.

# A person has sent it again or given it to a booking, or it came back once more since.
CAME_BACK_SETTLED = f"""
SELECT subject FROM open
WHERE subject NOT IN (SELECT back.subject FROM ({CAME_BACK}) AS back)
"""  # noqa: S608 -- put together from our own words.

# Unless a later one has paid what it left.
PAYOUT_FAILED = """
SELECT failed.id::text AS subject, amount_cents - paid_cents AS amount_cents,
    jsonb_build_object('vendor_id', vendor_id, 'vendor', number, 'reason', reason,
        'tries', tries) AS facts
FROM payouts AS failed JOIN vendors ON vendors.id = vendor_id
WHERE failed.state = 'failed' AND NOT EXISTS (
    SELECT 1 FROM payouts AS later
    WHERE later.vendor_id = failed.vendor_id AND later.created_at > failed.created_at
        AND later.state = 'paid'
)
"""

# Another payout has paid what it left, or it had gone through after all.
PAYOUT_SETTLED = f"""
SELECT subject FROM open
WHERE subject NOT IN (SELECT failed.subject FROM ({PAYOUT_FAILED}) AS failed)
"""  # noqa: S608 -- put together from our own words.

# One that only waits for its time needs nobody; one that waits for the vendor needs a call.
PAYOUT_HELD = """
SELECT payouts.id::text AS subject, amount_cents - paid_cents AS amount_cents,
    jsonb_build_object('vendor_id', vendor_id, 'vendor', number, 'reason', hold_reason) AS facts
FROM payouts JOIN vendors ON vendors.id = vendor_id
WHERE state = 'held' AND hold_reason NOT IN ('changed', 'admin')
"""

PAYOUT_NOT_HELD = """
SELECT subject FROM open JOIN payouts ON payouts.id::text = subject WHERE state <> 'held'
"""

PAYOUT_REVERSED = """
SELECT attempts.id::text AS subject, attempts.amount_cents,
    jsonb_build_object('vendor_id', vendor_id, 'vendor', number, 'provider', provider) AS facts
FROM attempts
JOIN payouts ON payouts.id = payout_id
JOIN vendors ON vendors.id = vendor_id
WHERE reversed_at IS NOT NULL
"""

# A person has looked where the vendor is paid.
PAYOUT_REVERSED_SETTLED = """
SELECT subject FROM open
JOIN attempts ON attempts.id::text = subject
JOIN payouts ON payouts.id = payout_id
JOIN vendors ON vendors.id = vendor_id
WHERE payout_verified_at > reversed_at
"""

HALTED = """
SELECT concat(provider, ' ', to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        AS subject,
    (
        SELECT sum(amount_cents) FROM attempts
        WHERE attempts.provider = payout_halts.provider
            AND kind <> 'collection' AND state = 'queued'
    )::bigint AS amount_cents,
    jsonb_build_object('provider', provider, 'reason', reason, 'code', code) AS facts
FROM payout_halts
"""

HALT_ENDED = f"""
SELECT subject FROM open
WHERE subject NOT IN (SELECT halted.subject FROM ({HALTED}) AS halted)
"""  # noqa: S608 -- put together from our own words.

# Asked about in vain, for longer than it ever takes. Being sent again by its old id settles
# nothing, only its end does.
ATTEMPT_UNKNOWN = f"""
SELECT attempts.id::text AS subject, attempts.amount_cents,
    jsonb_build_object(
        'for', CASE WHEN payout_id IS NOT NULL THEN 'payout'
            WHEN refund_id IS NOT NULL THEN 'refund' ELSE 'return' END,
        'vendor', vendors.number, 'booking', bookings.code, 'refund', refunds.number,
        'account', {_ACCOUNT}, 'provider', attempts.provider,
        'ours', attempts.id, 'theirs', attempts.reference) AS facts
FROM attempts
LEFT JOIN payouts ON payouts.id = payout_id
LEFT JOIN vendors ON vendors.id = payouts.vendor_id
LEFT JOIN bookings ON bookings.id = attempts.booking_id
LEFT JOIN refunds ON refunds.id = refund_id
LEFT JOIN receipts ON receipts.id = attempts.receipt_id
WHERE attempts.kind <> 'collection' AND attempts.state IN ('pending', 'unknown')
    AND sent_at < CASE attempts.method WHEN 'card' THEN CAST(:card_before AS timestamptz)
        ELSE CAST(:unknown_before AS timestamptz) END
"""  # noqa: S608 -- put together from our own words.

ATTEMPT_KNOWN = """
SELECT subject FROM open
JOIN attempts ON attempts.id::text = subject WHERE attempts.state IN ('succeeded', 'failed')
"""

# What was given up and had gone through all the same: a payout or refund after another, wrong
# money after another return of it, or while a booking had been given it.
OVERPAID = """
SELECT attempts.id::text AS subject, attempts.amount_cents,
    jsonb_build_object('payout_id', payout_id, 'refund_id', refund_id, 'receipt', number,
        'provider', attempts.provider) AS facts
FROM ledger_transfers
JOIN attempts ON idempotency_key = concat('out:', provider, ':', attempts.id)
LEFT JOIN receipts ON receipts.id = receipt_id
WHERE ledger_transfers.kind = 'sent_back' AND reversed_at IS NULL
    AND (receipt_id IS NULL
        OR EXISTS (
            SELECT 1 FROM attempts AS before
            WHERE before.receipt_id = attempts.receipt_id AND before.reversed_at IS NULL
                AND before.state = 'succeeded'
                AND (before.finished_at, before.id) < (attempts.finished_at, attempts.id))
        OR EXISTS (
            SELECT 1 FROM ledger_transfers AS given
            WHERE given.idempotency_key = concat('matched:', receipts.provider, ':', number)
                AND NOT EXISTS (
                    SELECT 1 FROM ledger_transfers AS left_again
                    WHERE left_again.idempotency_key = concat('set_aside:', receipts.id))))
"""

# Vendor and customer have been heard, or had their time.
DISPUTE = """
SELECT disputes.id::text AS subject, total_cents - refunds_cents AS amount_cents,
    jsonb_build_object('booking', code, 'problem', problem, 'decide_by', decide_by) AS facts
FROM disputes JOIN bookings ON bookings.id = booking_id
WHERE disputes.state = 'deciding'
"""

DISPUTE_SETTLED = """
SELECT subject FROM open JOIN disputes ON disputes.id::text = subject WHERE state <> 'deciding'
"""

# What counts against a vendor and nobody has looked at: a case that a person closed was about what
# had happened by then. The next one is another look, and another subject.
VENDOR_PENALTIES = """
SELECT concat(vendors.id, ' ', looks.made + 1) AS subject, NULL::bigint AS amount_cents,
    jsonb_build_object('vendor_id', vendors.id, 'vendor', number, 'business', business_name,
        'penalties', count(*)) AS facts
FROM vendor_penalties
JOIN vendors ON vendors.id = vendor_id
CROSS JOIN LATERAL (
    SELECT count(*) AS made, max(closed_at) AS last FROM cases
    WHERE kind = 'vendor_penalties' AND state = 'closed' AND note <> :settled_note
        AND starts_with(subject, vendors.id::text)
) AS looks
WHERE at > :penalties_since AND (looks.last IS NULL OR at > looks.last)
GROUP BY vendors.id, looks.made
HAVING count(*) >= :penalties_min
"""

# Enough of them have grown old.
PENALTIES_LAPSED = f"""
SELECT subject FROM open
WHERE subject NOT IN (SELECT counted.subject FROM ({VENDOR_PENALTIES}) AS counted)
"""  # noqa: S608 -- put together from our own words.

_NOTICE_DAY = "(created_at AT TIME ZONE 'Africa/Nairobi')::date"


def _notices(state: str) -> tuple[str, str]:
    """What finds and settles a case of messages: one for all of a day, or they bury the rest.

    It is settled when none of that day is in that state any more.
    """
    found = f"""
SELECT {_NOTICE_DAY}::text AS subject,
    NULL::bigint AS amount_cents, jsonb_build_object('messages', count(*)) AS facts
FROM notices
WHERE state = '{state}'
    AND {_NOTICE_DAY}
        < (CAST(:notice_before AS timestamptz) AT TIME ZONE 'Africa/Nairobi')::date
GROUP BY 1
"""  # noqa: S608 -- put together from our own words.
    settled = f"""
SELECT subject FROM open
WHERE subject NOT IN (SELECT {_NOTICE_DAY}::text FROM notices WHERE state = '{state}')
"""  # noqa: S608 -- put together from our own words.
    return found, settled


CALLBACK_DEAD = """
SELECT id::text AS subject, NULL::bigint AS amount_cents,
    jsonb_strip_nulls(jsonb_build_object('provider', provider, 'callback', kind, 'why', note,
        -- Of other callbacks it may be a person's number.
        'number', CASE WHEN kind = 'c2b_confirmation' THEN reference END)) AS facts
FROM inbox WHERE state = 'dead'
"""

# It was taken up again or given up, `nafasi deadletters`.
CALLBACK_SETTLED = """
SELECT subject FROM open JOIN inbox ON inbox.id::text = subject WHERE inbox.state <> 'dead'
"""

# A receipt that a statement had before us has come as it had it, or one that it had not stands in
# another.
DIFFERENCE_SETTLED = """
SELECT subject FROM open
JOIN receipts ON provider = facts ->> 'provider' AND number = facts ->> 'number'
WHERE facts ->> 'fault' = 'missing_ours'
    AND CASE direction WHEN 'in' THEN receipts.amount_cents ELSE -receipts.amount_cents END
        = (facts ->> 'theirs_cents')::bigint
UNION ALL
SELECT subject FROM open
JOIN receipts ON provider = facts ->> 'provider' AND number = facts ->> 'number'
JOIN statement_matches ON receipt_id = receipts.id
WHERE facts ->> 'fault' = 'missing_theirs'
"""

INVOICE_REFUSED = """
SELECT tax_invoices.number::text AS subject, total_cents AS amount_cents,
    jsonb_build_object('document_id', document_id, 'code', code, 'tries', tries) AS facts
FROM tax_invoices JOIN documents ON documents.id = document_id
WHERE state = 'refused'
"""

INVOICE_SETTLED = """
SELECT subject FROM open
JOIN tax_invoices ON number::text = subject WHERE tax_invoices.state <> 'refused'
"""

RULES = (
    Rule(CaseKind.SUSPENSE, SUSPENSE, SUSPENSE_SETTLED),
    Rule(CaseKind.RETURN_FAILED, RETURN_FAILED, SUSPENSE_SETTLED),
    Rule(CaseKind.REFUND_FAILED, REFUND_FAILED, REFUND_SETTLED, again=True),
    Rule(CaseKind.CAME_BACK, CAME_BACK, CAME_BACK_SETTLED),
    Rule(CaseKind.PAYOUT_FAILED, PAYOUT_FAILED, PAYOUT_SETTLED),
    Rule(CaseKind.PAYOUT_HELD, PAYOUT_HELD, PAYOUT_NOT_HELD),
    Rule(CaseKind.PAYOUT_REVERSED, PAYOUT_REVERSED, PAYOUT_REVERSED_SETTLED),
    Rule(CaseKind.PAYOUTS_HALTED, HALTED, HALT_ENDED),
    Rule(CaseKind.ATTEMPT_UNKNOWN, ATTEMPT_UNKNOWN, ATTEMPT_KNOWN),
    Rule(CaseKind.OVERPAID, OVERPAID),
    Rule(CaseKind.DISPUTE, DISPUTE, DISPUTE_SETTLED),
    Rule(CaseKind.VENDOR_PENALTIES, VENDOR_PENALTIES, PENALTIES_LAPSED, again=True),
    Rule(CaseKind.NOTICES_UNKNOWN, *_notices("unknown")),
    Rule(CaseKind.NOTICES_DEAD, *_notices("dead")),
    Rule(CaseKind.CALLBACK_DEAD, CALLBACK_DEAD, CALLBACK_SETTLED),
    Rule(CaseKind.DIFFERENCE, "", DIFFERENCE_SETTLED),
    Rule(CaseKind.INVOICE_REFUSED, INVOICE_REFUSED, INVOICE_SETTLED),
)
