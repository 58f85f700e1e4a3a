"""The phone side of USSD: dialling, answering and hanging up, as Africa's Talking relays them.

Each hop is a form POST of `sessionId phoneNumber networkCode serviceCode text`, where `text` is
every entry so far joined by `*`; the answer is plain text that begins `CON ` or `END `. Anything
else, an error status or silence ends the session (Africa's Talking docs). When a session is over,
the events address hears of it.
"""

import asyncio

import httpx

from channels.simulator.faults import Service
from channels.simulator.journal import Callback, Entry
from channels.simulator.phones import NETWORKS, Phone, UssdSession
from channels.simulator.state import World

INPUT_CHARS_MAX = 1_000
DIAL_CHARS_MAX = 180
WATCH_SECONDS_MIN = 0.02

INVALID_CODE = "Connection problem or invalid MMI code."


class NotNow(Exception):
    """The phone cannot do this now; the text says why."""


async def dial(
    world: World, number: str, code: str, network: str | None = None
) -> dict[str, object]:
    """Dial a code and return the first screen. An open session of the phone is hung up first.

    Raises ValueError for a network that does not exist or a code that is too long.
    """
    phone = world.books.phones.get(number)
    if network is not None:
        if network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}")
        phone.network = network
    if len(code) > DIAL_CHARS_MAX:
        raise ValueError(f"a dialled code has at most {DIAL_CHARS_MAX} characters")
    if phone.session is not None:
        hang_up(world, number)
    first = _first_text(world.config.ussd_code, code)
    if first is None:
        return _screen(world, phone, None, "", INVALID_CODE, final=True, error="unknown_code")
    session = UssdSession(
        id=world.references.ussd_session(),
        phone=number,
        network_code=NETWORKS[phone.network],
        service_code=world.config.ussd_code,
        text=first,
        started_at=world.now(),
    )
    phone.session = session
    _rearm(world, session)
    world.tasks.start(_watch(world, phone, session))
    return await _hop(world, phone, session)


async def answer(world: World, number: str, entry: str) -> dict[str, object]:
    """Send one entry in the phone's open session and return the next screen.

    Raises NotNow without a session or while the last screen is still awaited.
    """
    phone = world.books.phones.get(number)
    session = phone.session
    if session is None:
        raise NotNow("this phone has no open session")
    if session.waiting:
        raise NotNow("the last entry is still being answered")
    if len(entry) > INPUT_CHARS_MAX:
        raise ValueError(f"an entry has at most {INPUT_CHARS_MAX} characters")
    # The first entry of a session that began empty has no star before it.
    begun = session.hops > 1 or session.text
    session.text = f"{session.text}*{entry}" if begun else entry
    return await _hop(world, phone, session)


def hang_up(world: World, number: str) -> bool:
    """End the phone's session without a word to the application but the event; say if any was."""
    phone = world.books.phones.get(number)
    if phone.session is None:
        return False
    _close(world, phone, phone.session, "Incomplete", None)
    # A person who pressed the red button has left the radio session at once.
    phone.session_ended_at = None
    return True


def session_is_open(world: World, phone: Phone) -> bool:
    """Whether a prompt would meet an open USSD session, shortly after its last screen included."""
    if phone.session is not None:
        return True
    ended = phone.session_ended_at
    if ended is None:
        return False
    return (world.now() - ended).total_seconds() < world.waits.ussd_release_seconds


def _first_text(service_code: str, dialled: str) -> str | None:
    """What was dialled behind our code; None when it is not our code."""
    stem = service_code.removesuffix("#")
    rest = dialled.strip().removeprefix(stem)
    if not dialled.strip().startswith(stem) or not rest.endswith("#"):
        return None
    rest = rest.removesuffix("#")
    if rest and not rest.startswith("*"):
        return None
    return rest.removeprefix("*")


