"""What Kannel calls back with, as configured with us: everything in the query.

Messages: ``get-url = ".../sms?id=%I&from=%p&to=%P&text=%a"`` of its sms-service. Delivery
reports: the address that went along with the message. Nothing is signed: the secret in the
address is what it knows, so it should stand in a network of its own.
"""

from collections.abc import Mapping

from channels.form import ID_MAX, fields, phone, storable, word, words
from channels.kannel.sms import PROVIDER
from channels.sms import SMS_TEXT_MAX, SmsCall
from core.ports.messages import Delivery, DeliveryReport, SmsIn
from core.ports.providers import BadCallback, Callback
from core.settings import Settings

DELIVERIES = {
    "1": Delivery.DELIVERED,
    "2": Delivery.FAILED,
    "4": Delivery.BUFFERED,
    "8": Delivery.SUBMITTED,
    "16": Delivery.FAILED,
}


def accept_sms(_settings: Settings, call: SmsCall) -> Callback:
    """Take a message from a person; raises BadCallback."""
    form = storable(fields(call.query))
    message = read_sms(form)
    return Callback(PROVIDER, "sms", message.id, form, once=True, person=message.sender)


def accept_report(_settings: Settings, call: SmsCall) -> Callback:
    """Take what became of a message; raises BadCallback."""
    form = storable(fields(call.query))
    return Callback(PROVIDER, "delivery_report", read_report(form).message_id, form)


def read_sms(form: Mapping[str, object]) -> SmsIn:
    """Read ``id from to text``; raises BadCallback."""
    found = words(form)
    text = found.get("text", "")
    if len(text) > SMS_TEXT_MAX:
        raise BadCallback(field="text")
    return SmsIn(
        PROVIDER,
        word(found, "id", max_length=ID_MAX),
        phone(found, "from"),
        word(found, "to"),
        text,
    )


def read_report(form: Mapping[str, object]) -> DeliveryReport:
    """Read ``id status``; raises BadCallback."""
    found = words(form)
    status = word(found, "status")
    return DeliveryReport(
        PROVIDER,
        word(found, "id", max_length=ID_MAX),
        DELIVERIES.get(status, Delivery.UNCONFIRMED),
        status,
    )
