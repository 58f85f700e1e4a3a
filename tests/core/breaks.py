"""Breaks that are planted, by the invariant that must find each."""

# Each break is planted with the table's own guards off, the way a fault of the database or of a
# hand at work in it would make it.
SQL_BREAKS = {
    "a counter forgot a claim": (
        "I7",
        "UPDATE listing_days SET booked = booked - 1 WHERE booked = 1",
    ),
    "a counter was lost": ("I7", "DELETE FROM listing_days"),
    "a claim nobody holds": (
        "I7",
        "UPDATE bookings SET state = 'expired', due_at = NULL WHERE state = 'awaiting_payment'",
    ),
    "an oversold day": (
        "I7",
        (
            "ALTER TABLE listing_days DROP CONSTRAINT ck_listing_days_booked;"
            " UPDATE listing_days SET units = 0 WHERE booked > 0"
        ),
    ),
    "a refund that nobody counted": (
        "I6",
        "UPDATE bookings SET refunds_cents = refunds_cents - 100 WHERE refunds_cents > 0",
    ),
    "a payment that its booking did not count": (
        "I6",
        "UPDATE receipts SET spare_cents = 100 WHERE number = 'SFF6XYQ1AB'",
    ),
    "money counted for what nobody pays": (
        "I5",
        "UPDATE bookings SET received_cents = 100 WHERE state = 'requested'",
    ),
    "a refund that was forgotten": ("I5", "DELETE FROM refunds"),
    "a refund that never left": ("I6", "UPDATE refunds SET state = 'returned'"),
    "a vendor's share that is not the price's": (
        "I10",
        (
            "UPDATE bookings SET vendor_net_cents = vendor_net_cents - 100,"
            " commission_cents = commission_cents + 100"
        ),
    ),
    "a price that is not its parts": (
        "I10",
        "UPDATE bookings SET withholding_cents = withholding_cents + 1",
    ),
    "a receipt that was never posted": (
        "I8",
        (
            "INSERT INTO receipts (id, provider, number, direction, amount_cents, suspense, at)"
            " VALUES (gen_random_uuid(), 'daraja', 'SFFLOST001', 'in', 100, false, now())"
        ),
    ),
    "a receipt of another amount": (
        "I8",
        "UPDATE receipts SET amount_cents = amount_cents + 100 WHERE number = 'SFF6XYQ1AB'",
    ),
    "provider money without a receipt": ("I8", "DELETE FROM receipts WHERE direction = 'out'"),
    "a payout that is not its items": (
        "I9",
        "UPDATE payout_items SET amount_cents = amount_cents - 1",
    ),
    "a payout that paid more than its attempts": (
        "I9",
        "UPDATE attempts SET state = 'failed' WHERE kind = 'payout'",
    ),
    "a paid payout with money left": (
        "I9",
        "UPDATE payouts SET state = 'released', due_at = NULL",
    ),
    "a booking in two live payouts": (
        "I9",
        (
            "DROP INDEX uq_payout_items_live_booking;"
            " INSERT INTO payouts (id, vendor_id, state, amount_cents, carried_in_cents,"
            " carried_out_cents, paid_cents, tries, created_at)"
            " SELECT gen_random_uuid(), vendor_id, 'failed', amount_cents, 0, 0, 0, 0, created_at"
            " FROM payouts;"
            " INSERT INTO payout_items (payout_id, booking_id, amount_cents, live)"
            " SELECT payouts.id, booking_id, payout_items.amount_cents, true"
            " FROM payouts, payout_items WHERE state = 'failed'"
        ),
    ),
    "a payout that nothing moves": (
        "I9",
        (
            "UPDATE payouts SET state = 'released', paid_cents = 0, due_at = NULL;"
            " UPDATE attempts SET state = 'failed' WHERE kind = 'payout'"
        ),
    ),
    "a held payout with a try under way": (
        "I9",
        (
            "UPDATE payouts SET state = 'held', hold_reason = 'kyc', paid_cents = 0;"
            " UPDATE attempts SET state = 'pending' WHERE kind = 'payout'"
        ),
    ),
    "a booking that waits for what came back": (
        "I9",
        (
            "UPDATE payouts SET state = 'reversed', paid_cents = 0;"
            " UPDATE attempts SET state = 'failed' WHERE kind = 'payout'"
        ),
    ),
    "money that came back and is not owed": (
        "I9",
        (
            "UPDATE payouts SET state = 'reversed', paid_cents = 0;"
            " UPDATE payout_items SET live = false;"
            " UPDATE attempts SET reversed_at = now() WHERE kind = 'payout'"
        ),
    ),
    "a receipt that was taken away": (
        "I12",
        "DELETE FROM tax_invoices; DELETE FROM documents WHERE number = 1",
    ),
    "a number that was given twice": (
        "I12",
        (
            "ALTER TABLE documents DROP CONSTRAINT uq_documents_kind_year_number;"
            " UPDATE documents SET number = 1"
        ),
    ),
    "a number that nobody drew": (
        "I12",
        "UPDATE document_series SET last_number = last_number + 1 WHERE name = 'receipt'",
    ),
    "a document of no series": (
        "I12",
        "DELETE FROM document_series WHERE name = 'receipt'",
    ),
    "a receipt of another amount than the payment's": (
        "I12",
        "UPDATE documents SET total_cents = total_cents + 100, base_cents = base_cents + 100",
    ),
    "stars that a listing does not count": (
        "I16",
        (
            "INSERT INTO reviews (id, booking_id, listing_id, customer_id, stars, words,"
            " written_at)"
            " SELECT id, id, listing_id, customer_id, 5, '', created_at FROM bookings LIMIT 1"
        ),
    ),
    "a review by somebody else": (
        "I16",
        (
            "INSERT INTO reviews (id, booking_id, listing_id, customer_id, stars, words,"
            " written_at)"
            " SELECT id, id, listing_id, vendor_id, 5, '', created_at FROM bookings LIMIT 1"
        ),
    ),
    "a place in the line that never ends": (
        "I11",
        (
            "INSERT INTO waits (id, listing_id, customer_id, state, starts_on, ends_on, people,"
            " quantity, due_at, created_at) SELECT id, listing_id, customer_id, 'waiting',"
            " starts_on, ends_on, 1, 1, '2026-01-01', created_at FROM bookings LIMIT 1"
        ),
    ),
    "a payment whose receipt nobody owes": ("I12", "DELETE FROM documents_due"),
    "a refund without a credit note": (
        "I12",
        "UPDATE refunds SET state = 'returned'",
    ),
    "a move that the table does not have": (
        "I11",
        (
            "INSERT INTO booking_events (booking_id, event, state_before, state_after, actor, at)"
            " SELECT id, 'pay', 'requested', 'confirmed', 'system', now() FROM bookings"
            " WHERE state = 'requested'"
        ),
    ),
    "an audit row that was rewritten": (
        "I15",
        "UPDATE booking_events SET actor = 'admin' WHERE event = 'pay'",
    ),
    "an audit row whose moment was moved": (
        "I15",
        "UPDATE booking_events SET at = at - interval '1 day' WHERE event = 'pay'",
    ),
    "a note that was taken out": ("I15", "UPDATE booking_events SET note = 'nothing to see'"),
    "a state that no audit row led to": (
        "I11",
        "UPDATE bookings SET state = 'declined', due_at = NULL WHERE state = 'requested'",
    ),
    "a gap between two moves": (
        "I11",
        (
            "INSERT INTO booking_events (booking_id, event, state_before, state_after, actor, at)"
            " SELECT id, 'decline', 'awaiting_payment', 'declined', 'system', now() FROM bookings"
            " WHERE state = 'requested'"
        ),
    ),
    "a state that waits for nothing": (
        "I11",
        "UPDATE bookings SET due_at = NULL WHERE state = 'confirmed'",
    ),
    "a dispute that froze nothing": (
        "I11",
        "UPDATE bookings SET state = 'confirmed', due_at = starts_at WHERE state = 'disputed'",
    ),
    "a freeze without a dispute": (
        "I11",
        "DELETE FROM disputes WHERE state = 'waiting'",
    ),
    "a disputed booking whose money was released": (
        "I5",
        "UPDATE bookings SET released_at = created_at WHERE state = 'disputed'",
    ),
    "a disputed booking with a timer": (
        "I5",
        "UPDATE bookings SET due_at = ends_at WHERE state = 'disputed'",
    ),
    "a decision that shares out less than there was": (
        "I10",
        "UPDATE disputes SET kept_cents = kept_cents - 100 WHERE state = 'resolved'",
    ),
    "a dispute that waits for nothing": (
        "I11",
        "UPDATE disputes SET due_at = NULL WHERE state = 'waiting'",
    ),
    "a dispute whose timer did not fire": (
        "I11",
        "UPDATE disputes SET due_at = opened_at - interval '11 minutes' WHERE state = 'waiting'",
    ),
    "a timer that did not fire": (
        "I11",
        (
            "UPDATE bookings SET due_at = created_at - interval '11 minutes'"
            " WHERE state = 'requested'"
        ),
    ),
}
