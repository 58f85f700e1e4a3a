"""What AccountBalance answers by calling back (provider-facts §2.9).

``ResultParameter`` ``AccountBalance`` is one text: accounts of the shortcode parted by ``&``, each
``name|currency|current|available|reserved|uncleared``. Payouts leave from the utility account;
charges are taken from an account of their own, which goes below zero.
"""

from collections.abc import Mapping
from typing import Any

from channels.daraja.results import B2C_REASONS
from channels.daraja.wire import PROVIDER, amount, child, code, items, plain, text
from core.money import KES, Money
from core.ports.money import Balance, Reason
from core.ports.providers import BadCallback, ProviderError

UTILITY = "utility account"
CHARGES = "charges paid account"
PARTS_MIN = 4
ACCOUNTS_MAX = 20
BALANCES_CHARS_MAX = 2_000


def parse_balance(body: Mapping[str, Any]) -> Balance:
    """Read what a shortcode of ours holds.

    Raises:
        ProviderError: the question was refused; stop when our credentials were.
        BadCallback: no result, no code, or balances that cannot be read.
    """
    told = child(body, "Result")
    said_code = code(told, "ResultCode")
    if said_code != "0":
        stop = B2C_REASONS.get(said_code) is Reason.CREDENTIALS
        name = "bad_credentials" if stop else "rejected"
        detail = f"{said_code} {text(told.get('ResultDesc'))}".strip()
        raise ProviderError(name, stop=stop, detail=detail)
    written = plain(items(told.get("ResultParameters"), "ResultParameter").get("AccountBalance"))
    if not 0 < len(written) <= BALANCES_CHARS_MAX:
        raise BadCallback(field="AccountBalance")
    found = dict(_account(entry) for entry in written.split("&")[:ACCOUNTS_MAX])
    if UTILITY not in found:
        raise BadCallback(field="AccountBalance")
    held = (current for name, (current, _) in found.items() if name != CHARGES)
    return Balance(
        provider=PROVIDER,
        available=found[UTILITY][1],
        held=sum(held, start=Money(0)),
        charges=found[CHARGES][0] if CHARGES in found else Money(0),
    )


def _account(entry: str) -> tuple[str, tuple[Money, Money]]:
    """Return an account's name, what it holds and what of that is available."""
    parts = [part.strip() for part in entry.split("|")]
    if len(parts) < PARTS_MIN or parts[1] != KES:
        raise BadCallback(field="AccountBalance")
    return parts[0].lower(), (_shillings(parts[2]), _shillings(parts[3]))


def _shillings(written: str) -> Money:
    read = amount(written, "AccountBalance")
    if read is None:
        raise BadCallback(field="AccountBalance")
    return read
