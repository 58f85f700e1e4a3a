"""Which provider moves the money of one attempt. Pure.

An order of preference for each kind of movement is data (``Routes``); how the providers are is
asked of ``Health``. Who stands first and answers is taken. When nobody answers the first one is
taken all the same: the attempt waits there, and is moved when somebody is back before it.
"""

from collections.abc import Collection, Sequence

from core.errors import Refused
from core.payments.model import Kind, Method
from core.ports.providers import Routes


def order(
    routes: Routes, kind: Kind, *, method: Method = Method.MPESA, bank: bool = False
) -> tuple[str, ...]:
    """Return who can move money of a kind, the preferred one first.

    A return has no order: money goes back through whoever received it.
    """
    if method is Method.CARD:
        return routes.card
    if kind is Kind.COLLECTION:
        return routes.collection
    return routes.bank if bank else routes.payout


def choose(preferred: Sequence[str], down: Collection[str]) -> str:
    """Return the first provider that is not down, else the first.

    Raises:
        Refused: ``no_route``, nobody does this at all.
    """
    if not preferred:
        raise Refused("no_route")
    return next((name for name in preferred if name not in down), preferred[0])


def alternative(preferred: Sequence[str], down: Collection[str], provider: str) -> str | None:
    """Return another provider that is not down, or None."""
    return next((name for name in preferred if name != provider and name not in down), None)
