"""What must be true of a simulated year: the invariants, and what the providers know better.

The providers' books say what truly moved. A receipt of ours that they do not have was invented; a
movement that we do not have is a case by the end, when a statement has shown it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, text

from channels.simulator.state import PromptState, SmsDirection, World
from core.cases.model import Case, CaseKind
from core.db.tx import Tx
from core.documents.lifecycle import InvoiceState
from core.documents.model import Document, TaxInvoice
from core.escrow import accounts, ledger
from core.invariants.run import LATE_SECONDS, run_all
from core.outbox import Notice, Sending
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Direction, Kind, Receipt
from core.payouts.halts import halts

# A callback may come three days late; what was named later is looked at again.
LOOK_BACK = timedelta(days=5)
SAID_LATELY = timedelta(days=2)
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
        recent = select(Receipt).where(Receipt.at > tx.now - LOOK_BACK)
        return [
            *found,
            *self._invented(list(tx.db.scalars(recent))),
            *self._said_twice(tx),
            *_left_lying(tx),
            *_floats(tx),
        ]

    def final(self, tx: Tx) -> list[Wrong]:
        """Return what is broken when everything has come to rest and every statement was read."""
        return [
            *self.daily(tx),
            *self._invented(list(tx.db.scalars(select(Receipt)))),
            *self._unknown(tx),
            *self._outcomes(tx),
            *self._registered(tx),
            *_paid_twice(tx),
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

    def _invented(self, ours: list[Receipt]) -> Iterator[Wrong]:
        """Yield receipts of ours that no provider has, or has with another amount."""
        for receipt in ours:
            theirs = self._theirs(receipt)
            if theirs != receipt.amount_cents:
                about = f"{receipt.provider} {receipt.direction} {receipt.number}"
                yield Wrong(
                    "receipts are true", f"{about} is {receipt.amount_cents}, they have {theirs}"
                )

    def _theirs(self, receipt: Receipt) -> int | None:
        """Return how many cents a provider moved under a receipt of ours."""
        books = self._world.books
        number, attempt_id = receipt.number, str(receipt.attempt_id)
        if number.startswith("charge:"):
            return receipt.amount_cents  # Told with the payment or by a statement.
        if receipt.provider == "flutterwave":
            if receipt.direction is Direction.OUT:
                sent = books.transfers.get(attempt_id)
                return sent.amount_cents if sent and sent.status == "SUCCESSFUL" else None
            charge = books.charges.get(attempt_id)
            return charge.amount_cents if charge and charge.state is PromptState.PAID else None
        if number.startswith("attempt:"):
            return self._nameless(receipt)
        moved = books.transactions.get(number)
        if moved is None or (moved.kind == "b2c") is not (receipt.direction is Direction.OUT):
            return None
        return moved.amount_cents

    def _nameless(self, receipt: Receipt) -> int | None:
        """Return what was paid by the attempt of a receipt whose number we do not know."""
        attempt_id = str(receipt.attempt_id)
        if receipt.direction is Direction.OUT:
            payout = self._world.books.payouts.get(attempt_id)
            return payout.amount_cents if payout and payout.receipt else None
        for prompt in reversed(self._world.books.prompts.values()):
            if prompt.callback_url.endswith(attempt_id):
                return prompt.amount_cents if prompt.receipt else None
        return None

    def _unknown(self, tx: Tx) -> Iterator[Wrong]:
        """Yield movements that we neither know nor have a case for."""
        known = set(tx.db.scalars(select(Receipt.number).where(Receipt.provider == "daraja")))
        cases = set(
            tx.db.scalars(
                select(Case.facts["number"].astext).where(Case.kind == CaseKind.DIFFERENCE)
            )
        )
        for number, moved in self._world.books.transactions.items():
            if number not in known | cases | self.left_out:
                yield Wrong(
                    "no money is lost", f"{moved.kind} {number} of {moved.amount_cents} is unknown"
                )

    def _outcomes(self, tx: Tx) -> Iterator[Wrong]:
        """Yield payments out whose outcome we have wrong: the next try would pay twice."""
        attempts = tx.db.scalars(select(Attempt).where(Attempt.kind != Kind.COLLECTION))
        for attempt in attempts:
            moved = self._moved(attempt)
            if moved is not (attempt.state is AttemptState.SUCCEEDED):
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

    def _moved(self, attempt: Attempt) -> bool:
        books = self._world.books
        if attempt.provider == "flutterwave":
            sent = books.transfers.get(str(attempt.id))
            return sent is not None and sent.status == "SUCCESSFUL"
        payout = books.payouts.get(str(attempt.id))
        return payout is not None and payout.receipt is not None


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
