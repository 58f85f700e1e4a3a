"""Text messages of Africa's Talking that come to us: messages, delivery reports, opt-outs.

All are form POSTs that are repeated until a 200, so each may come twice and out of order.
"""

from channels.africastalking.form import PROVIDER
from channels.form import ID_MAX, fields, optional_word, phone, word
from channels.sms import SMS_TEXT_MAX
from core.ports.messages import Delivery, DeliveryReport, OptedOut, SmsIn
from core.ports.providers import BadCallback

# The words of the delivery-report documentation, and two that occur in live traffic
# (provider-facts §1.6). A word that is not here is UNCONFIRMED and kept as it came.
DELIVERIES = {
    "Sent": Delivery.ACCEPTED,
    "Submitted": Delivery.SUBMITTED,
    "Buffered": Delivery.BUFFERED,
    "Success": Delivery.DELIVERED,
    "Failed": Delivery.FAILED,
    "Rejected": Delivery.FAILED,
    "Expired": Delivery.FAILED,
    "AbsentSubscriber": Delivery.FAILED,
}


def parse_sms(body: bytes) -> SmsIn:
    """Read a message from a person: ``id date from to text linkId networkCode``.

    The sender may be written locally (07...) or internationally. An empty text is a message too.

    Raises:
        BadCallback: id, sender or receiver is missing or rubbish, or the text is endless.
    """
    found = fields(body)
    text = found.get("text", "")
    if len(text) > SMS_TEXT_MAX:
        raise BadCallback(field="text")
    return SmsIn(
        provider=PROVIDER,
        id=word(found, "id", max_length=ID_MAX),
        sender=phone(found, "from"),
        to=word(found, "to"),
        # PostgreSQL stores no NUL, and nobody types one.
        text=text.replace("\x00", ""),
    )


def parse_delivery_report(body: bytes) -> DeliveryReport:
    """Read what became of a message: ``id status phoneNumber networkCode failureReason``.

    Raises:
        BadCallback: id or status is missing or rubbish.
    """
    found = fields(body)
    status = word(found, "status")
    return DeliveryReport(
        provider=PROVIDER,
        message_id=word(found, "id", max_length=ID_MAX),
        delivery=DELIVERIES.get(status, Delivery.UNCONFIRMED),
        status=status,
        reason=optional_word(found, "failureReason") or None,
    )


def parse_opt_out(body: bytes) -> OptedOut:
    """Read that a person wants no more bulk messages: ``senderId phoneNumber``.

    Raises:
        BadCallback: the number is missing or rubbish.
    """
    return OptedOut(PROVIDER, phone(fields(body), "phoneNumber"))
