"""``nafasi cancel``, ``refunds`` and ``policy``: what admins decide about money that goes back."""

from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import Json, decided, load_settings, open_database, put_json
from web.desk.sentences import BOOKINGS, LISTINGS

if TYPE_CHECKING:
    from core.booking.model import Booking
    from core.db.tx import Tx
    from core.money import Money
    from core.payments.model import Refund


def cancel(
    code: Annotated[str, typer.Argument(help="The booking's code, such as K7P4Q.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the booking.")],
    *,
    by_policy: Annotated[
        bool, typer.Option("--by-policy", help="Give back what its policy says, not all.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Cancel a paid booking; both sides are told and the money goes back."""
    from core.booking.cancel import cancel_by_admin
    from core.booking.moves import find_by_code
    from core.money import Money
    from core.payments.refunds import refunded
    from sessions.texts import money

    def decide(tx: "Tx") -> "tuple[Booking, Money]":
        booking = cancel_by_admin(tx, find_by_code(tx, code).id, None, reason, by_policy=by_policy)
        return booking, sum(refunded(tx, booking.id), start=Money(0))

    found, back = decided(decide, sentences=BOOKINGS)
    if as_json:
        put_json({"code": found.code, "state": found.state.value, "refund_cents": back.cents})
    else:
        typer.echo(f"{found.code} is cancelled. {money(back)} goes back.")


def refunds(
    *,
    retry: Annotated[
        bool, typer.Option("--retry", help="Send each of them once more, to the same phone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List refunds that failed or came back, and send them again when asked to."""
    from core.booking.model import Booking
    from core.limits import B2C_MIN_CENTS
    from core.money import Money
    from core.msisdn import mask
    from core.payments.refunds import failed_refunds, retry_refund
    from sessions.texts import money

    with open_database(load_settings()) as database, database.transaction() as tx:
        failed = failed_refunds(tx)
        rows = [
            {
                "refund": str(each.id),
                "booking": tx.db.get_one(Booking, each.booking_id).code,
                "phone": mask(each.msisdn),
                "amount_cents": each.amount_cents,
                "state": each.state.value,
                "reason": each.reason.value if each.reason else None,
                "since": each.finished_at.isoformat() if each.finished_at else None,
            }
            for each in failed
        ]
        again = [each.id for each in failed if retry and each.amount_cents >= B2C_MIN_CENTS]
        for refund_id in again:
            retry_refund(tx, refund_id)
    if as_json:
        put_json({"failed": rows, "sent_again": len(again)})
        return
    for row, each in zip(rows, failed, strict=True):
        typer.echo(
            f"{row['booking']}  {money(Money(each.amount_cents))}  {row['phone']}  {_why(each)}"
        )
    typer.echo(f"{len(rows)} failed, {len(again)} sent again.")


def _why(refund: "Refund") -> str:
    if refund.state.value == "reversed":
        return "came back"
    return refund.reason.value if refund.reason else "too small to send"


def policy(
    number: Annotated[int, typer.Argument(help="The listing's number, such as 4507.")],
    name: Annotated[str, typer.Argument(help="standard, flexible, strict, meetings, ...")],
) -> None:
    """Give a listing another cancellation policy; bookings made before keep theirs."""
    from core.booking.offers import choose_policy
    from core.booking.policy import POLICIES
    from sessions.flows.words import refund_line
    from sessions.texts import LANGUAGE, plain

    listing = decided(lambda tx: choose_policy(tx, number, name), sentences=LISTINGS)
    line = plain(refund_line(POLICIES[name]), LANGUAGE)
    typer.echo(f"{listing.number} {listing.title}: {name}. {line}.")
