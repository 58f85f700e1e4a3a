"""A person writes to us: the message comes over the route of their phone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from channels.simulator import kannel, twilio
from channels.simulator.faults import Service
from channels.simulator.journal import Callback
from channels.simulator.phones import NETWORKS, Phone
from channels.simulator.sms import CALLBACK_TRIES_MAX, keep
from channels.simulator.state import Sms, SmsDirection, World

SMS_TEXT_CHARS_MAX = 2_000


def africastalking_message(world: World, sms: Sms) -> Callback:
    """A form POST. Both forms of the date are seen, and the network is not always told."""
    date_form = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S")[world.jitter("inbound date")]
    body: dict[str, object] = {
        "id": sms.id,
        "date": sms.at.strftime(date_form),
        "from": sms.phone,
        "to": sms.party,
        "text": sms.text,
        "linkId": world.references.hex(16),
    }
    if world.jitter("inbound network", 3) < 2:
        body["networkCode"] = NETWORKS[world.books.phones.get(sms.phone).network]
    url = world.config.africastalking_url("sms")
    return Callback("inbound", url, body, "form", CALLBACK_TRIES_MAX)


ROUTES: Mapping[str, Callable[[World, Sms], Callback]] = {
    "africastalking": africastalking_message,
    "twilio": twilio.message_of,
    "kannel": kannel.message_of,
}


@dataclass(frozen=True, slots=True)
class InParts:
    """That the network does not join a long message.

    Attributes:
        order: the numbers of its parts as they are handed over, perhaps one twice and one never.
        reference: what the phone calls the message; above 255 it takes two octets. None for the
            phone's next.
    """

    order: Sequence[int]
    reference: int | None = None


def send_from_phone(
    world: World, number: str, text: str, to: str | None = None, parts: InParts | None = None
) -> Sms:
    """A person writes to our short code. The callback is sent in the background.

    Raises ValueError for a text that no phone would send, for parts that it does not have, or that
    are joined on their way.
    """
    if len(text) > SMS_TEXT_CHARS_MAX:
        raise ValueError(f"an SMS has at most {SMS_TEXT_CHARS_MAX} characters")
    phone = world.books.phones.get(number)
    sms = Sms(
        id=world.references.message(),
        direction=SmsDirection.FROM_PHONE,
        phone=number,
        party=to or world.config.sms_shortcode,
        text=text,
        at=world.now(),
        status="sending",
        counts=_counts(world, text),
    )
    if parts is None:
        callbacks = [ROUTES[phone.sms_route](world, sms)]
    elif phone.sms_route != "kannel":
        raise ValueError(f"{phone.sms_route} joins the parts of a message")
    else:
        callbacks = kannel.parts_of(world, sms, parts.order, _reference(phone, parts))
    keep(world, sms)
    fault = world.faults.take(Service.INBOUND, {number})

    async def work() -> None:
        delivered = [await world.callbacks.send(callback, fault) for callback in callbacks]
        sms.status = "delivered" if all(delivered) else "undelivered"

    world.tasks.start(work())
    return sms


def _reference(phone: Phone, parts: InParts) -> int:
    if parts.reference is not None:
        return parts.reference
    phone.long_messages += 1
    return phone.long_messages % (kannel.OCTET_MAX + 1)


def _counts(world: World, text: str) -> dict[str, int]:
    """What a text takes. Phones also send what is not GSM-7, in less than half the room."""
    try:
        return world.measure(text)
    except ValueError:
        return {"septets": len(text), "segments": len(kannel.cut(text))}
