"""``nafasi cancel`` and ``policy``: what admins decide about money that goes back."""

from typing import Annotated

import typer

from web.commands.setup import Json, fail, load_settings, open_database, put_json


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
    from core.errors import Refused
    from core.money import Money
    from core.payments.refunds import refunded
    from sessions.texts import money

    try:
        with open_database(load_settings()) as database, database.transaction() as tx:
            found = find_by_code(tx, code)
            cancel_by_admin(tx, found.id, None, reason, by_policy=by_policy)
            back = sum(refunded(tx, found.id), start=Money(0))
    except Refused as error:
        fail(f"{code} was not cancelled: {error}.")
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
    from core.errors import Refused
    from sessions.flows.words import refund_line
    from sessions.texts import LANGUAGE, plain

    try:
        with open_database(load_settings()) as database, database.transaction() as tx:
            listing = choose_policy(tx, number, name)
    except Refused as error:
        fail(f"Nothing was changed: {error}.")
    line = plain(refund_line(POLICIES[name]), LANGUAGE)
    typer.echo(f"{listing.number} {listing.title}: {name}. {line}.")
