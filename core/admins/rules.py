"""What a password may be, and which code of an authenticator counts. Pure."""

import base64
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from core.emails import is_email
from core.errors import BadInput
from core.limits import ADMIN_PASSWORD_MAX, ADMIN_PASSWORD_MIN, ADMIN_REFRESH_LEEWAY_SECONDS

# RFC 6238 as every authenticator app has it; one step early or late is taken (its section 5.2).
STEP_SECONDS = 30
STEPS_ASIDE = 1
DIGITS = 6
# 160 bits, as RFC 4226 recommends (section 4, R6).
KEY_BYTES = 20
ISSUER = "Nafasi"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Makes the codes of one key.

    Attributes:
        key: in base 32, as it stands in the address that an app reads.
    """

    key: str

    def address(self, email: str) -> str:
        """Return the ``otpauth`` address that an app reads, mostly as a picture."""
        return self._codes().get_provisioning_uri(email, ISSUER)

    def code(self, step: int) -> str:
        """Return the code of a step."""
        return self._codes().generate(step * STEP_SECONDS).decode()

    def step_of(self, code: str, now: datetime) -> int | None:
        """Return the step whose code this is, None when it is none of those that are taken now."""
        typed = "".join(code.split()).encode()
        here = step_at(now)
        found = None
        for step in range(here - STEPS_ASIDE, here + STEPS_ASIDE + 1):
            if constant_time.bytes_eq(self.code(step).encode(), typed):
                found = step
        return found

    def _codes(self) -> TOTP:
        # RFC 6238's own hash; as a MAC it is sound, and apps know no other.
        return TOTP(base64.b32decode(self.key), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303


def step_at(now: datetime) -> int:
    """Return the number of the step in which a moment lies."""
    return int(now.timestamp()) // STEP_SECONDS


def counts(step: int | None, last_step: int) -> bool:
    """Tell whether a code's step counts: once, and none before one that was taken."""
    return step is not None and step > last_step


def just_refreshed(refreshed_at: datetime, now: datetime) -> bool:
    """Tell whether a refresh was so short a while ago that its token may come once more."""
    return now < refreshed_at + timedelta(seconds=ADMIN_REFRESH_LEEWAY_SECONDS)


def email_of(typed: str) -> str:
    """Return an address as it is kept; raises BadInput (``bad_email``)."""
    email = known_as(typed)
    if not is_email(email):
        raise BadInput("bad_email", field="email")
    return email


def known_as(typed: str) -> str:
    """Return what is looked for when somebody types this as an address."""
    return typed.strip().lower()


def normal(password: str) -> str:
    """Return a password as it is hashed: what looks the same on two keyboards is the same."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, email: str) -> str:
    """Return a password as it is hashed.

    Length is what counts; composition rules only make people write it down (NIST SP 800-63B).

    Raises:
        BadInput: ``password_short`` (data: least), ``password_long`` (data: most),
            ``password_email`` it is the address, or what stands before its @.
    """
    chosen = normal(password)
    if len(chosen) < ADMIN_PASSWORD_MIN:
        raise BadInput("password_short", least=ADMIN_PASSWORD_MIN)
    if len(chosen) > ADMIN_PASSWORD_MAX:
        raise BadInput("password_long", most=ADMIN_PASSWORD_MAX)
    if chosen.lower() in {email, email.partition("@")[0]}:
        raise BadInput("password_email")
    return chosen
