"""Guards that stand on a row of bookings and money: what no code may write, and no person.

Each story is one line: what there is, what somebody tries, and which rows there must be none of.
"""

from sqlalchemy import select

from core.booking import cancel
from core.money import kes
from core.payments.model import Refund
from core.payouts.balances import begin_round
from tests.core.booking.world import PROVIDER, RECEIPT, World
from tests.core.payouts.steps import the_payout
from tests.guards.guard import (
    Guard,
    as_it_is,
    constraint,
    copy_row,
    count,
    never,
    sound_after,
    unique,
    unique_index,
)


def prompted(world: World) -> None:
    world.prompt(world.hold())


def paid_out(world: World) -> None:
    world.released()
    the_payout(world)


def cancelled(world: World) -> None:
    """By the vendor: the money is to go back, and it is held against them."""
    booking = world.confirmed()
    world.run(lambda tx: cancel.cancel_by_vendor(tx, booking.id, booking.vendor_id))


def _suspended(world: World) -> None:
    world.paybill("NOBODY", kes(500))


def _changing(world: World) -> None:
    world.change(world.confirmed(), in_days=12)


def _one_change(world: World) -> None:
    change = world.change(world.confirmed(), in_days=12)

    copy_row(world, "booking_changes", change.id)

    assert count(world, "SELECT count(*) FROM booking_changes") == 1


def _one_place(world: World) -> None:
    cancelled(world)
    refund_id = world.run(lambda tx: tx.db.scalars(select(Refund.id)).one())

    copy_row(world, "refunds", refund_id)

    assert count(world, "SELECT count(*) FROM refunds") == 1


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
        cancelled,
        "UPDATE refunds SET amount_cents = amount_cents - 50",
        "refunds WHERE amount_cents % 100 <> 0",
    ),
    never(
        "a payout takes a customer's payment back",
        constraint("attempts", "ck_attempts_takes_back"),
        paid_out,
        f"UPDATE attempts SET takes_back = '{RECEIPT}' WHERE kind = 'payout'",
        "attempts WHERE kind = 'payout' AND takes_back IS NOT NULL",
    ),
    never(
        "money that never arrived came back",
        constraint("attempts", "ck_attempts_reversed"),
        paid_out,
        "UPDATE attempts SET state = 'failed', reversed_at = now() WHERE kind = 'payout'",
        "attempts WHERE state = 'failed' AND reversed_at IS NOT NULL",
    ),
    never(
        "a payout is on its way to nowhere",
        constraint("payouts", "ck_payouts_recipient"),
        paid_out,
        "UPDATE payouts SET recipient_sealed = NULL",
        "payouts WHERE state = 'released' AND recipient_sealed IS NULL",
    ),
    never(
        "a vendor's money waits, and nobody can say why",
        constraint("payouts", "ck_payouts_held_for_a_reason"),
        paid_out,
        "UPDATE payouts SET state = 'held'",
        "payouts WHERE state = 'held' AND hold_reason IS NULL",
    ),
    never(
        "a change moves a booking to no day",
        constraint("booking_changes", "ck_booking_changes_days"),
        _changing,
        "UPDATE booking_changes SET ends_on = starts_on",
        "booking_changes WHERE ends_on = starts_on",
    ),
    never(
        "a change leaves a booking without a unit",
        constraint("booking_changes", "ck_booking_changes_people"),
        _changing,
        "UPDATE booking_changes SET quantity = 0",
        "booking_changes WHERE quantity = 0",
    ),
    never(
        "a prompt on a phone has a page that asks for a card",
        constraint("attempts", "ck_attempts_link"),
        prompted,
        "UPDATE attempts SET link = 'https://cards.example/1'",
        "attempts WHERE method = 'mpesa' AND link IS NOT NULL",
    ),
    Guard(
        "two refunds have one place, and either is taken back first",
        unique("refunds", "uq_refunds_number"),
        _one_place,
    ),
    never(
        "a payout counts one booking twice",
        unique("payout_items", "pk_payout_items"),
        paid_out,
        "INSERT INTO payout_items SELECT payout_id, booking_id, amount_cents, false"
        " FROM payout_items",
        "(SELECT FROM payout_items GROUP BY payout_id, booking_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "a week has two runs, one of which never ends",
        unique("payout_runs", "pk_payout_runs"),
        as_it_is,
        "INSERT INTO payout_runs SELECT week, started_at, NULL FROM payout_runs",
        "(SELECT FROM payout_runs GROUP BY week HAVING count(*) > 1) AS twice",
    ),
    never(
        "what lies in one account is counted twice",
        unique("balance_readings", "uq_balance_readings_provider_asked_at_account"),
        lambda world: world.run(lambda tx: begin_round(tx, PROVIDER, ["600123"])),
        "INSERT INTO balance_readings (id, provider, account, pays, asked_at)"
        " SELECT gen_random_uuid(), provider, account, pays, asked_at FROM balance_readings",
        "(SELECT FROM balance_readings GROUP BY account HAVING count(*) > 1) AS twice",
    ),
    never(
        "a provider is halted twice, and goes on when one of the reasons is gone",
        unique("payout_halts", "pk_payout_halts"),
        as_it_is,
        "INSERT INTO payout_halts (provider, reason, since) SELECT 'daraja', reason, now()"
        " FROM unnest(ARRAY['credentials', 'low_float']) AS reason",
        "(SELECT FROM payout_halts GROUP BY provider HAVING count(*) > 1) AS twice",
    ),
)
