"""Foreign keys that hold money or a promise: what a row is about is there, and stays there.

The others keep rows from pointing nowhere as well; nothing that a person is owed hangs on them.
"""

from collections.abc import Callable

from tests.core.booking.world import World
from tests.guards.guard import Guard, foreign, never
from tests.guards.rows import cancelled, paid_out, prompted


def _names(
    harm: str, table: str, column: str, target: str, given: Callable[[World], object]
) -> Guard:
    """A row is made to name something that is not there."""
    return never(
        harm,
        foreign(table, f"fk_{table}_{column}_{target}"),
        given,
        f"UPDATE {table} SET {column} = gen_random_uuid() WHERE {column} IS NOT NULL",
        f"{table} WHERE {column} NOT IN (SELECT id FROM {target})",
    )


GUARDS = (
    _names("a hall is booked that is not there", "bookings", "listing_id", "listings", World.book),
    _names("nobody answers for a booking", "bookings", "vendor_id", "vendors", World.book),
    _names("nobody has booked a booking", "bookings", "customer_id", "users", World.book),
    _names(
        "somebody pays for a booking that is not there",
        "attempts",
        "booking_id",
        "bookings",
        prompted,
    ),
    _names("money is sent for no payout", "attempts", "payout_id", "payouts", paid_out),
    _names("money goes back for no refund", "attempts", "refund_id", "refunds", cancelled),
    _names(
        "nobody tried what a receipt proves", "receipts", "attempt_id", "attempts", World.confirmed
    ),
    _names("money has come for no booking", "receipts", "booking_id", "bookings", World.confirmed),
    _names("money goes back of no booking", "refunds", "booking_id", "bookings", cancelled),
    _names("a payout is nobody's", "payouts", "vendor_id", "vendors", paid_out),
    _names("a part of no payout", "payout_items", "payout_id", "payouts", paid_out),
    _names(
        "a payout pays for a booking that is not there",
        "payout_items",
        "booking_id",
        "bookings",
        paid_out,
    ),
    _names(
        "a vendor pays for cancelling nothing",
        "vendor_penalties",
        "booking_id",
        "bookings",
        cancelled,
    ),
)
