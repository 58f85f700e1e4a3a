"""What Kannel calls back with, as configured with us: everything in the query.

Messages: ``get-url = ".../sms?id=%I&from=%p&to=%P&text=%b&udh=%u"`` of its sms-service. ``%u`` is
the user data header, its octets escaped one by one; it is empty but for a part of a long message
that Kannel did not join: because it was told not to (``sms-combine-concatenated-mo``), or because
not all parts came in its time-out, which is half an hour after the last one unless
``sms-combine-concatenated-mo-timeout`` says less. 60 is a good value: we join what is left, and
whoever lost a part is told so before they have given up on us. ``%b`` is the text as it came;
``%a`` would lose the blank at which two parts were cut. With ``mo-recode`` all of it is UTF-8.
``omit-empty`` must be on: our answer is empty, and Kannel would tell the person so (user guide,
"sms-service").

Delivery reports: the address that went along with the message. Nothing is signed: the secret in
the address is what it knows, so it should stand in a network of its own.
"""

from collections.abc import Mapping

import structlog

from channels.form import ID_MAX, apart, fields, phone, storable, word, words
from channels.kannel.sms import PROVIDER
from channels.sms import SMS_TEXT_MAX, SmsCall
from channels.udh import OCTETS_MAX, BadHeader, read_part
from core.limits import SMS_PART_LETTERS_MAX
from core.ports.messages import Delivery, DeliveryReport, SmsIn
from core.ports.providers import BadCallback, Callback
from core.settings import Settings

log = structlog.get_logger()

DELIVERIES = {
    "1": Delivery.DELIVERED,
    "2": Delivery.FAILED,
    "4": Delivery.BUFFERED,
    "8": Delivery.SUBMITTED,
    "16": Delivery.FAILED,
}


def accept_sms(_settings: Settings, call: SmsCall) -> Callback:
    """Take a message from a person; raises BadCallback."""
    header, query = apart(call.query, "udh")
    form = storable(fields(query))
    form |= _kept(header, form.get("text", ""))
    message = read_sms(form)
    return Callback(
        PROVIDER,
        "sms",
        message.id,
        form,
        once=True,
        person=message.sender,
        part_of=_long_message(message),
    )


def accept_report(_settings: Settings, call: SmsCall) -> Callback:
    """Take what became of a message; raises BadCallback."""
    form = storable(fields(call.query))
    return Callback(PROVIDER, "delivery_report", read_report(form).message_id, form)


def read_sms(form: Mapping[str, object]) -> SmsIn:
    """Read ``id from to text udh`` as kept; raises BadCallback."""
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
        read_part(bytes.fromhex(found.get("udh", ""))),
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


def _kept(header: bytes, text: str) -> dict[str, str]:
    """Return what is kept of a header: as digits, since a text may not hold all octets.

    A message whose header is rubbish is taken as a whole one: its words are worth more.
    """
    try:
        part = read_part(header)
    except BadHeader as bad:
        why = str(bad)
    else:
        if part is None:
            return {}
        why = "" if len(text) <= SMS_PART_LETTERS_MAX else "text"
    if not why:
        return {"udh": header.hex()}
    log.warning("sms.bad_header", provider=PROVIDER, why=why)
    return {"bad_udh": header[:OCTETS_MAX].hex()}


def _long_message(message: SmsIn) -> str:
    part = message.part
    return f"{PROVIDER} {message.to} {part.reference}/{part.total}" if part else ""
