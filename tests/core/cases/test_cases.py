"""Cases: opened by looking, decided by a person, closed by a note or by the facts."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from core import inbox, outbox
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.booking.timers import fire
from core.cases import usecases
from core.cases.model import Case, CaseKind, CaseState
from core.cases.queries import open_by_kind, open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database, Tx
from core.errors import BadInput, NotFound, Refused
from core.escrow import accounts, ledger, postings
from core.invariants.run import run_all
from core.limits import INBOX_TRIES_MAX, RETURN_RETRY_SECONDS
from core.money import Money, kes
from core.outbox import Notice, Sending
from core.payments import attempts, settle, suspense
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.ports.money import MoneyEvent, Outcome, Reason
from core.ports.providers import Callback
from tests.support.factories import (
    CUSTOMER,
    OTHER_VENDOR,
    STRANGER,
    make_held,
    make_instant_listing,
    make_paid,
    make_vendor,
    paid_event,
)

OWNER = "finance@nafasi.example"
TOTAL = kes(66_700)


def by_hand(
    account: str, amount: Money = TOTAL, receipt: str = "SFF6XYQ9ZZ", payer: str | None = None
) -> MoneyEvent:
    """Money paid to our paybill; today's confirmations hide who paid."""
    return MoneyEvent(
        "daraja", Outcome.SUCCEEDED, receipt=receipt, amount=amount, account=account, payer=payer
    )


def look(database: Database) -> list[Case]:
    """Sweep, and return what is open."""
    database.run(sweep)
    with database.transaction() as tx:
        return open_cases(tx)


@pytest.fixture
def suspended(database: Database) -> Database:
    """A booking waits for its payment, which came under a code that nobody has."""
    with database.transaction() as tx:
        make_held(tx, make_instant_listing(tx, make_vendor(tx)))
        settle.apply(tx, by_hand("NO5UCH"))
    return database


def code(tx: Tx) -> str:
    return tx.db.scalars(select(Booking.code)).one()


def test_money_that_nobody_can_be_given_back_is_one_case(suspended: Database) -> None:
    (case,) = look(suspended)
    assert [again.number for again in look(suspended)] == [case.number]

    assert case.kind is CaseKind.SUSPENSE
    assert case.amount_cents == TOTAL.cents
    assert case.facts["number"] == "SFF6XYQ9ZZ"
    assert case.facts["payer_known"] is False
    with suspended.transaction() as tx:
        assert open_by_kind(tx)[CaseKind.SUSPENSE] == (1, TOTAL.cents)


def test_a_number_typed_as_account_is_covered(database: Database) -> None:
    with database.transaction() as tx:
        settle.apply(tx, by_hand(STRANGER.removeprefix("+")))

    (case,) = look(database)

    assert case.facts["account"] == "254****098"


def test_money_on_its_way_back_is_no_case(database: Database) -> None:
    with database.transaction() as tx:
        settle.apply(tx, by_hand("NO5UCH", payer=STRANGER))

    assert look(database) == []


def test_the_database_keeps_one_open_case_a_subject(suspended: Database) -> None:
    look(suspended)

    with (
        pytest.raises(IntegrityError, match="uq_cases_open_subject"),
        suspended.transaction() as tx,
    ):
        tx.db.execute(
            text(
                "INSERT INTO cases (id, kind, subject, state, facts, opened_at)"
                " SELECT gen_random_uuid(), kind, subject, state, facts, opened_at FROM cases"
            )
        )


def test_a_case_is_given_to_somebody_and_closed_with_a_note(suspended: Database) -> None:
    (case,) = look(suspended)
    with suspended.transaction() as tx:
        usecases.assign(tx, case.number, OWNER)
        usecases.close(tx, case.number, " Paid in cash at the office. ")

    with suspended.transaction() as tx:
        kept = tx.db.scalars(select(Case)).one()
        assert (kept.owner, kept.state) == (OWNER, CaseState.CLOSED)
        assert (kept.note, kept.closed_at) == ("Paid in cash at the office.", tx.now)
    assert look(suspended) == [], "what a person has decided is not asked again"


