"""Documents issue themselves; the tax authority hears of each once, in order, whatever happens."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from core.booking.cancel import cancel_by_customer
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database
from core.documents import etims
from core.documents.lifecycle import InvoiceState
from core.documents.model import TaxInvoice
from core.errors import IllegalMove
from core.limits import INVOICE_BACKOFF_SECONDS, INVOICE_LEASE_SECONDS
from core.payments import attempts, settle
from core.payments.model import Attempt
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxRegistered
from tests.support.factories import make_instant_listing, make_paid, make_vendor, paid_event
from tests.support.fakes import LOST, Script, Step
from tests.workers.conftest import Crew
from workers.documents import run_documents, run_invoices
from workers.parts import Parts

REFUSED = ProviderError("refused", detail="910 taxAmtB is missing")
HALTED = ProviderError("misconfigured", retryable=True, stop=True, detail="901")


class FakeRegistrar:
    """Registers as told; the same number once, as the port promises."""

    name = "etims"

    def __init__(self, *steps: Step) -> None:
        self.script = Script(steps)
        self.calls: list[TaxDocument] = []
        self.known: dict[int, TaxRegistered] = {}

    def register(self, document: TaxDocument) -> TaxRegistered:
        self.calls.append(document)
        self.script.play()
        if document.number in self.known:
            return TaxRegistered()
        answer = TaxRegistered(1000 + document.number, "SIGNED", "DATA")
        self.known[document.number] = answer
        return answer


@pytest.fixture
def registrar() -> FakeRegistrar:
    return FakeRegistrar()


@pytest.fixture
def parts(crew: Crew, registrar: FakeRegistrar) -> Parts:
    """Three payments have come, and their receipts are out."""
    with crew.database.transaction() as tx:
        rooms = make_instant_listing(tx, make_vendor(tx), units=9)
        for i in range(3):
            make_paid(tx, rooms, receipt=f"SFF6XYQ{i}AB", in_days=20 + i)
    made = replace(crew.parts, registrar=registrar)
    assert run_documents(made) == 3
    return made


def states(database: Database) -> list[InvoiceState]:
    query = select(TaxInvoice.state).order_by(TaxInvoice.number)
    return database.run(lambda tx: list(tx.db.scalars(query)))


WAITING, REGISTERED = InvoiceState.WAITING, InvoiceState.REGISTERED


def test_nothing_is_issued_twice_and_nothing_sent_where_nobody_wants_it(
    parts: Parts, crew: Crew
) -> None:
    assert run_documents(parts) == 0
    assert run_invoices(crew.parts) == 0
    assert states(parts.database) == [WAITING] * 3


def test_invoices_go_out_in_the_order_of_their_numbers(
    parts: Parts, registrar: FakeRegistrar
) -> None:
    assert run_invoices(parts) == 3

    assert [sent.number for sent in registrar.calls] == [1, 2, 3]
    assert registrar.calls[0].label == "R2026-000001"
    assert states(parts.database) == [REGISTERED] * 3
    first = parts.database.run(lambda tx: tx.db.get_one(TaxInvoice, 1))
    assert (first.receipt_number, first.signature) == (1001, "SIGNED")
    assert run_invoices(parts) == 0


def test_an_invoice_has_the_lines_of_its_receipt(parts: Parts, registrar: FakeRegistrar) -> None:
    run_invoices(parts)

    lines = registrar.calls[0].lines
    assert [(line.net_cents, line.vat_cents) for line in lines] == [
        (5_000_000, 800_000),
        (750_000, 120_000),
    ]


def test_a_credit_note_names_the_invoice_that_it_takes_back(
    parts: Parts, registrar: FakeRegistrar
) -> None:
    _refund_first(parts.database)
    assert run_documents(parts) == 1

    run_invoices(parts)

    credit = registrar.calls[-1]
    assert (credit.number, credit.label, credit.original_number) == (4, "C2026-000001", 1)


def test_while_the_authority_is_away_they_wait_in_order(
    parts: Parts, registrar: FakeRegistrar, clock: ManualClock
) -> None:
    registrar.script.then(ProviderError("unavailable", unknown=True))

    assert run_invoices(parts) == 1, "who comes next does not overtake"
    assert states(parts.database) == [WAITING] * 3
    assert run_invoices(parts) == 0
    clock.advance(seconds=INVOICE_BACKOFF_SECONDS[0])

    assert run_invoices(parts) == 3
    assert [sent.number for sent in registrar.calls] == [1, 1, 2, 3]


def test_a_lost_answer_registers_nothing_twice(
    parts: Parts, registrar: FakeRegistrar, clock: ManualClock
) -> None:
    registrar.known[1] = TaxRegistered(1001, "SIGNED", "DATA")
    registrar.script.then(LOST)
    run_invoices(parts)
    clock.advance(seconds=INVOICE_BACKOFF_SECONDS[0])

    run_invoices(parts)

    assert states(parts.database) == [REGISTERED] * 3
    assert list(registrar.known) == [1, 2, 3]


def test_a_worker_that_died_is_followed_by_another(
    parts: Parts, registrar: FakeRegistrar, clock: ManualClock
) -> None:
    assert parts.database.run(etims.begin) is not None
    assert run_invoices(parts) == 0, "somebody is at it"
    clock.advance(seconds=INVOICE_LEASE_SECONDS)

    assert run_invoices(parts) == 3


def test_a_refused_invoice_is_a_persons_case_and_the_others_go_on(
    parts: Parts, registrar: FakeRegistrar
) -> None:
    registrar.script.then(REFUSED)

    run_invoices(parts)

    assert states(parts.database) == [InvoiceState.REFUSED, REGISTERED, REGISTERED]
    parts.database.run(sweep)
    (case,) = parts.database.run(open_cases)
    assert (case.kind, case.subject) == (CaseKind.INVOICE_REFUSED, "1")
    assert case.amount_cents == 6_670_000
    assert case.facts["code"] == "refused 910 taxAmtB is missing"

    parts.database.run(lambda tx: etims.retry(tx, 1))
    run_invoices(parts)
    parts.database.run(sweep)

    assert states(parts.database) == [REGISTERED] * 3
    assert parts.database.run(open_cases) == []
    with pytest.raises(IllegalMove):
        parts.database.run(lambda tx: etims.retry(tx, 1))


def test_a_unit_that_needs_a_person_stops_the_run(parts: Parts, registrar: FakeRegistrar) -> None:
    registrar.script.then(HALTED)

    assert run_invoices(parts) == 1
    assert states(parts.database) == [WAITING] * 3


def _refund_first(database: Database) -> None:
    """The customer of the first booking cancels, and the money arrives."""
    with database.transaction() as tx:
        attempt = tx.db.scalars(select(Attempt).order_by(Attempt.id)).all()[0]
        booking = tx.db.get_one(Booking, attempt.booking_id)
        cancel_by_customer(tx, booking.id, booking.customer_id)
        (due,) = attempts.due_attempts(tx, 10)
        attempts.begin(tx, due)
        attempts.accepted(tx, due, "AG_1")
        settle.apply(tx, paid_event(tx.db.get_one(Attempt, due), "UAF5T4R3E2"))
