"""Our own people: they look into cases, try again what failed, cancel, and take in statements."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from channels.daraja.statement import read_statement
from channels.simulator.state import Transaction
from channels.simulator.statement import statement
from core.booking.cancel import cancel_by_admin
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.model import Case, CaseKind
from core.cases.queries import open_cases
from core.cases.usecases import close
from core.clock import nairobi_date, nairobi_moment
from core.db.tx import Tx
from core.documents import etims
from core.payments import refunds
from core.payments.model import Receipt
from core.payments.suspense import match, send_back
from core.payouts.details import find_vendor, verify
from core.payouts.halts import halts, resume
from core.payouts.model import Payout
from core.payouts.usecases import retry_payout
from core.people.model import Vendor
from core.reconcile.places import Accounts
from core.reconcile.statement import BadStatement
from core.reconcile.usecases import take
from workers.simulate.audit import Books, Wrong
from workers.simulate.comebacks import Comebacks
from workers.simulate.complaints import Complaints
from workers.simulate.market import OTHER_WALLETS
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR = 3600
WRONG_SHARE = 0.5
OUTGOING = ("b2c", "taken_back")
# More than a day brings, so that nobody has to wait behind the old ones for long.
LOOKED_AT_MAX = 40
# What stays as it is, and what is settled on the telephone.
TALKED_OVER = (
    CaseKind.DIFFERENCE,
    CaseKind.NOTICES_UNKNOWN,
    CaseKind.CALLBACK_DEAD,
    CaseKind.STATEMENT_MISSING,
    CaseKind.VENDOR_PENALTIES,
)
LOOKED_INTO_SHARE = 0.6
FILE_TRIES_MAX = 20
MATCHED_SHARE = 0.5
MAY_BE_MEANT = (State.AWAITING_PAYMENT, State.EXPIRED)


class Office:
    """The admins.

    Args:
        scene: where they work.
        books: told what a wrong statement left out.
        accounts: ours with Daraja.
        complaints: what they have to decide.
        comebacks: what they see of money that came back.
    """

    def __init__(
        self,
        scene: Scene,
        books: Books,
        accounts: Accounts,
        complaints: Complaints,
        comebacks: Comebacks,
    ) -> None:
        self._scene = scene
        self._books = books
        self._accounts = accounts
        self._complaints = complaints
        self._comebacks = comebacks
        self.wrong: list[Wrong] = []
        self._taken: set[tuple[str, date]] = set()
        self._acts: Mapping[CaseKind, Callable[[Case], None]] = {
            CaseKind.SUSPENSE: self._suspense,
            CaseKind.RETURN_FAILED: self._suspense,
            CaseKind.REFUND_FAILED: lambda case: self._refund_again(UUID(case.subject)),
            CaseKind.CAME_BACK: self._came_back,
            CaseKind.PAYOUT_FAILED: self._pay_again,
            CaseKind.PAYOUT_HELD: lambda case: self._check(int(case.facts["vendor"])),
            CaseKind.PAYOUT_REVERSED: lambda case: self._check(int(case.facts["vendor"])),
            CaseKind.PAYOUTS_HALTED: lambda case: self._resume(case.facts["provider"]),
            CaseKind.INVOICE_REFUSED: self._invoice_again,
            **dict.fromkeys(TALKED_OVER, self._talk_over),
        }

    def plan_day(self) -> None:
        """Plan today's work."""
        scene = self._scene
        scene.agenda.after(scene.chance.uniform(9 * HOUR, 17 * HOUR), self._look_into_cases)
        scene.agenda.after(scene.chance.uniform(9 * HOUR, 17 * HOUR), self._complaints.decide)
        if scene.maybe(0.1):
            scene.agenda.after(scene.chance.uniform(9 * HOUR, 17 * HOUR), self._cancel)

    def _look_into_cases(self) -> None:
        scene = self._scene
        for case in scene.look(lambda tx: open_cases(tx, LOOKED_AT_MAX)):
            if scene.maybe(LOOKED_INTO_SHARE):
                act = self._acts.get(case.kind)
                if act is not None:
                    act(case)

    def _suspense(self, case: Case) -> None:
        receipt_id = UUID(case.facts["receipt_id"])
        if not (self._scene.maybe(MATCHED_SHARE) and self._match(receipt_id)):
            self._send_back(receipt_id, case.facts["number"])

    def _refund_again(self, refund_id: UUID) -> None:
        """Send it as before, or to another wallet that the customer has named."""
        wallet = self._scene.chance.choice(OTHER_WALLETS) if self._scene.maybe(0.3) else None
        again = partial(refunds.retry_refund, refund_id=refund_id, msisdn=wallet)
        self._scene.turn(Step.ADMIN_RETRY, again)

    def _came_back(self, case: Case) -> None:
        """Send money again that came back from a customer, or look whose it is once more."""
        if case.facts["refund_id"] is not None:
            self._refund_again(UUID(case.facts["refund_id"]))
        else:
            self._suspense(case)

    def _invoice_again(self, case: Case) -> None:
        self._scene.turn(Step.ADMIN_INVOICE, partial(etims.retry, number=int(case.subject)))

    def _talk_over(self, case: Case) -> None:
        if case.kind is CaseKind.DIFFERENCE:
            self._comebacks.shown(case)
        settled = partial(close, number=case.number, note="Talked over with them.")
        self._scene.turn(Step.ADMIN_CLOSE, settled)

    def _pay_again(self, case: Case) -> None:
        """Try a failed payout again, unless another has taken over."""
        vendor_id = UUID(case.facts["vendor_id"])

        def retry(tx: Tx) -> Payout:
            number = tx.db.get_one(Vendor, vendor_id).number
            return retry_payout(tx, find_vendor(tx, number))

        self._scene.turn(Step.ADMIN_PAY_AGAIN, retry)

    def _check(self, number: int) -> None:
        """Note that a vendor is who they are, and is paid where they say."""
        checked = partial(verify, number=number, kyc=True, payout=True)
        self._scene.turn(Step.ADMIN_VERIFY, checked, again=lambda: self._check(number))

    def end_halts(self) -> None:
        """Mend what stands still at every provider."""
        for halt in self._scene.look(halts):
            self._resume(halt.provider)

    def _resume(self, provider: str) -> None:
        """Somebody has mended what was wrong with a provider."""
        going = partial(resume, provider=provider)
        self._scene.turn(Step.ADMIN_RESUME, going, again=lambda: self._resume(provider))

    def _match(self, receipt_id: UUID) -> bool:
        """Give money in suspense to a booking of that very price; False when there is none."""
        query = (
            select(Booking.code)
            .join(Receipt, Receipt.amount_cents == Booking.total_cents)
            .where(Receipt.id == receipt_id, Booking.state.in_(MAY_BE_MEANT))
            .order_by(Booking.created_at.desc(), Booking.id)
            .limit(1)
        )
        code = self._scene.look(lambda tx: tx.db.scalar(query))
        if code is None:
            return False
        self._scene.turn(Step.ADMIN_MATCH, lambda tx: match(tx, receipt_id, code))
        return True

    def _send_back(self, receipt_id: UUID, number: str) -> None:
        """Ask the provider who paid, and send the money there."""
        paid = self._scene.world.books.transactions.get(number)
        payer = paid.phone if paid is not None else None
        self._scene.turn(Step.ADMIN_SEND_BACK, lambda tx: send_back(tx, receipt_id, payer))

    def _cancel(self) -> None:
        query = (
            select(Booking.id)
            .where(Booking.state == State.CONFIRMED, Booking.starts_at > self._scene.now)
            .order_by(Booking.starts_at.desc(), Booking.id)
            .limit(1)
        )
        found = self._scene.look(lambda tx: tx.db.scalar(query))
        if found is not None:
            by_policy = self._scene.maybe(0.3)
            self._scene.turn(
                Step.ADMIN_CANCEL,
                lambda tx: cancel_by_admin(
                    tx, found, None, "The road is closed.", by_policy=by_policy
                ),
            )

    def take_last_month(self) -> None:
        """Take in last month's statements; some are wrong on purpose, and that must be found."""
        for account in sorted(self._accounts):
            self._take(account, self._last_month(), wrong=self._scene.maybe(WRONG_SHARE))

    def take_what_is_left(self) -> None:
        """Take in what no statement has shown yet, at the end; all of it is honest."""
        this_month = nairobi_date(self._scene.now).replace(day=1)
        for account in sorted(self._accounts):
            for first in (self._last_month(), this_month):
                if (account, first) not in self._taken:
                    self._take(account, first, wrong=False)

    def _last_month(self) -> date:
        this_month = nairobi_date(self._scene.now).replace(day=1)
        return (this_month - timedelta(days=1)).replace(day=1)

    def _take(self, account: str, first: date, *, wrong: bool) -> None:
        self._taken.add((account, first))
        movements = self._known(account, first) if wrong else []
        with self._changed(account, movements) as numbers:
            csv_text = statement(self._scene.world, account, first)
        if wrong:
            self._must_refuse(_half(csv_text), account)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "statement.csv"
            path.write_text(csv_text, encoding="utf-8", newline="")
            self._read(path, numbers)

    def _known(self, account: str, first: date) -> list[Transaction]:
        """Return what moved on an account in a month and was known to us by its end."""
        moved = [
            each
            for each in self._scene.world.books.transactions.values()
            if each.shortcode == account and nairobi_date(each.at).replace(day=1) == first
        ]
        ends = nairobi_moment((first + timedelta(days=31)).replace(day=1), time())
        query = select(Receipt.number).where(
            Receipt.number.in_([each.receipt for each in moved]),
            Receipt.at < ends - timedelta(hours=1),
        )
        known = self._scene.look(lambda tx: set(tx.db.scalars(query)))
        return [each for each in moved if each.receipt in known]

    def _read(self, path: Path, numbers: set[str]) -> None:
        scene = self._scene
        try:
            reading = read_statement(path)
        except BadStatement as bad:
            if bad.code != "empty":
                self.wrong.append(Wrong("statements are read", f"refused: {bad}"))
            return
        taken = None
        for _ in range(FILE_TRIES_MAX):  # Whoever's process died over it takes it in again.
            taken = scene.turn(Step.STATEMENT, lambda tx: take(tx, reading, self._accounts))
            if taken is not None:
                break
        if taken is None:
            return
        scene.tally["statement differences"] += taken.differences
        found = {name for fault in taken.faults for name in (fault.number, fault.other)}
        if not taken.again and (missed := numbers - found):
            self.wrong.append(Wrong("statements are compared", f"not found: {sorted(missed)}"))

    def _must_refuse(self, half: str, account: str) -> None:
        """Hand in half a file first: nothing may come of it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "half.csv"
            path.write_text(half, encoding="utf-8", newline="")
            try:
                read_statement(path, account=account)
            except BadStatement as bad:
                self._scene.tally[f"half a statement refused: {bad.code}"] += 1
            else:
                self.wrong.append(Wrong("statements are whole", "half a file was read"))

    @contextmanager
    def _changed(self, account: str, movements: list[Transaction]) -> Iterator[set[str]]:
        """Let the provider's books be wrong about one movement, and yield which."""
        books, scene = self._scene.world.books, self._scene
        if not movements:
            yield set()
            return
        chosen = scene.chance.choice(movements)
        before, organisation = books.transactions, books.organisations[account]
        utility_cents = organisation.utility_cents
        sign = -1 if chosen.kind in OUTGOING else 1
        kept = dict(before)
        fault = scene.chance.choice(("left out", "invented", "other amount"))
        scene.tally[f"statement fault: {fault}"] += 1
        if fault == "left out":
            del kept[chosen.receipt]
            organisation.utility_cents -= sign * chosen.amount_cents
            organisation.utility_cents += chosen.charge_cents
            self._books.left_out.add(chosen.receipt)
        elif fault == "invented":
            number = "FALSE" + chosen.receipt[:3]
            kept[number] = replace(chosen, receipt=number, charge_cents=0, reference="")
            chosen = kept[number]
            organisation.utility_cents += sign * chosen.amount_cents
        else:
            other = replace(chosen, amount_cents=chosen.amount_cents + 1_000)
            kept[chosen.receipt] = other
            organisation.utility_cents += sign * 1_000
        books.transactions = kept
        try:
            yield {chosen.receipt}
        finally:
            books.transactions = before
            organisation.utility_cents = utility_cents


def _half(csv_text: str) -> str:
    rows = list(csv.reader(io.StringIO(csv_text)))
    out = io.StringIO()
    csv.writer(out).writerows(rows[: max(6, len(rows) // 2)])
    return out.getvalue()
