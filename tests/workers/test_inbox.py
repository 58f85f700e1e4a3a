"""Callbacks are applied once, each for itself; what cannot be true changes nothing."""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select
from structlog.testing import capture_logs

from channels.daraja.inbound import take_confirmation
from core import deadletters, inbox, outbox
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.escrow import ledger
from core.inbox import Arrival, Inbound
from core.limits import INBOX_TRIES_MAX, STK_DELAY_SECONDS
from core.payments.model import Attempt, Receipt
from core.payouts.halts import halts
from core.people.model import Purpose
from core.people.usecases import may_write, opt_out_words
from core.ports.messages import FINAL_DELIVERIES, Delivery
from core.ports.providers import Callback
from tests.core.escrow.tools import together
from tests.support.factories import (
    CUSTOMER,
    make_held,
    make_listing,
    make_prompt,
    make_vendor,
)
from tests.support.fakes import notices
from tests.workers import callbacks
from tests.workers.callbacks import arrivals, arrive
from tests.workers.conftest import Crew
from workers.attempts import run_attempts
from workers.inbox import HANDLERS, run_inbox
from workers.notices import run_notices


@pytest.fixture
def prompt(crew: Crew, clock: ManualClock) -> UUID:
    """A prompt that stands on its customer's phone."""
    with crew.database.transaction() as tx:
        planned = make_prompt(tx, make_held(tx, make_listing(tx, make_vendor(tx))))
    clock.advance(seconds=STK_DELAY_SECONDS)
    run_attempts(crew.parts)
    return planned.id


def state_of_world(database: Database) -> tuple[object, ...]:
    """All that money could have changed."""
    with database.transaction() as tx:
        return (
            tx.db.scalars(select(Booking.state)).all(),
            tx.db.scalars(select(Attempt.state)).all(),
            tx.db.scalar(select(func.count()).select_from(Receipt)),
            ledger.trial_balance(tx),
        )


def rejected(kind: str, note: str) -> float:
    labels = {"provider": "daraja", "kind": kind, "result": note}
    return REGISTRY.get_sample_value("nafasi_worker_callbacks_total", labels) or 0


FORGERIES: dict[str, Callable[[UUID], Callback]] = {
    "wrong_amount": lambda prompt: callbacks.stk(prompt, amount=1),
    "wrong_number": lambda prompt: callbacks.stk(prompt, phone=254700000099),
    "unknown_attempt": lambda _prompt: callbacks.stk(UUID(int=99)),
    "bad_callback": lambda prompt: Callback(
        "daraja", "stk", str(prompt), {"attempt_id": str(prompt), "body": {"Body": "rubbish"}}
    ),
    "no_handler": lambda prompt: Callback("daraja", "stk_of_the_future", str(prompt), {}),
}


@pytest.mark.parametrize("note", FORGERIES)
def test_a_forged_callback_changes_nothing_but_a_counter_and_a_log_line(
    crew: Crew, prompt: UUID, note: str
) -> None:
    before = state_of_world(crew.database)
    forged = FORGERIES[note](prompt)
    counted = rejected(forged.kind, note)

    arrive(crew.database, forged)
    with capture_logs() as logs:
        run_inbox(crew.parts)

    assert state_of_world(crew.database) == before
    assert rejected(forged.kind, note) == counted + 1
    (line,) = [line for line in logs if line["event"] == "callback.rejected"]
    assert line["note"] == note
    (row,) = arrivals(crew.database)
    assert (row.state, row.note) == (Arrival.IGNORED, note)


def test_the_true_one_still_counts_after_the_forgeries(crew: Crew, prompt: UUID) -> None:
    arrive(crew.database, *(make(prompt) for make in FORGERIES.values()))
    arrive(crew.database, callbacks.stk(prompt))
    run_inbox(crew.parts)

    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(Booking.state)).one() is State.CONFIRMED


def test_a_forged_refusal_does_not_halt_payments(crew: Crew) -> None:
    arrive(crew.database, callbacks.b2c_failed(UUID(int=99), code=2001))
    run_inbox(crew.parts)

    assert crew.database.run(halts) == []


def test_a_callback_that_came_twice_is_applied_once(crew: Crew, prompt: UUID) -> None:
    arrive(crew.database, callbacks.stk(prompt), callbacks.stk(prompt))

    assert run_inbox(crew.parts) == 1
    assert len(arrivals(crew.database)) == 1


def test_money_by_hand_to_another_paybill_is_rejected(crew: Crew) -> None:
    stranger = callbacks.paybill("K7P4Q", 66_700)
    stranger.payload["body"]["BusinessShortCode"] = "999999"
    arrive(crew.database, stranger)
    run_inbox(crew.parts)

    assert [row.note for row in arrivals(crew.database)] == ["bad_callback"]


