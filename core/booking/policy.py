"""Cancellation policies: what a customer gets back, by how long before the start. Pure values.

A policy is a list of tiers, the longest time before the start first. Each says from when it holds
(``hours_before`` or ``days_before``) and either what goes back (``refund_percent``) or what is
kept (``keep_percent``), with a least amount kept (``keep_min_cents``) where wanted. It is frozen
into the booking as JSON when that is made, so that it is the one that was shown.

Days are counted by the Kenyan calendar, as people count them: until the end of the day that lies
so many days before the start. At the very moment at which a tier ends, it still holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

from core.clock import nairobi_date, nairobi_moment
from core.db.base import Json
from core.errors import BadInput
from core.limits import BOOK_AHEAD_DAYS_MAX, POLICY_TIERS_MAX, PRICE_MAX_CENTS
from core.money import CENTS_PER_SHILLING, Money

WHOLE = 100
HOURS_PER_DAY = 24
_KEYS = frozenset(
    {"hours_before", "days_before", "refund_percent", "keep_percent", "keep_min_cents"}
)

# The seeds' default: 80 % more than 48 h before, 50 % from 24 to 48 h, nothing later.
STANDARD: Json = {
    "name": "standard",
    "tiers": [
        {"hours_before": 48, "refund_percent": 80},
        {"hours_before": 24, "refund_percent": 50},
        {"hours_before": 0, "refund_percent": 0},
    ],
}
FLEXIBLE: Json = {
    "name": "flexible",
    "tiers": [
        {"hours_before": 24, "refund_percent": 100},
        {"hours_before": 0, "refund_percent": 50},
    ],
}
STRICT: Json = {
    "name": "strict",
    "tiers": [
        {"days_before": 14, "refund_percent": 50},
        {"days_before": 0, "refund_percent": 0},
    ],
}
# How a Nairobi hotel rents its meeting rooms: a scale of what goes back, in days.
MEETINGS: Json = {
    "name": "meetings",
    "tiers": [
        {"days_before": 14, "refund_percent": 100},
        {"days_before": 7, "refund_percent": 80},
        {"days_before": 4, "refund_percent": 50},
        {"days_before": 0, "refund_percent": 0},
    ],
}
# How a Nairobi caterer does: what is kept, in hours, and never less than the shopping costs.
CATERING: Json = {
    "name": "catering",
    "tiers": [
        {"hours_before": 96, "keep_percent": 0},
        {"hours_before": 72, "keep_percent": 25, "keep_min_cents": 1_000_000},
        {"hours_before": 24, "keep_percent": 50, "keep_min_cents": 1_200_000},
        {"hours_before": 0, "keep_percent": 75, "keep_min_cents": 2_000_000},
    ],
}
# How a coast holiday seller does: a charge that grows in three steps.
HOLIDAY: Json = {
    "name": "holiday",
    "tiers": [
        {"days_before": 14, "keep_percent": 0},
        {"days_before": 7, "keep_percent": 25},
        {"days_before": 2, "keep_percent": 50},
        {"days_before": 0, "keep_percent": 100},
    ],
}

POLICIES: dict[str, Json] = {
    policy["name"]: policy for policy in (STANDARD, FLEXIBLE, STRICT, MEETINGS, CATERING, HOLIDAY)
}


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a policy.

    Attributes:
        before: how long before the start it still holds, in ``in_days`` days or else hours.
        in_days: whether ``before`` counts calendar days.
        refund_percent: of the total, goes back.
        keep_min_cents: at least this is kept, all of it when the total is less.
    """

    before: int
    in_days: bool
    refund_percent: int
    keep_min_cents: int

    def holds_until(self, starts_at: datetime) -> datetime:
        """Return the last moment of this tier for something that starts then."""
        if not self.in_days or self.before == 0:
            return starts_at - timedelta(hours=self.before)
        last_day = nairobi_date(starts_at) - timedelta(days=self.before)
        return nairobi_moment(last_day + timedelta(days=1), time(0))

    def refund(self, total: Money) -> Money:
        """Return what goes back of a total, in whole shillings: M-Pesa moves no cents.

        A share that is no whole shilling is raised, in the customer's favour; the least amount
        that is kept is kept whole.
        """
        share = total.share(self.refund_percent * WHOLE).up_to_shilling()
        most = max(total - Money(self.keep_min_cents, total.currency), Money(0, total.currency))
        return min(share, most.down_to_shilling())


@dataclass(frozen=True, slots=True)
class Refund:
    """What a cancellation at one moment would mean.

    Attributes:
        refund: goes back to the customer.
        kept: does not.
        tier: the step that says so, counted from 0 for the longest time before.
        drops_at: until when it stays so; None when it gets no worse.
        then: what would go back after that; None when it gets no worse.
    """

    refund: Money
    kept: Money
    tier: int
    drops_at: datetime | None
    then: Money | None


