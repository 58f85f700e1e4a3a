"""A person writes to us: the message comes over the route of their phone."""

from collections.abc import Callable, Mapping

from channels.simulator import kannel, twilio
from channels.simulator.faults import Service
from channels.simulator.journal import Callback
from channels.simulator.phones import NETWORKS
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


def send_from_phone(world: World, number: str, text: str, to: str | None = None) -> Sms:
    """A person writes to our short code. The callback is sent in the background.

    Raises ValueError for a text that no phone would send.
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
        counts=world.measure(text),
    )
    keep(world, sms)
    callback = ROUTES[phone.sms_route](world, sms)
    fault = world.faults.take(Service.INBOUND, {number})

    async def work() -> None:
        delivered = await world.callbacks.send(callback, fault)
        sms.status = "delivered" if delivered else "undelivered"

    world.tasks.start(work())
    return sms