async def _hop(world: World, phone: Phone, session: UssdSession) -> dict[str, object]:
    callback = Callback(
        "ussd",
        world.config.africastalking_url("ussd"),
        {
            "sessionId": session.id,
            "phoneNumber": session.phone,
            "networkCode": session.network_code,
            "serviceCode": session.service_code,
            "text": session.text,
        },
        "form",
    )
    session.hops += 1
    session.waiting = True
    try:
        entry = await world.callbacks.post(callback, world.waits.ussd_answer_seconds)
    finally:
        session.waiting = False
    _rearm(world, session)
    reply, error = _reply(entry)
    if phone.session is not session:
        # A message that comes after the end is never shown.
        return _screen(world, phone, entry, "", "", final=True, error="session_over", of=session)
    session.screen = reply
    if error is not None:
        _close(world, phone, session, "Failed", error)
        return _screen(
            world, phone, entry, reply, INVALID_CODE, final=True, error=error, of=session
        )
    final = reply.startswith("END ")
    if final:
        _close(world, phone, session, "Success", None)
    return _screen(world, phone, entry, reply, reply[4:], final=final, error=None, of=session)


def _reply(entry: Entry) -> tuple[str, str | None]:
    """The application's answer, and why it ends the session if it does so wrongly."""
    if entry.status == 0:
        return "", "no_answer"
    if entry.status != httpx.codes.OK:
        return entry.answer, f"http_{entry.status}"
    if not entry.answer.startswith(("CON ", "END ")):
        return entry.answer, "bad_prefix"
    return entry.answer, None


def _screen(
    world: World,
    phone: Phone,
    entry: Entry | None,
    reply: str,
    text: str,
    *,
    final: bool,
    error: str | None,
    of: UssdSession | None = None,
) -> dict[str, object]:
    cover = world.journal.cover
    return {
        "phone": phone.number,
        "session_id": of.id if of else None,
        "reply": reply,
        "text": text,
        "final": final,
        "error": error,
        "network": phone.network,
        "transcript": of.text if of else None,
        "hops": of.hops if of else 0,
        **world.measure(text),
        "raw_request": f"POST {cover(entry.url)}\n\n{cover(entry.body)}" if entry else None,
        "raw_response": f"HTTP {entry.status}\n\n{entry.answer}" if entry else None,
    }


def _rearm(world: World, session: UssdSession) -> None:
    session.idle_at = asyncio.get_running_loop().time() + world.waits.ussd_idle_seconds


async def _watch(world: World, phone: Phone, session: UssdSession) -> None:
    """End the session when the person is silent or the session too old."""
    loop = asyncio.get_running_loop()
    dies_at = loop.time() + world.waits.ussd_session_seconds
    while phone.session is session:
        due = min(session.idle_at, dies_at)
        if loop.time() >= due and not session.waiting:
            _close(world, phone, session, "Incomplete", "Session timed out")
            return
        await asyncio.sleep(max(due - loop.time(), WATCH_SECONDS_MIN))


def _close(
    world: World, phone: Phone, session: UssdSession, status: str, error: str | None
) -> None:
    """Forget the session and tell the events address."""
    phone.session, phone.session_ended_at = None, world.now()
    lasted = world.now() - session.started_at
    body: dict[str, object] = {
        "date": f"{world.now():%Y-%m-%d %H:%M:%S}",
        "sessionId": session.id,
        "serviceCode": session.service_code,
        "networkCode": session.network_code,
        "phoneNumber": session.phone,
        "status": status,
        "cost": ("0.10", "KES 0.10")[world.jitter("ussd cost")],
        "durationInMillis": int(lasted.total_seconds() * 1000),
        "hopsCount": session.hops,
        "input": session.text,
        "lastAppResponse": session.screen,
    }
    if error is not None:
        body["errorMessage"] = error
    event = Callback("events", world.config.africastalking_url("ussd-events"), body, "form")
    fault = world.faults.take(Service.EVENTS, {session.phone})
    world.callbacks.send_later(event, fault, world.waits.callback_seconds)
