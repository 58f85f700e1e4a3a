"""Guards that stand on a row: what no code may write, and no person at the console.

Each story is one line: what there is, what somebody tries, and which rows there must be none of.
"""

from collections.abc import Callable

from sqlalchemy import select

from core.booking import cancel
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.usecases import open_case
from core.disputes.model import Dispute, Problem
from core.disputes.usecases import open_dispute
from core.documents.model import Document
from core.documents.month import Month
from core.documents.remittances import pay_over
from core.documents.taxes import Tax
from core.documents.usecases import Seller, issue_due
from core.money import kes
from core.payouts.standing import suspend
from core.reviews.usecases import leave_review
from tests.core.booking.world import RECEIPT, World
from tests.core.payouts.steps import send, the_payout
from tests.guards.guard import (
    Guard,
    Removal,
    by_hand,
    constraint,
    copy_row,
    count,
    sound_after,
    trigger,
    unique,
    unique_index,
)
from tests.support.factories import OTHER_VENDOR, make_user

OPEN = "SET LOCAL nafasi.ledger = 'open'"
"""Past the ledger's triggers, as faulty code of the ledger itself would be."""


def never(
    harm: str, removal: Removal, given: Callable[[World], object], tried: str, none_of: str
) -> Guard:
    """A guard whose story is that somebody tries something and there is no such row after it."""

    def story(world: World) -> None:
        given(world)
        by_hand(world, OPEN, tried)
        assert count(world, f"SELECT count(*) FROM {none_of}") == 0

    return Guard(harm, removal, story)


def _paid_out(world: World) -> None:
    world.released()
    the_payout(world)


def _cancelled(world: World) -> None:
    """A booking whose money is to go back."""
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))


def _credited(world: World) -> None:
    """A receipt and its credit note."""
    _cancelled(world)
    world.paid(send(world).attempt_id, "SFG1")
    world.run(lambda tx: issue_due(tx, Seller()))


def _suspended(world: World) -> None:
    world.paybill("NOBODY", kes(500))


def _tax_paid(world: World) -> None:
    world.released()
    month = Month.of(world.clock.now())
    world.run(lambda tx: pay_over(tx, Tax.VAT, month, kes(100), "FT26-0098"))


def _changing(world: World) -> None:
    world.change(world.confirmed(), in_days=12)


def _done(world: World) -> Booking:
    booking = world.confirmed()
    world.clock.set(world.due(booking))
    world.fire()
    return booking


def _disputed(world: World) -> Dispute:
    booking = _done(world)
    return world.run(
        lambda tx: open_dispute(tx, booking.id, booking.customer_id, Problem.OTHER, "No water.")
    )


def _reviewed(world: World) -> None:
    booking = _done(world)
    world.run(lambda tx: leave_review(tx, booking.id, booking.customer_id, 5))


def _one_change(world: World) -> None:
    change = world.change(world.confirmed(), in_days=12)

    copy_row(world, "booking_changes", change.id)

    assert count(world, "SELECT count(*) FROM booking_changes") == 1


def _one_dispute(world: World) -> None:
    dispute = _disputed(world)

    copy_row(world, "disputes", dispute.id)

    assert count(world, "SELECT count(*) FROM disputes") == 1


def _one_credit_note(world: World) -> None:
    _credited(world)
    query = select(Document).where(Document.refund_id.is_not(None))
    note = world.run(lambda tx: tx.db.scalars(query).one())
    other = {"transfer_id": str(note.id), "number": 2, "verify_token": "v", "download_token": "d"}

    copy_row(world, "documents", note.id, **other)

    assert count(world, "SELECT count(*) FROM documents WHERE refund_id IS NOT NULL") == 1


def _as_it_is(_world: World) -> None:
    """A vendor with a hall."""


def _case(world: World) -> None:
    world.run(lambda tx: open_case(tx, CaseKind.INVARIANT, "I7"))


def _suspended_vendor(world: World) -> None:
    world.run(lambda tx: suspend(tx, world.vendor.number, "Guests were turned away."))


def _one_person(world: World) -> None:
    copy_row(world, "users", world.vendor.user_id)

    assert count(world, "SELECT count(*) FROM users") == 1


def _one_vendor(world: World) -> None:
    copy_row(world, "vendors", world.vendor.id, number=world.vendor.number + 1)

    assert count(world, "SELECT count(*) FROM vendors") == 1


def _one_account(world: World) -> None:
    other = world.run(lambda tx: make_user(tx, OTHER_VENDOR))

    copy_row(world, "vendors", world.vendor.id, user_id=str(other.id))

    assert count(world, "SELECT count(*) FROM vendors") == 1