SENSELESS: dict[str, tuple[Callable[[Tx, int], object], type[Refused]]] = {
    "an owner who is no address": (lambda tx, n: usecases.assign(tx, n, "somebody"), BadInput),
    "an endless owner": (lambda tx, n: usecases.assign(tx, n, "a@b." + "c" * 120), BadInput),
    "an empty note": (lambda tx, n: usecases.close(tx, n, "  "), BadInput),
    "an endless note": (lambda tx, n: usecases.close(tx, n, "x" * 501), BadInput),
    "no such case to close": (lambda tx, n: usecases.close(tx, n + 1, "gone"), NotFound),
    "no such case to give": (lambda tx, n: usecases.assign(tx, n + 1, OWNER), NotFound),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_senseless_decisions_are_refused(suspended: Database, name: str) -> None:
    (case,) = look(suspended)
    decide, refusal = SENSELESS[name]

    with pytest.raises(refusal), suspended.transaction() as tx:
        decide(tx, case.number)


def test_a_closed_case_is_not_decided_again(suspended: Database) -> None:
    (case,) = look(suspended)
    with suspended.transaction() as tx:
        usecases.close(tx, case.number, "done")

    for decide in (usecases.close, usecases.assign):
        with pytest.raises(Refused) as refused, suspended.transaction() as tx:
            decide(tx, case.number, OWNER)
        assert refused.value.code == "case_closed"


def test_money_is_matched_to_the_booking_it_was_meant_for(suspended: Database) -> None:
    (case,) = look(suspended)

    with suspended.transaction() as tx:
        booking = suspense.match(tx, usecases.receipt_of(tx, case.number), code(tx).lower())
        assert booking.state is State.CONFIRMED
        number = booking.code

    with suspended.transaction() as tx:
        assert ledger.balance(tx, accounts.escrow(number)) == TOTAL
        assert ledger.balance(tx, accounts.suspense("daraja")) == Money(0)
        assert run_all(tx) == []
        topics = set(tx.db.scalars(select(Notice.topic)))
    assert {"confirmed_customer", "confirmed_vendor"} <= topics
    assert look(suspended) == []


def test_money_is_matched_to_an_expired_booking_while_its_units_are_free(
    suspended: Database,
) -> None:
    with suspended.transaction() as tx:
        booking = tx.db.scalars(select(Booking)).one()
        booking.due_at = tx.now - timedelta(seconds=1)
        tx.db.flush()
        assert fire(tx, booking.id) is State.EXPIRED
        tx.db.execute(update(Notice).values(state=Sending.SENT, leased_until=None))

    with suspended.transaction() as tx:
        receipt_id = tx.db.scalars(select(Receipt.id)).one()
        assert suspense.match(tx, receipt_id, code(tx)).state is State.CONFIRMED
    with suspended.transaction() as tx:
        assert run_all(tx) == []


@pytest.mark.parametrize(
    ("prepare", "refusal"),
    [
        ("UPDATE bookings SET state = 'paid_out'", "not_payable"),
        ("UPDATE bookings SET total_cents = total_cents - 100", "wrong_amount"),
        ("UPDATE receipts SET suspense = false", "not_in_suspense"),
    ],
)
def test_money_is_not_matched_to_what_it_does_not_pay(
    suspended: Database, prepare: str, refusal: str
) -> None:
    with suspended.transaction() as tx:
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        for check in ("ck_bookings_total", "ck_bookings_paid"):
            tx.db.execute(text(f"ALTER TABLE bookings DROP CONSTRAINT IF EXISTS {check}"))
        tx.db.execute(text(prepare))

    with pytest.raises(Refused) as refused, suspended.transaction() as tx:
        suspense.match(tx, tx.db.scalars(select(Receipt.id)).one(), code(tx))

    assert refused.value.code == refusal


def test_money_goes_back_to_whom_a_person_found_and_the_case_closes(
    suspended: Database, clock: ManualClock
) -> None:
    (case,) = look(suspended)
    with suspended.transaction() as tx:
        receipt_id = usecases.receipt_of(tx, case.number)
        assert suspense.send_back(tx, receipt_id, "0700 000 098") == STRANGER

    with pytest.raises(Refused) as refused, suspended.transaction() as tx:
        suspense.send_back(tx, receipt_id, STRANGER)
    assert refused.value.code == "return_open"
    with pytest.raises(Refused) as refused, suspended.transaction() as tx:
        suspense.match(tx, receipt_id, code(tx))
    assert refused.value.code == "return_open"

    with suspended.transaction() as tx:
        back = tx.db.scalars(select(Attempt).where(Attempt.kind == Kind.RETURN)).one()
        attempts.begin(tx, back.id)
        assert settle.apply(tx, paid_event(back, "UAF5T4R3E2")) is None
    assert look(suspended) == []
    with suspended.transaction() as tx:
        assert tx.db.scalars(select(Case.state)).all() == [CaseState.CLOSED]
        assert ledger.balance(tx, accounts.suspense("daraja")) == Money(0)


@pytest.mark.parametrize(
    ("amount", "payer", "to", "refusal"),
    [
        (TOTAL, None, None, "no_payer"),
        (TOTAL, CUSTOMER, STRANGER, "other_payer"),
        (kes(9), None, STRANGER, "not_sendable"),
        (Money(2_050), None, STRANGER, "not_sendable"),
    ],
)
def test_money_is_not_sent_anywhere(
    database: Database, amount: Money, payer: str | None, to: str | None, refusal: str
) -> None:
    with database.transaction() as tx:
        settle.apply(tx, by_hand("NO5UCH", amount, payer=payer))
        tx.db.execute(text("UPDATE attempts SET state = 'failed'"))

    with pytest.raises(Refused) as refused, database.transaction() as tx:
        suspense.send_back(tx, tx.db.scalars(select(Receipt.id)).one(), to)

    assert refused.value.code == refusal


def _fail_return(database: Database, clock: ManualClock) -> None:
    with database.transaction() as tx:
        back = tx.db.scalars(
            select(Attempt).where(
                Attempt.kind == Kind.RETURN, Attempt.state == AttemptState.QUEUED
            )
        ).one()
        attempts.begin(tx, back.id)
        settle.apply(
            tx,
            MoneyEvent("daraja", Outcome.FAILED, attempt_id=back.id, reason=Reason.BAD_RECIPIENT),
        )
    clock.advance(seconds=RETURN_RETRY_SECONDS)


def test_a_return_that_failed_for_good_is_a_case_and_not_before(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        settle.apply(tx, by_hand("NO5UCH", payer=STRANGER))
    for _ in range(2):
        _fail_return(database, clock)
        assert look(database) == []
    _fail_return(database, clock)

    (case,) = look(database)

    assert case.kind is CaseKind.RETURN_FAILED
    assert case.facts["reason"] == "bad_recipient"
    with database.transaction() as tx:
        suspense.send_back(tx, usecases.receipt_of(tx, case.number))


def payout_of(database: Database, vendor_id: UUID, state: str) -> UUID:
    """A payout that no booking is waiting for."""
    with database.transaction() as tx:
        payout_id = tx.ids.uuid()
        tx.db.execute(
            text(
                "INSERT INTO payouts (id, vendor_id, state, amount_cents, carried_in_cents,"
                " carried_out_cents, paid_cents, tries, reason, created_at) VALUES"
                " (:id, :vendor, :state, 4000000, 4000000, 0, 0, 3, 'bad_recipient', :now)"
            ),
            {"id": payout_id, "vendor": vendor_id, "state": state, "now": tx.now},
        )
        return payout_id


def test_a_failed_payout_is_a_case_until_another_has_paid_what_it_left(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        vendor = make_vendor(tx)
        other = make_vendor(tx, OTHER_VENDOR)
    payout_of(database, vendor.id, "paid")
    clock.advance(days=7)
    payout_id = payout_of(database, vendor.id, "failed")

    (case,) = look(database)
    assert (case.kind, case.subject) == (CaseKind.PAYOUT_FAILED, str(payout_id))
    assert case.facts["reason"] == "bad_recipient"

    clock.advance(days=7)
    payout_of(database, other.id, "paid")
    assert [open_case.number for open_case in look(database)] == [case.number]
    payout_of(database, vendor.id, "paid")
    assert look(database) == []


def test_a_failed_payout_that_another_has_made_good_before_anybody_looked_is_no_case(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        vendor = make_vendor(tx)
    payout_of(database, vendor.id, "failed")
    clock.advance(days=7)
    payout_of(database, vendor.id, "paid")

    assert look(database) == []


def test_money_that_a_vendor_got_twice_is_a_case(database: Database) -> None:
    with database.transaction() as tx:
        make_paid(tx, make_instant_listing(tx, make_vendor(tx)))
        attempt_id = tx.db.scalars(select(Attempt.id)).one()
        tx.db.execute(text("SET LOCAL session_replication_role = replica"))
        tx.db.execute(text("ALTER TABLE attempts DROP CONSTRAINT ck_attempts_payout"))
        tx.db.execute(text("UPDATE attempts SET kind = 'payout'"))
        ledger.post(tx, postings.sent_back("daraja", kes(10), reference=str(attempt_id)))

    (case,) = look(database)

    assert (case.kind, case.subject) == (CaseKind.OVERPAID, str(attempt_id))


def test_messages_of_unknown_fate_are_one_case_a_day(
    database: Database, clock: ManualClock
) -> None:
    for _ in range(2):
        with database.transaction() as tx:
            for _ in range(3):
                outbox.add(tx, "confirmed", CUSTOMER, {})
            tx.db.execute(update(Notice).values(state=Sending.UNKNOWN))
        clock.advance(days=1)

    (case,) = look(database)
    assert (case.subject, case.facts) == ("2026-11-20", {"messages": 3})
    clock.advance(days=1)
    assert [case.subject for case in look(database)] == ["2026-11-20", "2026-11-21"]


def test_a_callback_that_could_not_be_applied_is_a_case(
    database: Database, clock: ManualClock
) -> None:
    with database.transaction() as tx:
        inbox.store(tx, Callback("daraja", "stk", "ws_CO_1", {"secret": "nobody's business"}))
        inbound_id: UUID = tx.db.scalars(text("SELECT id FROM inbox")).one()
    for _ in range(INBOX_TRIES_MAX):
        database.run(lambda tx: inbox.postpone(tx, inbound_id, "unknown_attempt"))
        clock.advance(hours=1)

    (case,) = look(database)

    assert case.kind is CaseKind.CALLBACK_DEAD
    assert case.facts == {"provider": "daraja", "callback": "stk", "why": "unknown_attempt"}
