"""Which route a message takes: the preferred one that can, and never two of them.

A message goes on to the next route only when the one before plainly did not take it, and when
another may do better: a route that is away, has no credit or no way to that network. A number
that cannot be, or a person who wants nothing, is the same on all of them; and where nobody knows
whether it was taken, nothing is sent again.
"""

import structlog

from core.ports import ProviderError, SmsOut, SmsSender, SmsSent
from workers import pause
from workers.parts import Parts

log = structlog.get_logger()

ANOTHER_MAY = frozenset(
    {"unavailable", "no_route", "no_balance", "bad_credentials", "bad_sender", "busy"}
)


def open_routes(parts: Parts) -> list[SmsSender]:
    """Return the routes that are not being left alone, the preferred one first."""
    return [each for each in parts.senders if not parts.pauses.holds(pause.sms(each.name))]


def hand_over(parts: Parts, message: SmsOut) -> tuple[str, SmsSent]:
    """Send a message by the first route that takes it; return its name and answer.

    A route that needs a person is left alone for a minute.

    Raises:
        ProviderError: of the last route that was tried.
    """
    routes = open_routes(parts)
    failure = ProviderError("unavailable", retryable=True, detail="all routes are left alone")
    for route in routes:
        try:
            return route.name, route.send(message)
        except ProviderError as error:
            failure = error
            if error.stop and not error.unknown:
                _leave_alone(parts, route, error)
            if error.unknown or error.code not in ANOTHER_MAY:
                break
            if route is not routes[-1]:
                log.warning("notice.rerouted", provider=route.name, code=error.code)
    raise failure


def _leave_alone(parts: Parts, route: SmsSender, error: ProviderError) -> None:
    parts.pauses.start(pause.sms(route.name), pause.NOTICES_PAUSE_SECONDS)
    log.error("notices.paused", provider=route.name, code=error.code, **error.data)
