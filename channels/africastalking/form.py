"""How Africa's Talking is called here, and how it writes what something cost."""

import re
from decimal import ROUND_HALF_UP, Decimal

PROVIDER = "africastalking"

_COST = re.compile(r"(?:([A-Z]{3}) )?([0-9]{1,9}(?:\.[0-9]{1,6})?)")
_CENT = Decimal("0.01")


def cost_cents(text: str) -> int | None:
    """Return a cost such as ``KES 0.8000``, ``0.10`` or ``0`` in Kenyan cents, rounded half-up.

    None when it is absent, unreadable, or in another currency (message totals may be in USD).
    """
    match = _COST.fullmatch(text.strip())
    if match is None or match[1] not in (None, "KES"):
        return None
    return int(Decimal(match[2]).quantize(_CENT, ROUND_HALF_UP).scaleb(2))
