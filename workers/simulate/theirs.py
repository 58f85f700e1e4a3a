"""What the providers' books say of a receipt or an attempt of ours."""

from collections.abc import Mapping

from channels.simulator.state import ChargeRefund, Outgoing, Payout, PromptState, World
from core.documents.remittances import BANK
from core.payments.model import Attempt, Direction, Method, Receipt
from core.payments.receipts import CAME_BACK, TAKEN_BACK
from core.payments.settle import REVERSAL

FLUTTERWAVE = "flutterwave"
# What a movement on an M-Pesa account is, by what we say of it.
NAMED = {CAME_BACK: {"reversal"}, TAKEN_BACK: {"taken_back"}}
USUAL = {Direction.IN: {"stk", "c2b"}, Direction.OUT: {"b2c"}}


class Theirs:
    """Looks up what truly moved.

    Args:
        world: the providers.
    """

    def __init__(self, world: World) -> None:
        self._books = world.books

    def cents(self, receipt: Receipt, takes_back: str | None) -> int | None:
        """Return how many cents a provider moved under a receipt of ours.

        Args:
            receipt: the receipt.
            takes_back: the payment that its attempt takes back, if it does.
        """
        number, attempt_id = receipt.number, str(receipt.attempt_id)
        if number.startswith("charge:") or receipt.provider == BANK:
            return receipt.amount_cents  # Told with the payment or by a statement, or by us.
        if number.startswith(REVERSAL):
            returned = self._returned(number.removeprefix(REVERSAL))
            return returned.amount_cents if returned else None
        if receipt.provider == FLUTTERWAVE:
            return self._at_flutterwave(receipt)
        if number.startswith("attempt:"):
            return self._nameless(receipt.direction, attempt_id, takes_back)
        moved = self._books.transactions.get(number)
        kinds = NAMED.get(receipt.account or "", USUAL[receipt.direction])
        if moved is None or moved.kind not in kinds:
            return None
        return moved.amount_cents

    def moved(self, attempt: Attempt) -> bool:
        """Tell whether the money of a payment out went and stayed where it was sent."""
        attempt_id = str(attempt.id)
        if attempt.method is Method.CARD:
            return self._refund(attempt_id) is not None
        if attempt.takes_back is not None:
            paid = self._books.transactions.get(attempt.takes_back)
            return paid is not None and paid.taken_back
        if attempt.provider == FLUTTERWAVE:
            sent = self._books.transfers.get(attempt_id)
            return sent is not None and sent.status == "SUCCESSFUL"
        payout = self._books.payouts.get(attempt_id)
        return payout is not None and payout.status == "Completed"

    def return_of(self, attempt: Attempt) -> str | None:
        """Return under what number a payout came back, None when it did not."""
        sent = self._books.transfers.get(str(attempt.id))
        if sent is not None:
            return f"{REVERSAL}{attempt.id}" if sent.status == "REVERSED" else None
        payout = self._books.payouts.get(str(attempt.id))
        if payout is None or payout.status != "Reversed":
            return None
        return next(
            moved.receipt
            for moved in reversed(self._books.transactions.values())
            if moved.kind == "reversal" and moved.reference == payout.receipt
        )

    def charges(self) -> Mapping[str, str]:
        """Return what customers paid to Flutterwave: the attempt's id to the provider's number."""
        paid = (c for c in self._books.charges.values() if c.state is PromptState.PAID)
        return {charge.tx_ref: charge.flw_ref for charge in paid}

    def _at_flutterwave(self, receipt: Receipt) -> int | None:
        attempt_id = str(receipt.attempt_id)
        if receipt.direction is Direction.IN:
            charge = self._books.charges.get(attempt_id)
            return charge.amount_cents if charge and charge.state is PromptState.PAID else None
        if (refund := self._refund(attempt_id)) is not None:
            return refund.amount_cents if refund.flw_ref == receipt.number else None
        sent = self._books.transfers.get(attempt_id)
        arrived = sent is not None and sent.status in {"SUCCESSFUL", "REVERSED"}
        return sent.amount_cents if sent is not None and arrived else None

    def _refund(self, attempt_id: str) -> ChargeRefund | None:
        """Return the refund of a charge that an attempt has brought about, by our words on it."""
        made = (r for r in self._books.refunds.values() if r.comments == attempt_id)
        return next((refund for refund in made if refund.status == "completed"), None)

    def _returned(self, attempt_id: str) -> Payout | Outgoing | None:
        """Return what was sent by an attempt and came back."""
        payout = self._books.payouts.get(attempt_id)
        if payout is not None:
            return payout if payout.status == "Reversed" else None
        sent = self._books.transfers.get(attempt_id)
        return sent if sent is not None and sent.status == "REVERSED" else None

    def _nameless(
        self, direction: Direction, attempt_id: str, takes_back: str | None
    ) -> int | None:
        """Return what was moved by the attempt of a receipt whose number we do not know."""
        if takes_back is not None:
            paid = self._books.transactions.get(takes_back)
            return paid.amount_cents if paid and paid.taken_back else None
        if direction is Direction.OUT:
            payout = self._books.payouts.get(attempt_id)
            return payout.amount_cents if payout and payout.receipt else None
        for prompt in reversed(self._books.prompts.values()):
            if prompt.callback_url.endswith(attempt_id):
                return prompt.amount_cents if prompt.receipt else None
        return None
