"""``nafasi cancel`` and ``policy``: what admins decide about money that goes back."""

from typing import TYPE_CHECKING, Annotated

import typer

from web.commands.setup import Json, decided, put_json
from web.desk.sentences import BOOKINGS, LISTINGS

if TYPE_CHECKING:
    from core.booking.model import Booking
    from core.db.tx import Tx
    from core.money import Money


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
