"""When vendors are paid and how much. Pure."""

from datetime import date, datetime, time, timedelta

from core.clock import NAIROBI, nairobi_moment
from core.limits import B2C_MIN_CENTS, MPESA_MAX_CENTS, PAYOUT_MIN_CENTS
from core.money import CENTS_PER_SHILLING

RUN_AT = time(6, 0)
"""Each Monday, Kenyan time (DESIGN §6)."""


def week_of(moment: datetime) -> date:
    """Return the Monday whose run is the last one due at a moment."""
    local = moment.astimezone(NAIROBI)
    monday = local.date() - timedelta(days=local.weekday())
    return monday if moment >= run_at(monday) else monday - timedelta(days=7)


def run_at(monday: date) -> datetime:
    """Return the moment of a Monday's run."""
    return nairobi_moment(monday, RUN_AT)


def next_run(moment: datetime) -> datetime:
    """Return the moment of the first run after a moment."""
    return run_at(week_of(moment) + timedelta(days=7))


def payable_now(balance_cents: int) -> int:
    """Return what goes out of a balance: whole shillings, nothing below the minimum."""
    whole = balance_cents // CENTS_PER_SHILLING * CENTS_PER_SHILLING
    return whole if whole >= PAYOUT_MIN_CENTS else 0


def next_part(left_cents: int) -> int:
    """Return how much of a payout one transaction can carry, leaving no rest too small to send."""
    part = min(left_cents, MPESA_MAX_CENTS)
    return part - B2C_MIN_CENTS if 0 < left_cents - part < B2C_MIN_CENTS else part
