"""``nafasi paybill`` and ``deposit``: payments by hand, and prices that are paid in two steps."""

from typing import Annotated

import typer

from web.commands.setup import Json, decided, fail, load_settings, put_json
from web.desk.sentences import LISTINGS

app = typer.Typer(help="The paybill that customers pay to by hand.", no_args_is_help=True)
PERCENT = 100


@app.callback()
def paybill() -> None:
    """Payments by hand."""


@app.command()
def register(*, as_json: Json = False) -> None:
    """Tell Daraja where it asks about and confirms payments to the paybill (C2B)."""
    import redis

    from channels.daraja.client import DarajaClient
    from channels.daraja.provider import daraja_config
    from channels.daraja.urls import register_c2b_urls
    from core.ports.providers import ProviderError

    settings = load_settings()
    config = daraja_config(settings)
    with redis.Redis.from_url(settings.redis_url) as store:
        client = DarajaClient(config, store)
        try:
            registered = register_c2b_urls(client)
        except ProviderError as error:
            fail(f"Daraja did not take the addresses: {error}.")
        except redis.RedisError:
            fail("Redis does not answer. Is `nafasi up` running, or NAFASI_REDIS_URL right?")
        finally:
            client.close()
    if as_json:
        put_json({"paybill": config.shortcode, "registered": registered})
    elif registered:
        typer.echo(f"Payments to {config.shortcode} are now told to {settings.public_url}.")
    else:
        typer.echo(
            f"Paybill {config.shortcode} has addresses already. Delete them in the M-Pesa portal "
            "(self service, C2B URLs) to change them, then run this again."
        )


def deposit(
    number: Annotated[int, typer.Argument(help="The listing's number, such as 4507.")],
    percent: Annotated[int, typer.Argument(help="Of the price, to confirm; 100 for all of it.")],
    days: Annotated[
        int, typer.Argument(help="The rest is due so many days before the start.")
    ] = 14,
) -> None:
    """Let a listing ask for a deposit first; bookings made before keep what they agreed to."""
    from core.booking.offers import choose_deposit

    whole = percent == PERCENT
    share, rest_days = (None, None) if whole else (percent * PERCENT, days)
    listing = decided(lambda tx: choose_deposit(tx, number, share, rest_days), sentences=LISTINGS)
    asked = "all at once" if whole else f"{percent}% first, the rest {days} days before"
    typer.echo(f"{listing.number} {listing.title}: {asked}.")
