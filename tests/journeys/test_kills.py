"""kill -9 of everything in turn while 200 bookings run to payment: nothing is lost or doubled.

The phones and the providers live in a process of their own that nobody touches: they stand for
the outside world, and what they saw is what is compared with the database at the end.
"""

import statistics
import time
from collections import Counter
from uuid import UUID

import pytest

from tests.journeys import books as reading
from tests.journeys.books import Books
from tests.journeys.crowd import Customer, Plan, Vendor, plans
from tests.journeys.killer import Killer
from tests.journeys.outside import Outside
from tests.journeys.trial import Trial, prepared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BOOKINGS = 200
BEGIN_SECONDS = 105
KILLS = ("web", "worker", "pool child", "beat", "valkey", "postgresql") * 2
BETWEEN_SECONDS = 7.0
FINISH_SECONDS = 330
# Without this the providers answer within a millisecond and no kill ever meets a call.
ANSWER_SECONDS = {"sms": 0.08, "stk": 0.3}
REST_SECONDS = 200


def test_kill_everything_while_200_bookings_run_to_payment() -> None:
    with (
        prepared(8146) as trial,
        Outside(trial.data.parent / "outside", trial.base) as outside,
    ):

        def start() -> None:
            trial.start("--no-demo", "--no-simulator", environ=outside.environ)

        start()
        trial.nafasi("seed", "--no-bookings")
        for service, seconds in ANSWER_SECONDS.items():
            outside.take_time(service, seconds)
        killer = Killer(trial)
        wanted = plans(BOOKINGS)
        customers = [
            Customer(outside, plan, starts_in_seconds=number * BEGIN_SECONDS / BOOKINGS)
            for number, plan in enumerate(wanted)
        ]
        vendors = [
            Vendor(outside, phone) for phone in sorted({p.vendor for p in wanted if p.asked})
        ]
        for person in (*customers, *vendors):
            person.start()
        began_at = time.monotonic()
        for name in KILLS:
            next_at = time.monotonic() + BETWEEN_SECONDS
            killer.kill(name)
            assert not [person.trouble for person in customers if person.trouble]
            time.sleep(max(0.0, next_at - time.monotonic()))
        killer.kill_all_and_start_again(start)
        wait_for(customers, began_at + FINISH_SECONDS)
        finished_seconds = time.monotonic() - began_at
        for vendor in vendors:
            vendor.over.set()
        trial.until(lambda: not reading.read(trial).waiting, "everything done", REST_SECONDS)
        for vendor in vendors:
            vendor.join()
        assert not [vendor.trouble for vendor in vendors if vendor.trouble]
        outside.look()
        books = reading.read(trial)
        tell(killer, customers, books, outside, finished_seconds)
        nothing_is_lost_or_doubled(trial, books, wanted)
        every_shilling_is_booked_once(books, outside)
        no_message_went_out_twice(books, outside)
        no_prompt_went_out_twice(outside)
        assert trial.check() == {"ok": True, "findings": []}


def wait_for(customers: list[Customer], deadline: float) -> None:
    for customer in customers:
        customer.join(max(0.0, deadline - time.monotonic()))
    unhappy = [
        f"{customer.phone} {customer.code or 'no code'} {customer.trouble or 'still waits'}"
        for customer in customers
        if not customer.confirmed
    ]
    assert not unhappy, unhappy


def nothing_is_lost_or_doubled(trial: Trial, books: Books, wanted: list[Plan]) -> None:
    """One booking for each customer, confirmed, and the money of all in escrow."""
    assert Counter((row.msisdn, row.state) for row in books.bookings) == Counter(
        (plan.phone, "confirmed") for plan in wanted
    )
    total_cents = sum(row.total_cents for row in books.bookings)
    assert trial.ledger()["escrow:*"] == total_cents


def every_shilling_is_booked_once(books: Books, outside: Outside) -> None:
    """What M-Pesa took from customers is in our books once: by its receipt, or by our attempt."""
    assert all(row.posted == 1 for row in books.receipts)
    numbers = Counter(row.number for row in books.receipts)
    by_attempt = {row.attempt_id for row in books.receipts}
    assert set(numbers.values()) == {1}
    lost = outside.callbacks_lost()
    for attempt, receipt in paid_receipts(outside):
        if receipt not in numbers and UUID(attempt) not in by_attempt:
            # The answer to the push and its callback were both lost: nothing can tell us but the
            # statement of the paybill.
            assert attempt in lost, f"{attempt} paid, told, not booked"
            assert books.attempts[UUID(attempt)].reference is None


def paid_receipts(outside: Outside) -> list[tuple[str, str]]:
    """Return (attempt id, M-Pesa receipt) of each prompt that was paid."""
    paid = outside.paid_prompts()
    return [
        (attempt, paid[prompt]["receipt"])
        for attempt, prompt in outside.pushes()
        if prompt in paid
    ]


def no_message_went_out_twice(books: Books, outside: Outside) -> None:
    messages = outside.messages()
    out = Counter(sms["id"] for sms in messages)
    sent = Counter(row.message_id for row in books.notices if row.state == "sent")
    assert set(sent.values()) == {1}
    assert sent.keys() <= out.keys(), "a row says sent and nothing went out"
    unknown = Counter(row.msisdn for row in books.notices if row.state == "unknown")
    beyond = reading.messages_without_a_row(books, messages)
    assert not beyond - unknown, "more went out than rows can explain"


def no_prompt_went_out_twice(outside: Outside) -> None:
    pushes = Counter(attempt for attempt, _prompt in outside.pushes())
    assert set(pushes.values()) == {1}, pushes.most_common(3)


def tell(
    killer: Killer,
    customers: list[Customer],
    books: Books,
    outside: Outside,
    finished_seconds: float,
) -> None:
    """Print the figures of the run."""
    by_name: dict[str, list[float]] = {}
    for kill in killer.kills:
        by_name.setdefault(kill.name, []).append(kill.recovery_seconds)
    recovered = ", ".join(
        f"{name} {' and '.join(f'{seconds:.1f}' for seconds in found)}"
        for name, found in by_name.items()
    )
    states = Counter(row.state for row in books.notices)
    booked = {str(row.attempt_id) for row in books.receipts}
    untold = [attempt for attempt, _receipt in paid_receipts(outside) if attempt not in booked]
    calls = [customer.calls for customer in customers]
    print(  # noqa: T201 -- the figures of the proof.
        f"\n{len(books.bookings)} bookings, {len(killer.kills)} kills, all confirmed after "
        f"{finished_seconds:.0f} s. Back after seconds: {recovered}. "
        f"Redials {sum(customer.broken_calls for customer in customers)}, calls each "
        f"{statistics.mean(calls):.1f} (most {max(calls)}), said yes "
        f"{sum(customer.yeses for customer in customers)} times, paid "
        f"{sum(customer.paid for customer in customers)} prompts of {len(outside.pushes())}. "
        f"Notices {dict(states)}, SMS out {len(outside.messages())}, attempts "
        f"{dict(Counter(row.state for row in books.attempts.values()))}, callbacks lost "
        f"{len(outside.callbacks_lost())}, paid and nobody told us {len(untold)}."
    )
