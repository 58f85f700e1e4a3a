"""The phone side of USSD: dialling, answering and hanging up, over an operator or aggregator.

``channels.simulator.operators`` says how each calls. Anything but a screen, an error status or
silence ends the call. Networks differ in how much they show at once: what is longer is cut, and
the network keeps the rest behind a `98` of its own, of which the application hears nothing (AT
help article 1284096). Faults of the service `ussd` repeat, delay and lose hops.
"""

import asyncio
from dataclasses import replace

from channels.simulator.faults import Fault, FaultKind, Service, is_fault
from channels.simulator.journal import Entry
from channels.simulator.operators import (
    OPERATORS,
    Ended,
    Hop,
    Operator,
    Screen,
    screen_of,
)
from channels.simulator.phones import NETWORKS, Phone, UssdSession
from channels.simulator.state import World
from core.networks import network_of

INPUT_CHARS_MAX = 1_000
DIAL_CHARS_MAX = 180
WATCH_SECONDS_MIN = 0.02

MORE_LINE, MORE_KEY = "\n98:More", "98"

INVALID_CODE = "Connection problem or invalid MMI code."


class NotNow(Exception):
    """The phone cannot do this now; the text says why."""


async def dial(
    world: World,
    number: str,
    code: str,
    network: str | None = None,
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
        return _screen(world, phone, None, Screen(INVALID_CODE, error="unknown_code"))
    session = UssdSession(
        id=world.references.ussd_session(),
        phone=number,
        operator=phone.operator,
        network_code=NETWORKS[phone.network],
        service_code=world.config.ussd_code,
        dialled=first,
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
    if session.rest and entry.strip() == MORE_KEY:
        return _next_part(world, phone, session)
    session.rest = ""
    session.keys.append(entry)
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
    """Bring the newest key to the application and show what it answers."""
    operator = OPERATORS[session.operator]
    fault = world.faults.take(Service.USSD, {session.phone})
    session.hops += 1
    session.waiting = True
    try:
        entry = await _carry(world, operator, session, fault)
    finally:
        session.waiting = False
    _rearm(world, session)
    shown = screen_of(operator, entry)
    if is_fault(fault, FaultKind.HOP_UNSHOWN):
        shown = Screen(error="unshown")
    if phone.session is not session:
        # A message that comes after the end is never shown.
        return _screen(world, phone, entry, Screen(error="session_over"), session)
    session.screen = entry.answer
    if shown.error is not None:
        _close(world, phone, session, "Failed", shown.error)
        return _screen(world, phone, entry, replace(shown, text=INVALID_CODE), session)
    if shown.final:
        _close(world, phone, session, "Success", None)
    return _screen(world, phone, entry, _cut(world, phone, session, shown), session)


async def _carry(
    world: World, operator: Operator, session: UssdSession, fault: Fault | None
) -> Entry:
    """Call the application as this operator does on this line; the answer that counts."""
    callback = operator.hop(world.config, _told(session))
    answer_seconds = world.waits.ussd_answer_seconds
    if is_fault(fault, FaultKind.CALLBACK_NEVER):
        return world.journal.callback(callback, note="withheld", status=0)
    if fault is not None and is_fault(fault, FaultKind.CALLBACK_LATE):
        await asyncio.sleep(fault.seconds)
    entry = await world.callbacks.post(callback, answer_seconds)
    twice = is_fault(fault, FaultKind.CALLBACK_TWICE)
    if twice or (operator.starts_twice and not session.keys):
        entry = await world.callbacks.post(callback, answer_seconds)
    if is_fault(fault, FaultKind.CALLBACK_REORDERED) and session.keys:
        # The hop before comes once more, behind this one; nobody waits for its answer.
        older = replace(_told(session), keys=session.keys[:-1])
        await world.callbacks.post(operator.hop(world.config, older), answer_seconds)
    return entry


def _told(session: UssdSession) -> Hop:
    return Hop(
        session.id,
        session.phone,
        session.service_code,
        session.network_code,
        session.dialled,
        tuple(session.keys),
    )


def _cut(world: World, phone: Phone, session: UssdSession, shown: Screen) -> Screen:
    """Show as much as the phone's network does at once, and keep the rest."""
    room = network_of(NETWORKS[phone.network]).screen_septets
    if world.measure(shown.text)["septets"] <= room:
        return shown
    length = len(shown.text)
    while world.measure(shown.text[:length] + MORE_LINE)["septets"] > room:
        length -= 1
    session.rest = shown.text[length:]
    return replace(shown, text=shown.text[:length] + MORE_LINE)


def _next_part(world: World, phone: Phone, session: UssdSession) -> dict[str, object]:
    """Show what the network has kept: the application hears nothing of it."""
    _rearm(world, session)
    rest, session.rest = Screen(session.rest, final=False), ""
    return _screen(world, phone, None, _cut(world, phone, session, rest), session)


def _screen(
    world: World,
    phone: Phone,
    entry: Entry | None,
    shown: Screen,
    of: UssdSession | None = None,
) -> dict[str, object]:
    cover = world.journal.cover
    asked = answered = None
    if entry is not None:
        asked = f"{entry.method} {cover(entry.url)}\n\n{cover(entry.body)}"
        answered = f"HTTP {entry.status}\n\n{entry.answer}"
    return {
        "phone": phone.number,
        "session_id": of.id if of else None,
        "reply": entry.answer if entry else "",
        "text": shown.text,
        "final": shown.final,
        "error": shown.error,
        "network": phone.network,
        "operator": of.operator if of else None,
        "transcript": of.text if of else None,
        "hops": of.hops if of else 0,
        "cut": bool(of and of.rest),
        **world.measure(shown.text),
        "raw_request": asked,
        "raw_response": answered,
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
    details: dict[str, object] = {
        "date": f"{world.now():%Y-%m-%d %H:%M:%S}",
        "cost": ("0.10", "KES 0.10")[world.jitter("ussd cost")],
        "durationInMillis": int(lasted.total_seconds() * 1000),
        "lastAppResponse": session.screen,
    }
    if error is not None:
        details["errorMessage"] = error
    ended = Ended(status, session.hops, details)
    event = OPERATORS[session.operator].end(world.config, _told(session), ended)
    if event is None:
        return
    fault = world.faults.take(Service.EVENTS, {session.phone})
    world.callbacks.send_later(event, fault, world.waits.callback_seconds)
