"""``nafasi funnel``: how far callers get, how calls end, how long hops take, what a booking costs.

The API tells admins the same JSON.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.limits import FUNNEL_DAYS_SHOWN_MAX
from web.commands.setup import load_settings, open_database, put_json

if TYPE_CHECKING:
    from core.insight.queries import Funnel

BY = "network, language, version, role or day"


def funnel(
    days: Annotated[
        int, typer.Option(min=1, max=FUNNEL_DAYS_SHOWN_MAX, help="How many, with today.")
    ] = 7,
    by: Annotated[str, typer.Option(help=f"Tell them apart by {BY}.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show what became of calls, each rate beside what it is a rate of."""
    from core.insight.queries import By, funnels
    from web.desk.funnel import ToldFunnels

    try:
        chosen = By(by) if by else None
    except ValueError:
        raise typer.BadParameter(f"{by} is none of {BY}", param_hint="--by") from None
    with open_database(load_settings()) as database:
        found = database.run(lambda tx: funnels(tx, days, chosen))
    if as_json:
        put_json(ToldFunnels.of(days, chosen, found).model_dump(mode="json"))
        return
    for one in found:
        sys.stdout.write("\n".join(_lines(one)) + "\n\n")
    if not found:
        sys.stdout.write("Nobody has called.\n")


def _lines(found: "Funnel") -> list[str]:
    said = found.to_json()
    hops, turns, sessions = said["hops"], said["turns"], said["sessions"]
    customers, bookings = said["customers"], said["bookings"]
    below = f"half below {_ms(hops['p50_ms_below'])}, 95% below {_ms(hops['p95_ms_below'])}"
    refused = f"{turns['mistakes']:,} refused ({_of(turns['mistakes_of_turns'])} of turns)"
    reached = ", ".join(
        f"{name} {part['sessions']:,} ({_of(part['of_sessions'])})"
        for name, part in customers.items()
        if name != "sessions"
    )
    paid = f"{bookings['paid']:,} paid ({_of(bookings['paid_of_made'])} of made)"
    cost = _kes(bookings["cost_cents_a_booking"])
    known = f"{bookings['sessions_with_known_cost']:,} sessions whose cost is known"
    return [
        *([f"== {found.of}"] if found.of else []),
        f"hops       {hops['count']:,} ({hops['faults']:,} failed), {below}",
        f"turns      {turns['count']:,}, {refused}",
        f"sessions   {sessions['count']:,}, ended: {_shares(sessions)}",
        f"customers  {customers['sessions']:,} sessions, of these {reached}",
        f"bookings   {bookings['made']:,} made, {paid}, {cost} each for SMS and {known}",
    ]


def _shares(sessions: dict[str, Any]) -> str:
    shares = sessions["ended_of_sessions"]
    return ", ".join(
        f"{name.replace('_', ' ')} {count:,} ({_of(shares[name])})"
        for name, count in sessions["ended"].items()
        if count
    )


def _of(rate: str | None) -> str:
    return rate or "-"


def _ms(bound: int | None) -> str:
    return f"{bound:,} ms" if bound else "-"


def _kes(cents: int | None) -> str:
    return f"KES {cents // 100}.{cents % 100:02d}" if cents is not None else "no cost"
