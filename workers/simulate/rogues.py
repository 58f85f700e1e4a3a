"""Forged callbacks: whoever sends them knows our secret, our addresses and much of the rest."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.payments.model import Direction, Receipt
from workers.simulate.loop import Heard
from workers.simulate.points import Step
from workers.simulate.scene import Scene

HOUR = 3600
FORGED_A_DAY_MAX = 3
FORGED_PROMPTS_SHARE = 0.03
JSON = {"content-type": "application/json"}


class Rogues:
    """They claim payments that never were, or were somebody else's.

    Args:
        scene: where they live.
        secret: part of every callback's address.
        shortcode: the paybill.
    """

    def __init__(self, scene: Scene, secret: str, shortcode: str) -> None:
        self._scene = scene
        self._base = f"/hooks/daraja/{secret}"
        self._shortcode = shortcode
        scene.network.listeners.append(self._prompted)

    def plan_day(self) -> None:
        """Plan today's forgeries."""
        chance = self._scene.chance
        for _ in range(chance.randint(0, FORGED_A_DAY_MAX)):
            forge = chance.choice((self._nobody, self._wrong_secret, self._receipt_again))
            self._scene.agenda.after(chance.uniform(0, 24 * HOUR), forge)

    def _prompted(self, step: Step, body: bytes, heard: Heard) -> None:
        """A prompt is out: before its owner answers, somebody else does."""
        scene = self._scene
        if step is not Step.PUSH or heard.status != 200 or not scene.maybe(FORGED_PROMPTS_SHARE):
            return
        try:
            asked, said = json.loads(body), json.loads(heard.body)
        except ValueError:
            return
        if "CheckoutRequestID" not in said:
            return
        attempt_id = asked["CallBackURL"].rpartition("/")[2]
        forge = scene.chance.choice((self._less, self._used_receipt, self._failure))
        scene.agenda.after(
            scene.chance.uniform(0.5, 2.5),
            lambda: forge(attempt_id, asked, said["CheckoutRequestID"]),
        )

    def _less(self, attempt_id: str, asked: Mapping[str, Any], checkout: str) -> None:
        """Paid, but a shilling of it."""
        self._claim(attempt_id, checkout, 1, asked["PhoneNumber"], "FORGED0001")

    def _used_receipt(self, attempt_id: str, asked: Mapping[str, Any], checkout: str) -> None:
        """Paid, with a receipt that has paid for something else."""
        known = self._known_receipt()
        if known is not None:
            self._claim(attempt_id, checkout, asked["Amount"], asked["PhoneNumber"], known.number)

    def _failure(self, attempt_id: str, _asked: Mapping[str, Any], checkout: str) -> None:
        """Not paid, says somebody; what is true comes after it."""
        self._send(f"stk/{attempt_id}", _stk(checkout, 1032, None))

    def _nobody(self) -> None:
        """A payment for an attempt that there never was."""
        nobody = str(UUID(int=self._scene.chance.getrandbits(128)))
        self._claim(nobody, "ws_CO_0", 100, 254700000001, "FORGED0002")

    def _wrong_secret(self) -> None:
        """A payment by hand, told by somebody who had to guess."""
        body = self._confirmation("FORGED0003", "K7P4Q", 100)
        kept = self._scene.network.arrive("/hooks/daraja/guessed/c2b/confirmation", JSON, body)
        assert not kept, "who does not know the secret is turned away"

    def _receipt_again(self) -> None:
        """A receipt that was seen comes again, as another payment by hand."""
        known = self._known_receipt()
        if known is not None:
            amount = known.amount_cents // 100
            self._send("c2b/confirmation", self._confirmation(known.number, "AGAIN", amount))

    def _known_receipt(self) -> Receipt | None:
        """Return some receipt of money that came in."""
        query = (
            select(Receipt)
            .where(
                Receipt.provider == "daraja",
                Receipt.direction == Direction.IN,
                ~Receipt.number.startswith("attempt:"),
            )
            .order_by(Receipt.at.desc(), Receipt.id)
            .limit(1)
            .offset(self._scene.chance.randint(0, 20))
        )
        return self._scene.look(lambda tx: tx.db.scalar(query))

    def _claim(
        self, attempt_id: str, checkout: str, shillings: int, phone: int | str, number: str
    ) -> None:
        paid = {"Amount": shillings, "MpesaReceiptNumber": number, "PhoneNumber": int(phone)}
        self._send(f"stk/{attempt_id}", _stk(checkout, 0, paid))

    def _confirmation(self, number: str, account: str, shillings: int) -> bytes:
        return json.dumps(
            {
                "TransactionType": "Pay Bill",
                "TransID": number,
                "TransAmount": f"{shillings}.00",
                "BusinessShortCode": self._shortcode,
                "BillRefNumber": account,
                "MSISDN": "2547 ***** 099",
            }
        ).encode()

    def _send(self, where: str, body: bytes) -> None:
        self._scene.tally[f"forged: {where.partition('/')[0]}"] += 1
        self._scene.network.arrive(f"{self._base}/{where}", JSON, body)


def _stk(checkout: str, code: int, paid: Mapping[str, object] | None) -> bytes:
    told: dict[str, object] = {
        "MerchantRequestID": "0-0-1",
        "CheckoutRequestID": checkout,
        "ResultCode": code,
        "ResultDesc": "Forged",
    }
    if paid is not None:
        items = [{"Name": name, "Value": value} for name, value in paid.items()]
        told["CallbackMetadata"] = {"Item": items}
    return json.dumps({"Body": {"stkCallback": told}}).encode()
