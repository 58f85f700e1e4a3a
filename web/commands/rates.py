"""``nafasi rates``: fee, commission and taxes by the day from which they count."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.catalog.rules import Category
from core.pricing.rules import RateBase, RateName
from web.commands.setup import Json, decided, fail, lists, put_json, say
from web.desk.sentences import RATES

if TYPE_CHECKING:
    from core.db.tx import Tx

app = typer.Typer(help="Fee, commission and taxes, by the day from which they count.")
_run = partial(decided, sentences=RATES)


@lists(app)
def list_rates(*, as_json: Json = False) -> None:
    """Show what counts today, and what is set for later."""
    shown = _run(_shown)
    if as_json:
        put_json({"rates": shown})
        return
    for one in shown:
        of = f" of {one['base']}" if one["base"] else ""
        where = f" for {one['category']}" if one["category"] else ""
        typer.echo(f"{one['name']:<12} {one['percent']:>6} %{of}{where} from {one['from']}")


@app.command()
def add(
    name: Annotated[RateName, typer.Argument(help="Which rate.")],
    percent: Annotated[str, typer.Argument(help="Such as 16 or 1.5.")],
    since: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, in Kenya.")
    ],
    category: Annotated[
        Category | None, typer.Option(help="Only for listings of this kind.")
    ] = None,
    base: Annotated[
        RateBase | None, typer.Option("--of", help="What a tax is of, if not of the usual.")
    ] = None,
) -> None:
    """Set a rate from a day on; what was priced before keeps its own."""
    from core.pricing.usecases import add_rate

    kind = None if category is None else category.value
    points = _basis_points(percent)
    _run(lambda tx: add_rate(tx, name, points, since.date(), kind, base))
    say.print(f"{name.value} is {percent} % from {since:%d %b %Y} on.", markup=False)


def _shown(tx: "Tx") -> list[dict[str, Any]]:
    from core.clock import nairobi_date
    from core.pricing.queries import rates_from

    return [
        {
            "name": row.name.value,
            "percent": f"{Decimal(row.basis_points) / 100:g}",
            "from": row.effective_from.isoformat(),
            "category": row.category,
            "base": None if row.base is None else row.base.value,
        }
        for row in rates_from(tx, nairobi_date(tx.now))
    ]


def _basis_points(percent: str) -> int:
    try:
        points = Decimal(percent) * 100
    except InvalidOperation:
        points = Decimal("0.5")
    if not points.is_finite() or points != int(points):
        fail(RATES["bad_rate"])
    return int(points)
