"""Kannel, the sms box: messages out by a query, delivery reports and people's messages likewise.

`GET /cgi-bin/sendsms` answers 202 with `0: Accepted for delivery`. A report goes to the address
that came along as `dlr-url`, with `%d` replaced by what happened: 1 delivered, 2 failed, 4
buffered, 8 taken by the carrier, 16 refused by it, as far as `dlr-mask` asks for it (Kannel user
guide, "Using sendsms" and "Delivery reports"). Parts of a long message are joined before it comes,
unless somebody says in which order they are to come: then each is a call of its own, whose `udh`
says which part it is, octet by octet (`%u`; 3GPP TS 23.040 §9.2.3.24.1 and .8).
"""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.simulator.faults import (
    Dialect,
    Fault,
    FaultKind,
    Service,
    answer_after,
    answer_before,
)
from channels.simulator.journal import Callback
from channels.simulator.phones import is_e164
from channels.simulator.sms import keep
from channels.simulator.state import Sms, SmsDirection, World

DELIVERED, FAILED, TAKEN = 1, 2, 8
# Of the 160 or 70 of a single message, with room for the header.
PLAIN_LETTERS, OTHER_LETTERS = 153, 67
OCTET_MAX = 255
REFERENCE_MAX = 65_535


def plain(status: int, text: str) -> Response:
    """A line of text."""
    return Response(text, status_code=status, media_type="text/html")


DIALECT = Dialect(
    failed=lambda: plain(500, "Internal error"),
    unauthorised=lambda: plain(403, "Authorization failed for sendsms"),
    busy=lambda: plain(503, "Temporal failure, try again later."),
)


def routes(world: World) -> list[Route]:
    """The one endpoint."""

    async def sendsms(request: Request) -> Response:
        query = dict(request.query_params)
        shown = f"{request.url.path}?to={query.get('to', '')}"
        entry = world.journal.request(Service.KANNEL, "GET", shown, b"")
        fault = world.faults.take(Service.KANNEL, {query.get("to", "")})
        answer = await answer_before(fault, DIALECT)
        if answer is None:
            answer = await answer_after(fault, _send(world, query, fault))
        entry.status, entry.answer = answer.status_code, bytes(answer.body).decode()
        return answer

    return [Route("/cgi-bin/sendsms", sendsms, methods=["GET"])]


def message_of(world: World, sms: Sms) -> Callback:
    """The call that brings a person's message to us, as its sms-service is configured."""
    return _call(world, sms, sms.id, sms.text, b"")


def parts_of(world: World, sms: Sms, order: Sequence[int], reference: int) -> list[Callback]:
    """The calls that bring the parts of a long message, in an order, some again and some never.

    Raises:
        ValueError: there is no such part.
    """
    texts = cut(sms.text)
    wrong = [number for number in order if not 1 <= number <= len(texts)]
    if wrong:
        raise ValueError(f"the message has {len(texts)} parts and none numbered {wrong[0]}")
    if reference <= OCTET_MAX:
        start = bytes([5, 0x00, 3, reference])
    else:
        start = bytes([6, 0x08, 4, *reference.to_bytes(2)])
    # Each hand-over has a name of its own, as each that the network brings has.
    return [
        _call(world, sms, f"{sms.id}-{turn}", texts[at - 1], start + bytes([len(texts), at]))
        for turn, at in enumerate(order, 1)
    ]


def cut(text: str) -> list[str]:
    """The parts in which a phone sends a text: 153 letters each, or 67 beyond plain ones."""
    letters = PLAIN_LETTERS if text.isascii() else OTHER_LETTERS
    return [text[at : at + letters] for at in range(0, len(text), letters)]


def _call(world: World, sms: Sms, name: str, text: str, header: bytes) -> Callback:
    query: dict[str, object] = {"id": name, "from": sms.phone, "to": sms.party}
    query |= {"text": text, "udh": header}
    return Callback("inbound", world.config.sms_url("kannel", "sms"), query, "query")


def _send(world: World, query: dict[str, str], fault: Fault | None) -> Response:
    config = world.config
    known = (config.kannel_username, config.kannel_password)
    if (query.get("username"), query.get("password")) != known:
        return DIALECT.unauthorised()
    number, text = query.get("to", ""), query.get("text", "")
    if not is_e164(number):
        return plain(400, "Missing receiver number, rejected")
    sms = Sms(
        id=f"kannel-{world.references.hex(16)}",
        direction=SmsDirection.TO_PHONE,
        phone=number,
        party=query.get("from", ""),
        text=text,
        at=world.now(),
        status="accepted",
        counts=world.measure(text),
    )
    keep(world, sms)
    if query.get("dlr-url"):
        mask = int(query.get("dlr-mask", "0"))
        world.tasks.start(_report(world, sms, query["dlr-url"], mask, fault))
    return plain(202, "0: Accepted for delivery")


async def _report(world: World, sms: Sms, url: str, mask: int, fault: Fault | None) -> None:
    last = DELIVERED if world.books.phones.get(sms.phone).reachable else FAILED
    if fault is not None and fault.kind is FaultKind.REPORT and fault.code:
        last = int(fault.code)
    for result in (TAKEN, last):
        await asyncio.sleep(world.waits.report_seconds)
        sms.status = str(result)
        # What it has no bit for is told all the same: the box passes on what the carrier says.
        if result & mask or result > mask:
            called = Callback("sms", url.replace("%d", str(result)), {}, "query")
            await world.callbacks.send(called, fault)
