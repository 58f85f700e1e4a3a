"""Which accounts we have with whom, by the settings."""

from collections.abc import Mapping

from core.payments.model import Direction
from core.reconcile.usecases import Accounts
from core.settings import Settings

DARAJA = "daraja"
FLUTTERWAVE = "flutterwave"
SETTLEMENT = "settlement"
"""Flutterwave's one wallet; its settlement exports show what came in."""
TRANSFERS = "transfers"
"""The same wallet; its transfer exports show what went out."""


def accounts_of(settings: Settings) -> Mapping[str, Accounts]:
    """Return our accounts by provider, each with the ways in which money moves there."""
    paybill, payouts = settings.daraja_shortcode, settings.daraja_b2c_shortcode
    both = frozenset(Direction)
    daraja: Accounts = (
        {paybill: both}
        if paybill == payouts
        else {paybill: frozenset({Direction.IN}), payouts: frozenset({Direction.OUT})}
    )
    flutterwave = {
        SETTLEMENT: frozenset({Direction.IN}),
        TRANSFERS: frozenset({Direction.OUT}),
    }
    return {DARAJA: daraja, FLUTTERWAVE: flutterwave}
