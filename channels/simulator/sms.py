"""The phone side of SMS: threads per phone, messages sent to us, delivery reports, opt-outs.

All callbacks are form POSTs. An SMS callback that is not answered with 200
is sent again, `CALLBACK_TRIES_MAX` times in all; that is what makes duplicates.
"""

import asyncio

from channels.simulator.faults import Fault, FaultKind, is_fault
from channels.simulator.journal import Callback
from channels.simulator.phones import NETWORKS
from channels.simulator.state import SMS_MAX, Sms, World, remember

CALLBACK_TRIES_MAX = 5


def keep(world: World, sms: Sms) -> None:
    """Put the message into its phone's thread."""
    remember(world.books.sms, sms.id, sms, SMS_MAX)


def thread(world: World, number: str | None, limit: int) -> list[dict[str, object]]:
    """The newest messages of one phone, or of all, newest last."""
    kept = [sms for sms in world.books.sms.values() if number in (None, sms.phone)]
    return [sms.as_json() for sms in kept[-limit:]]


async def report(world: World, sms: Sms, fault: Fault | None) -> None:
    """Send the delivery reports of one message: `Sent`, then how it ended."""
    phone = world.books.phones.get(sms.phone)
    final = "Success" if phone.reachable else "Failed"
    if fault is not None and fault.kind is FaultKind.REPORT and fault.code:
        final = fault.code
    statuses = ["Sent", final]
    if is_fault(fault, FaultKind.CALLBACK_REORDERED):
        statuses.reverse()
        fault = None
    for status in statuses:
        await asyncio.sleep(world.waits.report_seconds)
        if status == final:
            sms.status = final
        body: dict[str, object] = {
            "id": sms.id,
            "status": status,
            "phoneNumber": sms.phone,
            "networkCode": NETWORKS[phone.network],
        }
        if status in ("Failed", "Rejected"):
            body["failureReason"] = "DeliveryFailure"
        url = world.config.africastalking_url("delivery-reports")
        await world.callbacks.send(Callback("sms", url, body, "form", CALLBACK_TRIES_MAX), fault)


def opt_out(world: World, number: str) -> None:
    """The person refuses our bulk messages; from now on sends to it are 406."""
    world.books.phones.get(number).opted_out = True
    body = {"senderId": world.config.sender_id, "phoneNumber": number}
    url = world.config.africastalking_url("opt-outs")
    world.callbacks.send_later(
        Callback("inbound", url, body, "form", CALLBACK_TRIES_MAX),
        None,
        world.waits.callback_seconds,
    )
