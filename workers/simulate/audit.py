"""What must be true of a simulated year: the invariants, and what the providers know better.

The providers' books say what truly moved. A receipt of ours that they do not have was invented; a
movement that we do not have is a case by the end, when a statement has shown it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text

from channels.simulator.state import SmsDirection, World
from core.cases.model import Case, CaseKind
from core.db.tx import Tx
from core.documents.lifecycle import InvoiceState
from core.documents.model import Document, TaxInvoice
from core.escrow import accounts, ledger
from core.invariants.run import LATE_SECONDS, run_all
from core.outbox import Notice, Sending
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Receipt
from core.payouts.halts import halts
from workers.simulate.theirs import Theirs

# A callback may come three days late; what was named later is looked at again.
LOOK_BACK = timedelta(days=5)
SAID_LATELY = timedelta(days=2)
EVER = datetime(1, 1, 2, tzinfo=UTC)
MONEY_PROVIDERS = ("daraja", "flutterwave")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that must not be.

    Attributes:
        rule: which rule is broken; of an invariant its name.
        about: what and how.
    """

    rule: str
    about: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}"


class Books:
    """Compares our books with those of the providers.

    Args:
        world: the providers.

    Attributes:
        left_out: receipts that a wrong statement did not show.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._theirs = Theirs(world)
        self.left_out: set[str] = set()

    def daily(self, tx: Tx) -> list[Wrong]:
        """Return what is broken today; empty is good."""
        found = [
            Wrong(
                each.invariant,
                f"{each.rule}: {each.subject} is {each.actual}, not {each.expected}",
            )
            for each in run_all(tx)
        ]
        return [
            *found,
            *self._invented(tx, tx.now - LOOK_BACK),
            *self._said_twice(tx),
            *_left_lying(tx),
            *_floats(tx),
        ]

    def final(self, tx: Tx) -> list[Wrong]:
        """Return what is broken when everything has come to rest and every statement was read."""
        return [
            *self.daily(tx),
            *self._invented(tx, EVER),
            *self._unknown(tx),
            *self._outcomes(tx),
            *self._registered(tx),
            *_paid_twice(tx),
            *_left_open(tx),
        ]

    def _said_twice(self, tx: Tx) -> Iterator[Wrong]:
        """Yield messages that reached a phone more often than we owed them.

        Of a message whose fate is unknown we do not know the words: it may have been any.
        """
        since = tx.now - SAID_LATELY
        said: Counter[tuple[str, str]] = Counter()
        for sms in reversed(self._world.books.sms.values()):
            if sms.at < since:
                break
            if sms.direction is SmsDirection.TO_PHONE:
                said[sms.phone, sms.text] += 1
        for (phone, words), times in said.items():
            if times == 1:
                continue
            owed = select(func.count()).where(
                Notice.msisdn == phone,
                Notice.created_at > tx.now - LOOK_BACK,
                (Notice.text == words) | (Notice.state == Sending.UNKNOWN),
            )
            if times > int(tx.db.scalar(owed) or 0):
                yield Wrong("nobody is told twice", f"{times} times: {words}")

    def _invented(self, tx: Tx, since: datetime) -> Iterator[Wrong]:
        """Yield receipts of ours that no provider has, or has with another amount."""
        ours = (
            select(Receipt, Attempt.takes_back)
            .outerjoin(Attempt, Attempt.id == Receipt.attempt_id)
            .where(Receipt.at > since)
        )
        for receipt, takes_back in tx.db.execute(ours):
            theirs = self._theirs.cents(receipt, takes_back)
            if theirs != receipt.amount_cents:
                about = f"{receipt.provider} {receipt.direction} {receipt.number}"
                yield Wrong(
                    "receipts are true", f"{about} is {receipt.amount_cents}, they have {theirs}"
                )

    def _unknown(self, tx: Tx) -> Iterator[Wrong]:
        """Yield movements that we neither know nor have a case for."""
        collected = select(Attempt.id).where(
            Attempt.kind == Kind.COLLECTION, Attempt.state == AttemptState.SUCCEEDED
        )
        paid = {str(attempt_id) for attempt_id in tx.db.scalars(collected)}
        known = set(tx.db.scalars(select(Receipt.number).where(Receipt.provider == "daraja")))
        explained = known | _numbers_of_cases(tx) | self.left_out
        for number, moved in self._world.books.transactions.items():
            if number not in explained:
                yield Wrong(
                    "no money is lost", f"{moved.kind} {number} of {moved.amount_cents} is unknown"
                )
        for attempt_id, number in self._theirs.charges().items():
            if attempt_id not in paid and number not in explained:
                yield Wrong("no money is lost", f"charge {number} of {attempt_id} is unknown")

    def _outcomes(self, tx: Tx) -> Iterator[Wrong]:
        """Yield payments out whose outcome we have wrong: the next try would pay twice.

        One that came back may stand as paid while its return is a case. A payment is taken back
        once, by whichever try it was: the provider does not say.
        """
        attempts = tx.db.scalars(select(Attempt).where(Attempt.kind != Kind.COLLECTION)).all()
        succeeded = [each for each in attempts if each.state is AttemptState.SUCCEEDED]
        taken_back = Counter(each.takes_back for each in succeeded if each.takes_back)
        for payment, times in taken_back.items():
            if times > 1:
                yield Wrong("outcomes are true", f"{payment} was taken back {times} times")
        cases = _numbers_of_cases(tx)
        for attempt in attempts:
            if attempt.takes_back in taken_back and attempt.state is AttemptState.FAILED:
                continue
            moved = self._theirs.moved(attempt)
            stayed = attempt.state is AttemptState.SUCCEEDED and attempt.reversed_at is None
            if moved is stayed or self._theirs.return_of(attempt) in cases:
                continue
            yield Wrong(
                "outcomes are true",
                f"{attempt.provider} {attempt.kind} {attempt.id} is {attempt.state},"
                f" the money {'moved' if moved else 'did not move'}",
            )

    def _registered(self, tx: Tx) -> Iterator[Wrong]:
        """Yield documents that the tax authority has not as we have them, or has without us."""
        sales = self._world.books.etims_sales
        invoices = select(TaxInvoice, Document).join(
            Document, Document.id == TaxInvoice.document_id
        )
        numbers = set[int]()
        for invoice, document in tx.db.execute(invoices).all():
            numbers.add(invoice.number)
            sale = sales.get(invoice.number)
            theirs = sale and (sale.total_cents, sale.vat_cents)
            if invoice.state is InvoiceState.REFUSED and sale is None:
                continue
            if theirs != (document.total_cents, document.vat_cents):
                yield Wrong(
                    "the tax authority knows our documents",
                    f"{document.label} is {invoice.state}, they have {theirs}",
                )
        for number in sales.keys() - numbers:
            yield Wrong("the tax authority knows our documents", f"{number} is not ours")


def _numbers_of_cases(tx: Tx) -> set[str]:
    """Return the movements that a statement has shown otherwise than we have them."""
    query = select(Case.facts["number"].astext).where(Case.kind == CaseKind.DIFFERENCE)
    return set(tx.db.scalars(query))


def _left_lying(tx: Tx) -> Iterator[Wrong]:
    """Yield attempts that nobody has gone on with: whoever died over one is replaced."""
    late = tx.now - timedelta(seconds=LATE_SECONDS)
    halted = {halt.provider for halt in halts(tx)}
    for attempt in tx.db.scalars(select(Attempt).where(Attempt.due_at < late)):
        if attempt.kind is not Kind.COLLECTION and attempt.provider in halted:
            continue  # Until somebody has mended what is wrong there.
        yield Wrong(
            "somebody goes on",
            f"{attempt.kind} {attempt.id} is {attempt.state}, due {attempt.due_at}",
        )


def _left_open(tx: Tx) -> Iterator[Wrong]:
    """Yield attempts of which nobody knows what became, and nobody will be told."""
    unsure = (AttemptState.SENDING, AttemptState.PENDING, AttemptState.UNKNOWN)
    halted = {halt.provider for halt in halts(tx)}
    old = Attempt.created_at < tx.now - SAID_LATELY
    for attempt in tx.db.scalars(select(Attempt).where(Attempt.state.in_(unsure), old)):
        if attempt.provider not in halted:
            about = f"{attempt.method} {attempt.kind} {attempt.id} is {attempt.state}"
            yield Wrong("nothing stays open", about)


def _paid_twice(tx: Tx) -> Iterator[Wrong]:
    """Yield payouts and refunds that went out although they were not owed any more.

    Nobody forges a refusal of a payment out here, so no such thing can be excused.
    """
    query = text(
        "SELECT attempts.id FROM attempts JOIN ledger_transfers"
        " ON idempotency_key = concat('out:', provider, ':', attempts.id)"
        " WHERE ledger_transfers.kind = 'sent_back'"
        " AND (payout_id IS NOT NULL OR refund_id IS NOT NULL)"
    )
    for attempt_id in tx.db.scalars(query):
        yield Wrong("nobody is paid twice", f"attempt {attempt_id}")


def _floats(tx: Tx) -> Iterator[Wrong]:
    """Yield floats that are not the sum of the receipts."""
    query = text(
        "SELECT coalesce(sum(CASE direction WHEN 'in' THEN amount_cents ELSE -amount_cents END),"
        " 0) FROM receipts WHERE provider = :provider"
    )
    for provider in MONEY_PROVIDERS:
        moved = int(tx.db.execute(query, {"provider": provider}).scalar_one())
        held = ledger.balance(tx, accounts.float_of(provider)).cents
        if moved != held:
            yield Wrong("the float is the receipts", f"{provider} holds {held}, moved {moved}")
