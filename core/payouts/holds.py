"""Whether a vendor may be paid now, and if not, why and until when. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.limits import PAYOUT_CHANGED_SECONDS
from core.payments import routing
from core.payments.model import Kind
from core.payouts.model import HoldReason
from core.people.model import PayoutMethod, Vendor, VendorStatus
from core.ports.providers import Routes


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a vendor is not paid.

    Attributes:
        reason: the first that applies.
        until: when it ends by itself; None when somebody must act.
    """

    reason: HoldReason
    until: datetime | None = None


def hold_of(vendor: Vendor, routes: Routes, now: datetime) -> Hold | None:
    """Return why a vendor may not be paid now, None when nothing is in the way."""
    reasons = (
        (vendor.status is not VendorStatus.ACTIVE, HoldReason.RESTRICTED),
        (vendor.payouts_held_why is not None, HoldReason.ADMIN),
        (vendor.kyc_verified_at is None, HoldReason.KYC),
        (vendor.payout_method is None or vendor.payout_sealed is None, HoldReason.NO_DETAILS),
        (vendor.payout_verified_at is None, HoldReason.UNVERIFIED),
    )
    for applies, reason in reasons:
        if applies:
            return Hold(reason)
    if vendor.payout_changed_at is not None:
        until = vendor.payout_changed_at + timedelta(seconds=PAYOUT_CHANGED_SECONDS)
        if now < until:
            return Hold(HoldReason.CHANGED, until)
    if not ways_to(vendor.payout_method, routes):
        return Hold(HoldReason.NO_ROUTE)
    return None


def ways_to(method: PayoutMethod | None, routes: Routes) -> tuple[str, ...]:
    """Return who can pay to such a place, the preferred one first."""
    return routing.order(routes, Kind.PAYOUT, bank=method is PayoutMethod.BANK)


def way_to(method: PayoutMethod | None, routes: Routes) -> str:
    """Return who pays to such a place now; raises Refused (``no_route``) when nobody does."""
    return routing.choose(ways_to(method, routes), routes.health.down())