def refund_of(policy: Json, total: Money, starts_at: datetime, now: datetime) -> Refund:
    """Return what cancelling now would give back.

    Args:
        policy: as it is frozen in a booking.
        total: what has been paid and not gone back yet.
        starts_at: when the service begins.
        now: the moment of cancelling; once the service has begun, the last tier holds.

    Raises:
        BadInput: ``bad_policy``, as ``check_policy``.
    """
    tiers = check_policy(policy)
    ends = [tier.holds_until(starts_at) for tier in tiers]
    at = next((i for i, end in enumerate(ends) if now <= end), len(tiers) - 1)
    refund = tiers[at].refund(total)
    for end, later in zip(ends[at:], tiers[at + 1 :], strict=False):
        then = later.refund(total)
        if then < refund:
            return Refund(refund, total - refund, at, end, then)
    return Refund(refund, total - refund, at, None, None)


def refund_of_less(
    policy: Json, price: Money, lower: Money, starts_at: datetime, now: datetime
) -> Money:
    """Return what goes back when a paid booking is made smaller, to a lower price.

    As much as cancelling that part of it would give: who makes a booking smaller, in however many
    steps, and then cancels the rest gets what cancelling all of it at once would have given.

    Raises:
        BadInput: ``bad_policy``, as ``check_policy``.
        ValueError: the other price is not lower.
    """
    if lower > price:
        raise ValueError("the price has not become lower")
    whole = refund_of(policy, price, starts_at, now).refund
    return whole - refund_of(policy, lower, starts_at, now).refund


def forecast(policy: Json, total: Money, starts_at: datetime, now: datetime) -> list[Refund]:
    """Return what cancelling gives back now and after each moment at which it drops."""
    found = [refund_of(policy, total, starts_at, now)]
    while (drops_at := found[-1].drops_at) is not None:
        found.append(refund_of(policy, total, starts_at, drops_at + timedelta.resolution))
    return found


def check_policy(policy: Mapping[str, Any]) -> tuple[Tier, ...]:
    """Return the tiers of a policy.

    Raises:
        BadInput: ``bad_policy`` with the ``field`` that is wrong (``tiers.1.keep_percent``) and
            the ``problem``: ``missing``, ``unknown``, ``not_whole``, ``negative``, ``too_big``,
            ``both``, ``not_shillings``, ``too_many``, ``gap`` (the time before the start is not
            covered to its end), ``overlap`` (two steps hold at once), ``mixed`` (hours beside
            days), ``grows`` (a later step would give more back).
    """
    raw = policy.get("tiers")
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise _bad("tiers", "missing")
    if len(raw) > POLICY_TIERS_MAX:
        raise _bad("tiers", "too_many")
    tiers = tuple(_tier(f"tiers.{i}", each) for i, each in enumerate(raw))
    for i, (earlier, later) in enumerate(pairwise(tiers), 1):
        if later.before and later.in_days is not earlier.in_days:
            raise _bad(f"tiers.{i}.{_when(later)}", "mixed")
        if later.before >= earlier.before:
            raise _bad(f"tiers.{i}.{_when(later)}", "overlap")
        less_kept = later.keep_min_cents < earlier.keep_min_cents
        if later.refund_percent > earlier.refund_percent or (less_kept and later.refund_percent):
            raise _bad(f"tiers.{i}", "grows")
    if tiers[-1].before:
        raise _bad(f"tiers.{len(tiers) - 1}.{_when(tiers[-1])}", "gap")
    return tiers


def _tier(field: str, raw: Any) -> Tier:
    if not isinstance(raw, Mapping):
        raise _bad(field, "missing")
    for key in raw:
        if key not in _KEYS:
            raise _bad(f"{field}.{key}", "unknown")
    when = _one_of(field, raw, "hours_before", "days_before")
    what = _one_of(field, raw, "refund_percent", "keep_percent")
    most = BOOK_AHEAD_DAYS_MAX * (1 if when == "days_before" else HOURS_PER_DAY)
    before = _whole(f"{field}.{when}", raw[when], most)
    percent = _whole(f"{field}.{what}", raw[what], WHOLE)
    keep_min = _whole(f"{field}.keep_min_cents", raw.get("keep_min_cents", 0), PRICE_MAX_CENTS)
    if keep_min % CENTS_PER_SHILLING:
        raise _bad(f"{field}.keep_min_cents", "not_shillings")
    refund = percent if what == "refund_percent" else WHOLE - percent
    return Tier(before, when == "days_before", refund, keep_min)


def _one_of(field: str, raw: Mapping[str, Any], first: str, second: str) -> str:
    if first in raw and second in raw:
        raise _bad(f"{field}.{second}", "both")
    if first not in raw and second not in raw:
        raise _bad(f"{field}.{first}", "missing")
    return first if first in raw else second


def _whole(field: str, value: Any, most: int) -> int:
    if type(value) is not int:
        raise _bad(field, "not_whole")
    if value < 0:
        raise _bad(field, "negative")
    if value > most:
        raise _bad(field, "too_big")
    return value


def _when(tier: Tier) -> str:
    return "days_before" if tier.in_days else "hours_before"


def _bad(field: str, problem: str) -> BadInput:
    return BadInput("bad_policy", field=field, problem=problem)
