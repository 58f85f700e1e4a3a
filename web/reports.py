"""Error reports to Sentry, with nothing in them that is not ours to tell.

What people typed stays here, numbers are masked, and the secret of the callback addresses, which
stands in every request's URL, is covered.
"""

import json
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

from core.logs import masked
from core.settings import Settings

COVER = "***"
# Reports are nested: event, exception, values, stacktrace, frames.
DEPTH_MAX = 12


def start_reports(settings: Settings) -> None:
    """Send error reports where the settings say; nowhere when they say nothing."""
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return
    secret = settings.callback_secret.get_secret_value()

    def scrub(event: Event, _hint: Hint) -> Event | None:
        covered: Event = scrubbed(event, secret)
        return covered

    sentry_sdk.init(
        dsn,
        environment=settings.env.value,
        send_default_pii=False,
        max_request_body_size="never",
        # A variable may hold a message's text or a PIN.
        include_local_variables=False,
        before_send=scrub,
    )


def scrubbed(event: Any, secret: str) -> Any:
    """Return a report without phone numbers and without the secret, wherever they stood."""
    written = json.dumps(masked(event, DEPTH_MAX), default=str)
    # As it stands in JSON, in case the secret has letters that are escaped there.
    return json.loads(written.replace(json.dumps(secret)[1:-1], COVER))
