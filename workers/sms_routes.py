"""Which route a message takes: the preferred one that can, and never two of them.

A message goes on to the next route only when the one before plainly did not take it, and when
another may do better: a route that is away, has no credit or no way to that network. A number
that cannot be, or a person who wants nothing, is the same on all of them; and where nobody knows
whether it was taken, nothing is sent again.
"""

from contextlib import ExitStack

import structlog

from core.ports.messages import SmsOut, SmsSender, SmsSent
from core.ports.providers import ProviderError
from workers import pause
from workers.budget import Budget
from workers.parts import Parts
from workers.rates import Place

log = structlog.get_logger()

# A message that changes its route waits so long for a place there, then it is put back.
PLACE_SECONDS = 2.0
ANOTHER_MAY = frozenset(
    {"unavailable", "no_route", "no_balance", "bad_credentials", "bad_sender", "busy"}
)


def open_routes(parts: Parts) -> list[SmsSender]:
    """Return the routes that are not being left alone, the preferred one first.

    One that is down comes after the others: it is tried again when nothing else is left.
    """
    down = parts.health.down()
    routes = [each for each in parts.senders if not parts.pauses.holds(pause.sms(each.name))]
    return sorted(routes, key=lambda route: route.name in down)


def hand_over(parts: Parts, message: SmsOut, place: Place) -> tuple[str, SmsSent]:
    """Send a message by the first route that takes it; return its name and answer.

    A route that needs a person is left alone for a minute, one that is away for half of one.

    Args:
        parts: of this worker.
        message: what is sent.
        place: leave to send by one of the routes; another route's is waited for.

    Raises:
        ProviderError: of the last route that was tried.
    """
    routes = open_routes(parts)
    failure = ProviderError("unavailable", retryable=True, detail="all routes are left alone")
    for route in routes:
        try:
            return route.name, _send(parts, route, message, place)
        except ProviderError as error:
            failure = error
            if error.stop and not error.unknown:
                _leave_alone(parts, route, error)
            if error.unknown or error.code not in ANOTHER_MAY:
                break
            if route is not routes[-1]:
                log.warning("notice.rerouted", provider=route.name, code=error.code)
    raise failure


def _send(parts: Parts, route: SmsSender, message: SmsOut, given: Place) -> SmsSent:
    """Send by one route, in a place of its own, and note how that went."""
    with ExitStack() as stack:
        place: Place | None = given
        if route.name != given.route or given.used:
            place = stack.enter_context(parts.rates.place(route.name, Budget(PLACE_SECONDS)))
        if place is None:
            raise ProviderError("busy", retryable=True, detail="its rate is used up")
        place.used = place.limited
        try:
            answer = route.send(message)
        except ProviderError as error:
            parts.health.note(route.name, error)
            raise
        parts.health.note(route.name, None)
        return answer


def _leave_alone(parts: Parts, route: SmsSender, error: ProviderError) -> None:
    parts.pauses.start(pause.sms(route.name), pause.NOTICES_PAUSE_SECONDS)
    log.error("notices.paused", provider=route.name, code=error.code, **error.data)