@pytest.mark.parametrize(
    ("field", "value", "number"),
    [
        ("TransAmount", "66,700.00", callbacks.BY_HAND),
        ("TransAmount", None, callbacks.BY_HAND),
        ("TransID", "", "nameless"),
    ],
)
def test_money_by_hand_that_cannot_be_read_is_for_a_person(
    crew: Crew, field: str, value: str | None, number: str
) -> None:
    told = callbacks.paybill("K7P4Q", 66_700)
    body = told.payload["body"] | {field: value}
    arrive(crew.database, take_confirmation(json.dumps(body).encode()))
    run_inbox(crew.parts)

    [row] = arrivals(crew.database)
    assert (row.state, row.note) == (Arrival.DEAD, f"bad_callback {field}")
    crew.database.run(sweep)
    [case] = crew.database.run(open_cases)
    assert (case.kind, case.subject) == (CaseKind.CALLBACK_DEAD, str(row.id))
    assert (case.facts["number"], case.facts["why"]) == (number, f"bad_callback {field}")

    # Once we can read it, or with another try, it is looked at anew; given up, the case is closed.
    crew.database.run(lambda tx: deadletters.retry(tx, row.id))
    run_inbox(crew.parts)
    assert [row.state for row in arrivals(crew.database)] == [Arrival.DEAD]
    crew.database.run(lambda tx: deadletters.drop(tx, row.id, "Sent back in the portal."))
    crew.database.run(sweep)
    assert crew.database.run(open_cases) == []


def test_money_by_hand_with_a_bad_account_waits_in_suspense(crew: Crew) -> None:
    arrive(crew.database, callbacks.paybill("my hall", 500))
    run_inbox(crew.parts)

    with crew.database.transaction() as tx:
        assert tx.db.scalars(select(Receipt.suspense)).one()
        assert ledger.balance(tx, "suspense:daraja").shillings == 500


def test_a_message_is_answered_in_the_same_transaction(crew: Crew) -> None:
    arrive(crew.database, callbacks.sms("K7P4Q 1 & more+ñ"))
    run_inbox(crew.parts)

    (heard,) = crew.desk.heard
    assert (heard.sender, heard.text) == ("+254700000011", "K7P4Q 1 & more+ñ")
    assert len(notices(crew.database, "answer")) == 1


def test_a_fault_of_ours_is_rolled_back_and_holds_up_nobody(
    crew: Crew, clock: ManualClock
) -> None:
    crew.desk.script.then(RuntimeError("a fault of ours"))
    arrive(crew.database, callbacks.sms("1", id="in-1"), callbacks.sms("2", id="in-2"))

    with capture_logs() as logs:
        assert run_inbox(crew.parts) == 1

    assert [row.state for row in arrivals(crew.database)] == [Arrival.WAITING, Arrival.APPLIED]
    assert len(notices(crew.database, "answer")) == 1, "the broken one's answer was rolled back"
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["callback.broken"]

    clock.advance(seconds=2)
    assert run_inbox(crew.parts) == 1


def test_a_callback_that_never_works_is_laid_aside(crew: Crew, clock: ManualClock) -> None:
    crew.desk.script.then(*[RuntimeError("always")] * (INBOX_TRIES_MAX + 2))
    arrive(crew.database, callbacks.sms("1"))
    for _ in range(INBOX_TRIES_MAX + 2):
        run_inbox(crew.parts)
        clock.advance(hours=1)

    (row,) = arrivals(crew.database)
    assert (row.state, row.tries) == (Arrival.DEAD, INBOX_TRIES_MAX)
    assert len(crew.desk.heard) == INBOX_TRIES_MAX


def test_a_delivery_report_may_come_before_the_answer(crew: Crew, clock: ManualClock) -> None:
    arrive(crew.database, callbacks.delivery("ATXid_1", "Success"))
    assert run_inbox(crew.parts) == 0

    with crew.database.transaction() as tx:
        outbox.add(tx, "confirmed", CUSTOMER, {})
    run_notices(crew.parts)
    clock.advance(seconds=2)

    assert run_inbox(crew.parts) == 1
    assert notices(crew.database)[0].delivery is Delivery.DELIVERED


def test_delivery_only_moves_forward(crew: Crew) -> None:
    with crew.database.transaction() as tx:
        outbox.add(tx, "confirmed", CUSTOMER, {})
    run_notices(crew.parts)

    seen = []
    for word in ("Buffered", "Submitted", "Success", "Sent", "Failed"):
        arrive(crew.database, callbacks.delivery("ATXid_1", word))
        run_inbox(crew.parts)
        seen.append(notices(crew.database)[0].delivery)

    assert seen == [Delivery.BUFFERED, Delivery.BUFFERED, *[Delivery.DELIVERED] * 3]


