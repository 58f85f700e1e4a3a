"""``nafasi photos``: a listing's photos, and taking one down."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, load_settings, put_json, say
from web.desk.sentences import PHOTOS

if TYPE_CHECKING:
    from core.db.tx import Tx

# What the database can hold: a greater number is no photo's and no listing's.
NUMBER_MAX = 2**31 - 1

app = typer.Typer(no_args_is_help=True, help="Photos of listings: list, take-down.")

Listing = Annotated[int, typer.Argument(min=1, max=NUMBER_MAX, help="The listing's number.")]

_run = partial(decided, sentences=PHOTOS)


@app.command("list")
def list_photos(listing: Listing, *, as_json: Json = False) -> None:
    """List a listing's photos, the cover first, and those that were taken down."""
    from core.catalog.takedowns import photos_for_staff
    from web.desk.photos import ToldPhotos

    def read(tx: "Tx") -> dict[str, Any]:
        return ToldPhotos.of(photos_for_staff(tx, listing)).model_dump(mode="json")

    found = _run(read)
    if as_json:
        put_json(found)
    else:
        _print(found)


@app.command("take-down")
def take_down(
    listing: Listing,
    number: Annotated[int, typer.Argument(min=1, max=NUMBER_MAX, help="The photo's number.")],
    reason: Annotated[str, typer.Option("--reason", help="Its vendor reads it in an SMS.")],
) -> None:
    """Take a photo down for good; its vendor is told why, and it cannot be sent again."""
    from core.catalog import takedowns
    from web.desk.photos import ToldTakeDown

    def away(tx: "Tx") -> dict[str, Any]:
        taken = takedowns.take_down(tx, listing, number, reason)
        return ToldTakeDown.of(taken).model_dump(mode="json")

    told = _run(away)
    if told["already"]:
        say.print(f"Already taken down: {_down(told['photo'])}", markup=False)
    else:
        say.print(f"Photo {number} is taken down; its vendor is told why.")


def _print(found: dict[str, Any]) -> None:
    base = load_settings().public_url.rstrip("/")
    lines = [f"Listing {found['listing']} {found['title']}: {found['status']}"]
    lines += [
        f"{one['number']:>6}  {one['kept_at'][:16]}  {one['width']}x{one['height']}"
        f"  {one['size_bytes'] / 1000:.0f} kB  {base}{one['path']}"
        for one in found["photos"]
    ]
    if not found["photos"]:
        lines.append("There are no photos.")
    lines += [f"Taken down: {_down(one)}" for one in found["taken_down"]]
    sys.stdout.write("\n".join(lines) + "\n")


def _down(one: dict[str, Any]) -> str:
    by = f" by {one['by']}" if one["by"] else ""
    return f"{one['number']} on {one['taken_down_at'][:16]}{by}: {one['reason']}"
