"""E-mail addresses of our own people. Pure."""

import re

from core.limits import EMAIL_MAX

# Printable ASCII without the @: whoever works here has such an address.
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")


def is_email(text: str) -> bool:
    """Tell whether a text has the form of an e-mail address."""
    return len(text) <= EMAIL_MAX and _EMAIL.fullmatch(text) is not None