def test_a_storm_of_reports_lowers_no_delivery_and_leaves_no_dead_letter(
    crew: Crew, clock: ManualClock
) -> None:
    """In any order, several times, with words that nobody knows, applied by four workers."""
    words = ["Sent", "Submitted", "Buffered", "Teleported", "Success", "Sent", "EnRoute", "Failed"]
    with crew.database.transaction() as tx:
        for number in range(3):
            outbox.add(tx, "confirmed", CUSTOMER, {"code": number})
    run_notices(crew.parts)
    storm = [(f"ATXid_{number}", word) for number in range(1, 5) for word in words]
    random.Random(7).shuffle(storm)
    for message_id, word in storm:
        arrive(crew.database, callbacks.delivery(message_id, word))
    seen: dict[UUID, list[Delivery]] = {}

    for _ in range(INBOX_TRIES_MAX):
        together(4, lambda _: run_inbox(crew.parts))
        for notice in notices(crew.database):
            assert notice.delivery is not None
            seen.setdefault(notice.id, []).append(notice.delivery)
        clock.advance(hours=1)

    assert len(seen) == 3
    for deliveries in seen.values():
        assert deliveries == sorted(deliveries, key=list(Delivery).index)
        assert deliveries[-1] in FINAL_DELIVERIES
    states = Counter(row.state for row in arrivals(crew.database))
    assert states == {Arrival.APPLIED: 21, Arrival.IGNORED: 7}, "the fourth is not ours"
    kept = {row.payload["status"] for row in arrivals(crew.database)}
    assert kept == set(words), "also what nobody knows is kept as it came"


def test_who_opts_out_at_the_provider_gets_no_offers(crew: Crew) -> None:
    arrive(crew.database, callbacks.opted_out(CUSTOMER))
    run_inbox(crew.parts)

    with crew.database.transaction() as tx:
        assert not may_write(tx, CUSTOMER, Purpose.OFFERS)
        assert may_write(tx, CUSTOMER, Purpose.BOOKINGS)
        [row], [word] = tx.db.scalars(select(Inbound)), opt_out_words(tx, CUSTOMER)
        assert (word.via, word.reference) == ("provider", f"africastalking {row.id}")


def test_the_end_of_a_conversation_is_kept_and_logged_without_its_number(crew: Crew) -> None:
    arrive(crew.database, callbacks.session_end())
    with capture_logs() as logs:
        run_inbox(crew.parts)

    (line,) = [line for line in logs if line["event"] == "session.ended"]
    assert (line["hops"], line["cost_cents"]) == (5, 20)
    assert "2547" not in str(logs)
    assert arrivals(crew.database)[0].state is Arrival.APPLIED


def test_every_kind_that_providers_send_has_a_handler() -> None:
    money_kinds = {"stk", "b2c_result", "b2c_timeout", "status_result", "status_timeout"}
    money_kinds |= {"reversal_result", "reversal_status", "reversal_timeout"}
    kinds = {
        "africastalking": {"sms", "delivery_report", "opt_out", "ussd_event"},
        "twilio": {"sms", "delivery_report"},
        "kannel": {"sms", "delivery_report"},
        "daraja": money_kinds | {"c2b_confirmation", "balance_result", "balance_timeout"},
        "flutterwave": {"charge", "transfer", "other"},
        **{name: {"ussd_event"} for name in ("hubtel", "safaricom", "airtel")},
    }
    assert HANDLERS.keys() == {(name, kind) for name, known in kinds.items() for kind in known}


def workers_at_once(crew: Crew, count: int = 4) -> list[str]:
    """Several workers start together on twenty messages; returns what was heard."""
    for number in range(20):
        arrive(crew.database, callbacks.sms("HELP", id=f"in-{number:02}"))
    start = threading.Barrier(count)

    def work() -> None:
        start.wait(20)
        run_inbox(crew.parts)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return [notice.params["to"] for notice in notices(crew.database, "answer")]


def test_workers_at_once_apply_each_callback_once(crew: Crew) -> None:
    answered = workers_at_once(crew)

    assert len(answered) == len(set(answered)) == 20


def careless_apply(tx: Tx, inbound_id: UUID, handle: Callable[[Tx, Inbound], str | None]) -> bool:
    """``inbox.apply`` without its guards: no lock, no look at the state."""
    row = tx.db.get_one(Inbound, inbound_id)
    row.note = handle(tx, row)
    row.state = Arrival.APPLIED
    row.applied_at = tx.now + timedelta(0)
    return True


def test_without_the_guards_of_apply_they_would_not(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "apply", careless_apply)

    answered = workers_at_once(crew)

    assert len(answered) > len(set(answered))