GUARDS = (
    never(
        "a booking is confirmed that nobody has paid for",
        constraint("bookings", "ck_bookings_paid"),
        World.confirmed,
        "UPDATE bookings SET received_cents = 0",
        "bookings WHERE state = 'confirmed' AND received_cents = 0",
    ),
    Guard(
        "a booking has more money than it costs",
        constraint("bookings", "ck_bookings_received"),
        sound_after("UPDATE bookings SET received_cents = total_cents + 100"),
    ),
    never(
        "more is kept of a booking than it costs",
        constraint("bookings", "ck_bookings_kept"),
        World.confirmed,
        "UPDATE bookings SET kept_cents = total_cents + 100",
        "bookings WHERE kept_cents > total_cents",
    ),
    never(
        "the rest of a price is due at no time",
        constraint("bookings", "ck_bookings_deposit"),
        World.hold,
        "UPDATE bookings SET deposit_cents = 100",
        "bookings WHERE deposit_cents IS NOT NULL AND rest_due_at IS NULL",
    ),
    Guard(
        "a booking holds no unit of what it is for",
        constraint("bookings", "ck_bookings_people"),
        sound_after("UPDATE bookings SET quantity = 0"),
    ),
    Guard(
        "a vendor is asked for two changes at once",
        unique_index("uq_booking_changes_open"),
        _one_change,
    ),
    never(
        "a change is both paid for and refunded",
        constraint("booking_changes", "ck_booking_changes_one_way"),
        _changing,
        "UPDATE booking_changes SET to_pay_cents = 100, refund_cents = 100",
        "booking_changes WHERE to_pay_cents > 0 AND refund_cents > 0",
    ),
    Guard("a booking is disputed twice at once", unique_index("uq_disputes_open"), _one_dispute),
    never(
        "a dispute is decided without a word on how",
        constraint("disputes", "ck_disputes_decision"),
        _disputed,
        "UPDATE disputes SET state = 'resolved', closed_at = now()",
        "disputes WHERE state = 'resolved' AND why IS NULL",
    ),
    never(
        "what both sides said is rewritten",
        trigger("dispute_notes", "append_only"),
        _disputed,
        "UPDATE dispute_notes SET words = 'All was well.'",
        "dispute_notes WHERE words = 'All was well.'",
    ),
    never(
        "more of a payment goes back than came",
        constraint("receipts", "ck_receipts_spare"),
        _suspended,
        "UPDATE receipts SET spare_cents = amount_cents + 100",
        "receipts WHERE spare_cents > amount_cents",
    ),
    never(
        "a payment is kept apart of which nothing is left",
        constraint("receipts", "ck_receipts_suspense"),
        World.confirmed,
        "UPDATE receipts SET suspense = true",
        "receipts WHERE suspense AND spare_cents = 0",
    ),
    never(
        "a refund has cents that M-Pesa cannot move",
        constraint("refunds", "ck_refunds_whole_shillings"),
        _cancelled,
        "UPDATE refunds SET amount_cents = amount_cents - 50",
        "refunds WHERE amount_cents % 100 <> 0",
    ),
    never(
        "a payout takes a customer's payment back",
        constraint("attempts", "ck_attempts_takes_back"),
        _paid_out,
        f"UPDATE attempts SET takes_back = '{RECEIPT}' WHERE kind = 'payout'",
        "attempts WHERE kind = 'payout' AND takes_back IS NOT NULL",
    ),
    never(
        "money that never arrived came back",
        constraint("attempts", "ck_attempts_reversed"),
        _paid_out,
        "UPDATE attempts SET state = 'failed', reversed_at = now() WHERE kind = 'payout'",
        "attempts WHERE state = 'failed' AND reversed_at IS NOT NULL",
    ),
    never(
        "a payout is on its way to nowhere",
        constraint("payouts", "ck_payouts_recipient"),
        _paid_out,
        "UPDATE payouts SET recipient_sealed = NULL",
        "payouts WHERE state = 'released' AND recipient_sealed IS NULL",
    ),
    never(
        "a vendor's money waits, and nobody can say why",
        constraint("payouts", "ck_payouts_held_for_a_reason"),
        _paid_out,
        "UPDATE payouts SET state = 'held'",
        "payouts WHERE state = 'held' AND hold_reason IS NULL",
    ),
    Guard(
        "a refund has two credit notes",
        unique("documents", "uq_documents_refund_id"),
        _one_credit_note,
    ),
    never(
        "a credit note takes back no receipt",
        constraint("documents", "ck_documents_credit_note"),
        World.confirmed,
        "INSERT INTO documents SELECT gen_random_uuid(), 'credit_note', 2026, 1, id,"
        " gen_random_uuid(), NULL, NULL, base_cents, service_fee_cents, vat_cents,"
        " rounding_cents, total_cents, '{}', 'a', 'b', now(), now() FROM bookings",
        "documents WHERE kind = 'credit_note' AND original_id IS NULL",
    ),
    never(
        "tax is paid over below nothing",
        constraint("tax_payments", "ck_tax_payments_amount"),
        _tax_paid,
        "UPDATE tax_payments SET amount_cents = -amount_cents",
        "tax_payments WHERE amount_cents <= 0",
    ),
    never(
        "a payment of tax belongs to a day and is counted in no month",
        constraint("tax_payments", "ck_tax_payments_month"),
        _tax_paid,
        "UPDATE tax_payments SET month = month + 3",
        "tax_payments WHERE extract(day FROM month) <> 1",
    ),
    never(
        "a review has more stars than there are",
        constraint("reviews", "ck_reviews_stars"),
        _reviewed,
        "UPDATE reviews SET stars = 6",
        "reviews WHERE stars > 5",
    ),
    never(
        "an escrow can be overdrawn, as if it were shared",
        constraint("ledger_accounts", "ck_ledger_accounts_deferred"),
        World.confirmed,
        "UPDATE ledger_accounts SET deferred = true",
        "ledger_accounts WHERE kind = 'escrow' AND deferred",
    ),
    never(
        "an account is called escrow and counted as the vendor's",
        constraint("ledger_accounts", "ck_ledger_accounts_path_kind"),
        World.confirmed,
        "UPDATE ledger_accounts SET kind = 'payable' WHERE kind = 'escrow'",
        "ledger_accounts WHERE path LIKE 'escrow:%' AND kind = 'payable'",
    ),
    Guard(
        "an account with what it holds is gone",
        trigger("ledger_accounts", "ledger_accounts_append_only"),
        sound_after(OPEN, "DELETE FROM ledger_accounts"),
    ),
    never(
        "why a vendor was suspended is rewritten",
        trigger("vendor_notes", "append_only"),
        _suspended_vendor,
        "UPDATE vendor_notes SET words = 'A mistake.'",
        "vendor_notes WHERE words = 'A mistake.'",
    ),
    never(
        "a case is closed without a word on how",
        constraint("cases", "ck_cases_closing_note"),
        _case,
        "UPDATE cases SET state = 'closed', closed_at = now()",
        "cases WHERE state = 'closed' AND note IS NULL",
    ),
    Guard("one number is two people", unique("users", "uq_users_msisdn"), _one_person),
    never(
        "a person has a number that nobody can write to",
        constraint("users", "ck_users_e164"),
        _as_it_is,
        "UPDATE users SET msisdn = '0700000011'",
        "users WHERE msisdn NOT LIKE '+%'",
    ),
    Guard("one person is two vendors", unique("vendors", "uq_vendors_user_id"), _one_vendor),
    Guard(
        "two vendors are owed by one account", unique("vendors", "uq_vendors_number"), _one_account
    ),
    never(
        "who dials a listing's number books another",
        unique("listings", "uq_listings_number"),
        World.another_listing,
        "UPDATE listings SET number = 10001",
        "listings AS one JOIN listings AS two USING (number) WHERE one.id <> two.id",
    ),
    never(
        "a hall is booked for nothing",
        constraint("listings", "ck_listings_price"),
        _as_it_is,
        "UPDATE listings SET price_cents = 0",
        "listings WHERE price_cents = 0",
    ),
    never(
        "a listing is booked for tomorrow morning",
        constraint("listings", "ck_listings_lead_hours"),
        _as_it_is,
        "UPDATE listings SET lead_hours = 1",
        "listings WHERE lead_hours < 24",
    ),
    never(
        "a rate takes more than all",
        constraint("rates", "ck_rates_basis_points"),
        _as_it_is,
        "UPDATE rates SET basis_points = 10001",
        "rates WHERE basis_points > 10000",
    ),
    never(
        "two rates hold from one day",
        unique("rates", "uq_rates_name_category_effective_from"),
        _as_it_is,
        "INSERT INTO rates (name, category, effective_from, basis_points, base)"
        " SELECT name, category, effective_from, 0, base FROM rates",
        "rates WHERE basis_points = 0",
    ),
)
