"""Callbacks in the providers' own wire formats, stored the way the web stores them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode
from uuid import UUID

from channels.kannel.messages import accept_sms
from channels.sms import SmsCall
from core import inbox
from core.db.tx import Database
from core.inbox import Inbound
from core.ports.providers import Callback
from core.settings import Settings

RECEIPT = "SFF6XYQ1AB"
BY_HAND = "SFF6BYHAND"
SETTINGS = Settings(env="test")


def stk(
    attempt_id: UUID,
    amount: int = 66_700,
    phone: int = 254700000001,
    receipt: str = RECEIPT,
) -> Callback:
    """A prompt that was paid."""
    items = [
        {"Name": "Amount", "Value": f"{amount}.00"},
        {"Name": "MpesaReceiptNumber", "Value": receipt},
        {"Name": "PhoneNumber", "Value": phone},
    ]
    return _stk(attempt_id, 0, {"CallbackMetadata": {"Item": items}})


def stk_failed(attempt_id: UUID, code: int = 1032) -> Callback:
    """A prompt that was not paid; 1032 is a cancellation."""
    return _stk(attempt_id, code, {})


def _stk(attempt_id: UUID, code: int, more: Mapping[str, Any]) -> Callback:
    told = {"CheckoutRequestID": f"ws_CO_{attempt_id}", "ResultCode": code, "ResultDesc": "said"}
    return _daraja("stk", attempt_id, {"Body": {"stkCallback": {**told, **more}}})


def b2c(
    attempt_id: UUID, amount: int, phone: str = "254700000011", receipt: str = "UAF5T4R3E2"
) -> Callback:
    """A payment that reached its wallet."""
    items = [
        {"Key": "TransactionAmount", "Value": amount},
        {"Key": "TransactionReceipt", "Value": receipt},
        {"Key": "ReceiverPartyPublicName", "Value": f"{phone} - JANE VENDOR"},
    ]
    return _b2c(attempt_id, 0, {"ResultParameters": {"ResultParameter": items}})


def b2c_failed(attempt_id: UUID, code: int = 2040) -> Callback:
    """A payment that was refused; 2040 is a wallet that does not exist."""
    return _b2c(attempt_id, code, {})


def _b2c(attempt_id: UUID, code: int, more: Mapping[str, Any]) -> Callback:
    told = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": "said",
        "OriginatorConversationID": str(attempt_id),
        "ConversationID": f"AG_{attempt_id}",
        "TransactionID": "UAF0000000",
    }
    return _daraja("b2c_result", attempt_id, {"Result": {**told, **more}})


def b2c_timeout(attempt_id: UUID) -> Callback:
    """A payment that expired in the provider's queue: an echo of our request."""
    return _daraja("b2c_timeout", attempt_id, {"OriginatorConversationID": str(attempt_id)})


def status(attempt_id: UUID, state: str, amount: int, receipt: str = "UAF5T4R3E2") -> Callback:
    """The answer to a question about a payment."""
    items = [
        {"Key": "TransactionStatus", "Value": state},
        {"Key": "OriginatorConversationID", "Value": str(attempt_id)},
        {"Key": "Amount", "Value": f"{amount}.00"},
        {"Key": "ReceiptNo", "Value": receipt},
        {"Key": "CreditPartyName", "Value": "254700000011 - JANE VENDOR"},
    ]
    told = {"ResultCode": "0", "ResultParameters": {"ResultParameter": items}}
    return _daraja("status_result", attempt_id, {"Result": told})


def paybill(account: str, amount: int, receipt: str = BY_HAND) -> Callback:
    """Somebody paid by hand. The number is masked, as it is today."""
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransAmount": f"{amount}.00",
        "BusinessShortCode": "600123",
        "BillRefNumber": account,
        "MSISDN": "2547 ***** 001",
    }
    return Callback("daraja", "c2b_confirmation", receipt, {"attempt_id": None, "body": body})


def _daraja(kind: str, attempt_id: UUID, body: Mapping[str, Any]) -> Callback:
    payload = {"attempt_id": str(attempt_id), "body": body}
    return Callback("daraja", kind, str(attempt_id), payload)


def sms(text: str, sender: str = "+254700000011", id: str = "in-1") -> Callback:  # noqa: A002
    """A message from a person."""
    form = {"id": id, "from": sender, "to": "20384", "text": text, "date": "2026-11-20 06:00:00"}
    return Callback("africastalking", "sms", id, form)


def sms_part(
    text: str,
    number: int,
    total: int,
    reference: int = 0xCC,
    id: str = "",  # noqa: A002
    sender: str = "+254700000011",
) -> Callback:
    """A part of a long message, as Kannel hands it over."""
    name = id or f"{sender} {reference} {number}"
    form = urlencode({"id": name, "from": sender, "to": "20384", "text": text})
    header = quote_plus(bytes([5, 0, 3, reference, total, number]))
    call = SmsCall("https://nafasi.test", f"{form}&udh={header}".encode(), {}, b"")
    return accept_sms(SETTINGS, call)


def long_sms(*texts: str, reference: int = 0xCC, sender: str = "+254700000011") -> list[Callback]:
    """All parts of a long message in their order."""
    return [
        sms_part(text, number, len(texts), reference, sender=sender)
        for number, text in enumerate(texts, 1)
    ]


def delivery(message_id: str, word: str) -> Callback:
    """What became of a message."""
    form = {"id": message_id, "status": word, "phoneNumber": "+254700000001"}
    return Callback("africastalking", "delivery_report", message_id, form)


def opted_out(msisdn: str) -> Callback:
    """A person wants no more offers."""
    return Callback(
        "africastalking", "opt_out", msisdn, {"senderId": "NAFASI", "phoneNumber": msisdn}
    )


def session_end(session_id: str = "ATUid_1") -> Callback:
    """A conversation is over."""
    form = {
        "sessionId": session_id,
        "phoneNumber": "+254700000001",
        "status": "Success",
        "hopsCount": "5",
        "cost": "KES 0.20",
        "durationInMillis": "9000",
    }
    return Callback("africastalking", "ussd_event", session_id, form)


def arrive(database: Database, *callbacks: Callback) -> None:
    """Store callbacks, each in its own transaction."""
    for callback in callbacks:
        with database.transaction() as tx:
            inbox.store(tx, callback)


def arrivals(database: Database) -> list[Inbound]:
    """Every stored callback, in the order of arrival."""
    with database.transaction() as tx:
        return tx.db.query(Inbound).order_by(Inbound.received_at, Inbound.id).all()


def replace_id(callback: Callback, name: str) -> Callback:
    body = {**callback.payload, "id": name}
    return Callback(
        callback.provider,
        callback.kind,
        name,
        body,
        once=True,
        person=callback.person,
        part_of=callback.part_of,
    )
