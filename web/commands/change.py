"""``nafasi change``: other days or people for a booking, on its customer's behalf."""

from datetime import datetime
from typing import Annotated

import typer

from web.commands.setup import Json, fail, load_settings, open_database, put_json


def change(
    code: Annotated[str, typer.Argument(help="The booking's code, such as K7P4Q.")],
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The new first day.")
    ] = None,
    nights: Annotated[int | None, typer.Option(help="How many nights or days.")] = None,
    people: Annotated[int | None, typer.Option(help="How many come.")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say it.")] = False,
    as_json: Json = False,
) -> None:
    """Say what a change of days or people costs, and make it or ask for it."""
    from core.booking.modify import preview_change, request_change, wish_of
    from core.booking.moves import find_by_code
    from core.errors import Refused
    from sessions.flows.words import change_costs
    from sessions.texts import LANGUAGE, plain, why

    try:
        with open_database(load_settings()) as database, database.transaction() as tx:
            booking = find_by_code(tx, code)
            day = date.date() if date else None
            wish = wish_of(tx, booking, starts_on=day, days=nights, people=people)
            found = preview_change(tx, booking, wish)
            made = request_change(tx, booking.id, None, wish, found.agreed) if yes else None
            told = plain(change_costs(found), LANGUAGE)
    except Refused as error:
        fail(f"{code} was not changed. {plain(why(error), LANGUAGE)}")
    if as_json:
        put_json(
            {
                "code": booking.code,
                "starts_on": wish.starts_on,
                "ends_on": wish.ends_on,
                "people": wish.people,
                "present_cents": found.present.cents,
                "total_cents": found.offer.price.total.cents,
                "to_pay_cents": found.to_pay.cents,
                "refund_cents": found.refund.cents,
                "kept_cents": found.kept.cents,
                "asks_vendor": found.asks_vendor,
                "change": made.state.value if made else None,
            }
        )
        return
    typer.echo(f"{booking.code}: {wish.starts_on} to {wish.ends_on}, {wish.people} people. {told}")
    if made is not None:
        typer.echo(f"The change is {made.state.value.replace('_', ' ')}.")
    elif found.asks_vendor:
        typer.echo("The vendor has to agree. --yes asks them.")
    else:
        typer.echo("Nothing is changed yet: --yes does it.")
