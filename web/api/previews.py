"""What a booking would cost, and what cancelling it would give back and until when."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from core.booking.cancel import outlook
from core.booking.model import Booking
from core.booking.offers import Offer, Wish, make_offer
from core.booking.policy import Refund, forecast
from core.db.tx import Tx
from core.documents.queries import by_download_token
from core.errors import NotFound
from core.limits import PEOPLE_MAX, STAY_NIGHTS_MAX
from core.money import KES, Money
from core.payments.links import find_pay_link
from web.api.envelope import PREFIX, RESPONSES, Success
from web.api.quota import Quota
from web.pages.tokens import Token
from web.parts import Parts

# Days can be added to it; how far ahead may be booked, the core decides.
LAST_DAY = date(2999, 12, 31)


class Amount(BaseModel):
    """Money in cents of a shilling."""

    currency: str = KES
    cents: int


class Step(BaseModel):
    """What goes back when it is cancelled in time for this step."""

    refund: Amount
    kept: Amount
    until: datetime | None = Field(description="The last moment, UTC; none for the last step.")


class Quote(BaseModel):
    """The price of a wish, all of it, and the policy that would be frozen into the booking."""

    listing: int
    title: str
    starts_at: datetime
    ends_at: datetime
    units: int
    instant: bool
    base: Amount
    service_fee: Amount
    vat: Amount
    rounding: Amount
    total: Amount
    deposit: Amount | None
    policy: str
    cancellation: list[Step]


class Cancellation(BaseModel):
    """What cancelling a booking would give back from now on."""

    code: str
    state: str
    paid: bool
    policy: str
    cancellation: list[Step]


def preview_routes(parts: Parts) -> APIRouter:
    """Return the previews' addresses."""
    quota = Depends(Quota(parts.settings.redis_url))
    router = APIRouter(prefix=PREFIX, tags=["previews"], dependencies=[quota], responses=RESPONSES)
    database = parts.database

    @router.get("/listings/{number}/quote")
    def quote(
        number: int,
        starts_on: Annotated[date, Query(le=LAST_DAY)],
        people: Annotated[int, Query(ge=1, le=PEOPLE_MAX)],
        nights: Annotated[int, Query(ge=1, le=STAY_NIGHTS_MAX)] = 1,
    ) -> Success[Quote]:
        """What a listing costs on a day, with its fee and VAT, and what cancelling gives back.

        Nothing is held by asking. `nights` is for stays; everything else is sold by the day.
        """
        wish = Wish(number, starts_on, starts_on + timedelta(days=nights), people)
        with database.reading() as tx:
            return Success(data=_quote(make_offer(tx, wish), tx.now), timestamp=tx.now)

    @router.get("/bookings/{token}/cancellation")
    def cancellation(token: Token) -> Success[Cancellation]:
        """What cancelling would give back; the token is that of a link to pay, or of a receipt."""
        with database.reading() as tx:
            return Success(data=_cancellation(tx, _booking(tx, token)), timestamp=tx.now)

    return router


def _booking(tx: Tx, token: str) -> Booking:
    """Return the booking that a link in somebody's messages is about; raises NotFound."""
    try:
        booking_id = find_pay_link(tx, token).booking_id
    except NotFound:
        booking_id = by_download_token(tx, token).document.booking_id
    return tx.db.get_one(Booking, booking_id)


def _quote(offer: Offer, now: datetime) -> Quote:
    price, deposit = offer.price, offer.deposit
    return Quote(
        listing=offer.listing.number,
        title=offer.listing.title,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        units=offer.quantity,
        instant=offer.instant,
        base=_amount(price.base),
        service_fee=_amount(price.service_fee),
        vat=_amount(price.vat),
        rounding=_amount(price.rounding),
        total=_amount(price.total),
        deposit=None if deposit is None else _amount(deposit.now),
        policy=offer.policy["name"],
        cancellation=_steps(forecast(offer.policy, price.total, offer.starts_at, now)),
    )


def _cancellation(tx: Tx, booking: Booking) -> Cancellation:
    return Cancellation(
        code=booking.code,
        state=booking.state.value,
        paid=booking.paid_at is not None,
        policy=booking.policy["name"],
        cancellation=_steps(outlook(booking, tx.now)),
    )


def _steps(found: list[Refund]) -> list[Step]:
    return [
        Step(refund=_amount(each.refund), kept=_amount(each.kept), until=each.drops_at)
        for each in found
    ]


def _amount(money: Money) -> Amount:
    return Amount(currency=money.currency, cents=money.cents)
