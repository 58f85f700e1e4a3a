"""``nafasi clock advance`` and ``nafasi trigger``: time and work by hand, in local trials."""

import re
import time
from datetime import datetime, timedelta
from typing import Annotated

import typer

from web.commands.setup import Json, fail, load_settings, open_database, put_json, say

# Each process looks what time it is once a second: whoever types next should meet one time.
FOLLOWED_SECONDS = 1.2
UNITS = {"m": "minutes", "h": "hours", "d": "days"}

app = typer.Typer(help="The application's time, in a local trial.", no_args_is_help=True)


@app.command()
def advance(
    step: Annotated[str, typer.Argument(help="How far: 90m, 25h or 8d.")],
    *,
    as_json: Json = False,
) -> None:
    """Move time forward and let everything happen that falls due on the way."""
    from core.clock import NAIROBI
    from web.trial_clock import Advance, WorkersIdle
    from web.wake import Producer

    settings = load_settings()
    if not settings.local:
        fail("Time can be moved in a local trial only.")
    producer = Producer(settings.redis_url)
    stops: list[datetime] = []
    try:
        with open_database(settings) as database, say.status("Moving time") as status:

            def said(at: datetime) -> None:
                stops.append(at)
                status.update(f"{at.astimezone(NAIROBI):%a %d %b %Y %H:%M}")

            arrived = Advance(database, producer.send, said).by(parse_step(step))
            time.sleep(FOLLOWED_SECONDS)
    except ValueError as error:
        fail(f"That is no step to take: {error}. Try 90m, 25h or 8d.")
    except WorkersIdle as error:
        fail(f"Nobody does what is due ({', '.join(error.data['due'])}). Is `nafasi up` running?")
    finally:
        producer.close()
    if as_json:
        put_json({"now": arrived.isoformat(), "stops": len(stops)})
    else:
        typer.echo(f"It is {arrived.astimezone(NAIROBI):%A %d %B %Y, %H:%M} in Nairobi.")


@app.command()
def show(*, as_json: Json = False) -> None:
    """Show the application's time."""
    from core.clock import NAIROBI

    with open_database(load_settings()) as database:
        now = database.clock.now()
    if as_json:
        put_json({"now": now.isoformat()})
    else:
        typer.echo(f"{now.astimezone(NAIROBI):%A %d %B %Y, %H:%M} in Nairobi")


def trigger(
    work: Annotated[str, typer.Argument(help="payouts, timers, notices, attempts, inbox ...")],
) -> None:
    """Wake the workers for one kind of work now instead of at its time."""
    from kombu.exceptions import OperationalError

    from web.wake import QUEUES, Producer

    if work not in QUEUES:
        fail(f"There is no work called {work}. There is: {', '.join(QUEUES)}.")
    producer = Producer(load_settings().redis_url)
    try:
        producer.send(work)
    except OperationalError:
        fail("Redis does not answer. Is `nafasi up` running, or NAFASI_REDIS_URL right?")
    finally:
        producer.close()
    say.print(f"Asked for {work}.")


def parse_step(text: str) -> timedelta:
    """Return the length of ``90m``, ``25h`` or ``8d``; raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no length of time")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
