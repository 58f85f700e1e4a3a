"""What Twilio calls back with: messages and delivery reports, as signed forms.

``X-Twilio-Signature`` is the base64 of an HMAC-SHA1, under the account's token, of the address
that was called with all fields of the form behind it, sorted by name, each name followed by its
value (twilio.com/docs/usage/security). The address is the one that we gave: our public URL.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from channels.form import ID_MAX, fields, optional_word, phone, storable, word, words
from channels.money import Forged
from channels.sms import SMS_TEXT_MAX, SmsCall
from channels.twilio.sms import PROVIDER
from core.ports.messages import Delivery, DeliveryReport, SmsIn
from core.ports.providers import BadCallback, Callback
from core.settings import Settings

SIGNATURE = "x-twilio-signature"
DELIVERIES = {
    "accepted": Delivery.ACCEPTED,
    "scheduled": Delivery.ACCEPTED,
    "queued": Delivery.ACCEPTED,
    "sending": Delivery.ACCEPTED,
    "sent": Delivery.SUBMITTED,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Return the signature that a callback of this form to this address carries."""
    said = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def accept_sms(settings: Settings, call: SmsCall) -> Callback:
    """Take a message from a person; raises Forged, BadCallback."""
    form = _signed(settings, call)
    message = read_sms(form)
    return Callback(PROVIDER, "sms", message.id, form, once=True, person=message.sender)


def accept_report(settings: Settings, call: SmsCall) -> Callback:
    """Take what became of a message; raises Forged, BadCallback."""
    form = _signed(settings, call)
    return Callback(PROVIDER, "delivery_report", read_report(form).message_id, form)


def read_sms(form: Mapping[str, object]) -> SmsIn:
    """Read ``MessageSid From To Body``; raises BadCallback."""
    found = words(form)
    text = found.get("Body", "")
    if len(text) > SMS_TEXT_MAX:
        raise BadCallback(field="Body")
    return SmsIn(
        PROVIDER,
        word(found, "MessageSid", max_length=ID_MAX),
        phone(found, "From"),
        word(found, "To"),
        text,
    )


def read_report(form: Mapping[str, object]) -> DeliveryReport:
    """Read ``MessageSid MessageStatus ErrorCode``; raises BadCallback."""
    found = words(form)
    status = word(found, "MessageStatus")
    return DeliveryReport(
        PROVIDER,
        word(found, "MessageSid", max_length=ID_MAX),
        DELIVERIES.get(status.lower(), Delivery.UNCONFIRMED),
        status,
        optional_word(found, "ErrorCode") or None,
    )


def _signed(settings: Settings, call: SmsCall) -> dict[str, str]:
    form = fields(call.body)
    token = settings.twilio_auth_token.get_secret_value()
    given = call.headers.get(SIGNATURE, "")
    if not token or not hmac.compare_digest(given.encode(), sign(token, call.url, form).encode()):
        raise Forged
    return storable(form)
