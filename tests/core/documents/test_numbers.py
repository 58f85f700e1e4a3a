"""Numbers without gaps, whoever issues at the same time and whoever gives up (R12, I12)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.tx import Database, Tx
from core.documents.model import Series
from core.documents.numbers import draw
from core.documents.queries import documents_due
from core.documents.usecases import issue_due
from core.escrow import ledger, postings
from core.money import Money
from tests.core.documents.papers import SELLER, Papers
from tests.core.escrow.tools import number, together

ISSUERS = 50
ROLLED_BACK_PERCENT = 5
P95_SECONDS = 0.050
# Bookings like one that is there, under codes of their own.
CLONES = """
DO $$
DECLARE clone bookings;
BEGIN
    SELECT * INTO STRICT clone FROM bookings;
    FOR i IN 1..{count} LOOP
        clone.id = gen_random_uuid();
        clone.code = 'X' || i;
        INSERT INTO bookings SELECT clone.*;
    END LOOP;
END $$
"""


class GaveUp(Exception):
    """Whoever had drawn a number did not use it."""


def give_up(really: bool = True) -> None:  # noqa: FBT001, FBT002 -- a coin that was thrown.
    """Roll back what was done."""
    if really:
        raise GaveUp


def _pay(place: int, clone: tuple[UUID, str, int], tx: Tx) -> int:
    booking_id, code, cents = clone
    amount, reference = Money(cents), f"X{place}"
    post = postings.paid(code, "daraja", amount, reference=reference, booking_id=booking_id)
    ledger.post(tx, post)
    return 1


@dataclass
class Rush:
    """Many payments at once, each followed by somebody who issues what is due."""

    papers: Papers
    payments: int
    pause_seconds: float = 0.0
    paid: list[float] = field(default_factory=list)
    issued: list[float] = field(default_factory=list)
    given_up: int = 0

    def run(self) -> None:
        ids = self._clones()
        work, lock = iter(list(enumerate(ids))), threading.Lock()

        def issuer(i: int) -> None:
            chance = Random(i)
            while True:
                with lock:
                    job = next(work, None)
                if job is None:
                    return
                pay = partial(_pay, *job)
                self._timed(self.paid, pay, chance)
                self._timed(self.issued, lambda tx: len(issue_due(tx, SELLER)), chance)
                time.sleep(self.pause_seconds)

        with ThreadPoolExecutor(ISSUERS) as pool:
            for done in [pool.submit(issuer, i) for i in range(ISSUERS)]:
                done.result()
        while self.papers.issue():
            pass

    def _timed(self, into: list[float], work: Callable[[Tx], int], chance: Random) -> None:
        """Keep how long it took, by receipt where several were issued at once."""
        began, done = time.perf_counter(), 0
        try:
            # Not Database.run: a deadlock would be tried again, and here it must show.
            with self.papers.database.transaction() as tx:
                done = work(tx)
                give_up(chance.randrange(100) < ROLLED_BACK_PERCENT)
        except GaveUp:
            self.given_up += 1
        # Who finds another issuing has done nothing that would count.
        into += [(time.perf_counter() - began) / done] if done else []

    def _clones(self) -> list[tuple[UUID, str, int]]:
        self.papers.hold()
        with self.papers.database.transaction() as tx:
            tx.db.execute(text(CLONES.format(count=self.payments)))
            rows = tx.db.execute(
                text("SELECT id, code, total_cents FROM bookings WHERE code LIKE 'X%'")
            )
            return [(row.id, row.code, row.total_cents) for row in rows]


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def gapless(database: Database, paid: int) -> None:
    """As many receipts as payments that were kept, numbered from one on; and so the invoices."""
    kept = number(database, "SELECT count(*) FROM ledger_transfers WHERE kind = 'paid'")
    assert 0 < kept < paid, "some were rolled back"
    for query in (
        "SELECT count(*) FROM documents WHERE kind = 'receipt'",
        "SELECT max(number) FROM documents WHERE kind = 'receipt'",
        "SELECT count(DISTINCT number) FROM documents WHERE kind = 'receipt'",
        "SELECT max(number) FROM tax_invoices",
    ):
        assert number(database, query) == kept, query
    assert database.run(documents_due) == 0


def test_fifty_issuers_leave_no_gap(papers: Papers) -> None:
    rush = Rush(papers, payments=300)

    rush.run()

    assert rush.given_up > 0
    gapless(papers.database, 300)


@pytest.mark.slow
def test_fifty_issuers_ten_thousand_receipts(
    papers: Papers, capsys: pytest.CaptureFixture[str]
) -> None:
    """R12 at its size; some 150 payments a second, more than the whole of Kenya would make."""
    rush = Rush(papers, payments=10_500, pause_seconds=0.3)

    rush.run()

    gapless(papers.database, 10_500)
    with capsys.disabled():
        print(  # noqa: T201 -- the figures are what the run is for.
            f"\n{len(rush.paid)} payments, {rush.given_up} transactions rolled back;"
            f" p95 of a payment {p95(rush.paid) * 1000:.1f} ms,"
            f" of a receipt {p95(rush.issued) * 1000:.1f} ms in {len(rush.issued)} batches"
        )
    assert p95(rush.issued) < P95_SECONDS
    assert p95(rush.paid) < P95_SECONDS


def test_a_number_drawn_in_vain_is_drawn_again(papers: Papers) -> None:
    def in_vain(tx: Tx) -> None:
        assert draw(tx, Series.RECEIPT, 2026, 3) == range(1, 4)
        give_up()

    with pytest.raises(GaveUp):
        papers.run(in_vain)

    assert papers.run(lambda tx: draw(tx, Series.RECEIPT, 2026, 2)) == range(1, 3)
    assert papers.run(lambda tx: draw(tx, Series.RECEIPT, 2026, 1)) == range(3, 4)


def test_without_the_lock_of_the_row_two_draw_the_same(papers: Papers) -> None:
    """The guard shown: numbers read first and written later are the same for both."""

    def careless(tx: Tx) -> None:
        next_number = tx.db.execute(
            text("SELECT coalesce(max(number), 0) + 1 FROM documents")
        ).scalar_one()
        both.wait(5)
        tx.db.execute(
            text(
                "INSERT INTO documents SELECT gen_random_uuid(), 'receipt', 2026, :number, id,"
                " gen_random_uuid(), NULL, NULL, 1, 0, 0, 0, 1, '{}', gen_random_uuid()::text,"
                " gen_random_uuid()::text, now(), now() FROM bookings"
            ),
            {"number": next_number},
        )

    papers.hold()
    both = threading.Barrier(2)
    results = together(2, lambda _i: papers.run(careless))

    errors = [each for each in results if each is not None]
    assert len(errors) == 1
    assert isinstance(errors[0], DBAPIError)
    assert "uq_documents_kind_year_number" in str(errors[0])
