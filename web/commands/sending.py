"""``nafasi costs`` and ``nafasi optouts``: what messages cost, and who wants none."""

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, fail, load_settings, open_database, put_json

if TYPE_CHECKING:
    from core.costs import Costs, Share


def costs(
    month: Annotated[
        str | None, typer.Option("--month", help="Such as 2026-11; this month without it.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """What messages cost in a month: by topic, language and route, and for each booking."""
    from core.costs import costs as read

    with open_database(load_settings()) as database, database.transaction() as tx:
        found = read(tx, _month(month, tx.now))
    if as_json:
        put_json(_told(found))
    else:
        _print(found)


def optouts(
    phone: Annotated[str, typer.Argument(help="The person's number.")], *, as_json: Json = False
) -> None:
    """What a person said about being written to: when, in which message, in which words."""
    from core.errors import BadInput
    from core.msisdn import mask, parse_msisdn
    from core.people.model import Purpose
    from core.people.usecases import may_write, opt_out_words

    try:
        msisdn = parse_msisdn(phone)
    except BadInput:
        fail("That is no phone number.")
    with open_database(load_settings()) as database, database.transaction() as tx:
        now = {purpose.value: may_write(tx, msisdn, purpose) for purpose in Purpose}
        words = [
            {
                "at": word.at.isoformat(),
                "purpose": word.purpose.value,
                "wanted": word.wanted,
                "via": word.via,
                "reference": word.reference,
                "words": word.words,
            }
            for word in opt_out_words(tx, msisdn)
        ]
    if as_json:
        put_json({"phone": mask(msisdn), "may_write": now, "said": words})
        return
    for purpose, may in now.items():
        sys.stdout.write(f"{purpose}: {'may be written to' if may else 'wants none'}\n")
    for word in words:
        wish = "wants" if word["wanted"] else "does not want"
        sys.stdout.write(
            f"{word['at']} {wish} {word['purpose']}: {word['words']!r} "
            f"(via {word['via']}, {word['reference']})\n"
        )


def _month(asked: str | None, now: datetime) -> date:
    from core.clock import NAIROBI

    if asked is None:
        return now.astimezone(NAIROBI).date()
    try:
        return date.fromisoformat(f"{asked}-01")
    except ValueError:
        fail("Write a month such as 2026-11.")


def _told(found: "Costs") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found) | {"month": f"{found.month:%Y-%m}"}


def _print(found: "Costs") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(f"{found.month:%B %Y}", "Messages", "Segments", "KES", "Estimated", "No price")
    table.add_row(*_row(found.total))
    for title, shares in (
        ("by topic", found.topics),
        ("by language", found.languages),
        ("by route", found.routes),
    ):
        table.add_section()
        table.add_row(title)
        for share in shares:
            table.add_row(*_row(share))
    console = Console()
    console.print(table)
    each = found.per_booking
    console.print(
        f"{each.bookings} bookings: median KES {each.median_cents / 100:.2f}, "
        f"p95 KES {each.p95_cents / 100:.2f}, most KES {each.most_cents / 100:.2f}"
    )


def _row(share: "Share") -> list[str]:
    numbers = (share.messages, share.segments, f"{share.cents / 100:,.2f}")
    return [share.name, *map(str, (*numbers, share.estimated, share.unpriced))]
