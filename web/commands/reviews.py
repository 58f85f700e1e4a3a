"""``nafasi reviews``: what guests say, and what is not shown of it."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import Json, decided, lists, put_json, say

if TYPE_CHECKING:
    from core.reviews.queries import ReviewView

app = typer.Typer(help="What guests say of listings: list, hide, show.")

Id = Annotated[str, typer.Argument(help="The code of the review's booking, such as K7P4Q.")]

SENTENCES = {
    "no_booking": "There is no such booking.",
    "no_review": "Nobody has reviewed that booking.",
    "no_reason": "Say why it is not to be shown.",
}
_run = partial(decided, sentences=SENTENCES)


@lists(app)
def list_newest(*, as_json: Json = False) -> None:
    """List the newest reviews, hidden ones too."""
    from core.reviews.queries import newest_reviews

    found = _run(lambda tx: [_told(view) for view in newest_reviews(tx)])
    if as_json:
        put_json({"reviews": found})
        return
    if not found:
        sys.stdout.write("Nobody has said anything yet.\n")
    for one in found:
        hidden = f" (hidden: {one['hidden_why']})" if one["hidden_why"] else ""
        sys.stdout.write(
            f"{one['booking']} {one['stars']}* {one['listing']} {one['title']}: {one['words']}"
            f"{hidden}\n"
        )


@app.command()
def hide(
    code: Id, reason: Annotated[str, typer.Option("--reason", help="Kept with the review.")]
) -> None:
    """Show a review to nobody; its stars no longer count."""
    from core.reviews.usecases import hide_review

    _run(lambda tx: hide_review(tx, code, reason))
    say.print(f"{code.upper()} is hidden.")


@app.command()
def show(code: Id) -> None:
    """Show a hidden review again."""
    from core.reviews.usecases import show_review

    _run(lambda tx: show_review(tx, code))
    say.print(f"{code.upper()} is shown.")


def _told(view: "ReviewView") -> dict[str, Any]:
    review = view.review
    return {
        "booking": view.code,
        "listing": view.number,
        "title": view.title,
        "stars": review.stars,
        "words": review.words,
        "written_at": review.written_at.isoformat(),
        "edited_at": review.edited_at.isoformat() if review.edited_at else None,
        "hidden_at": review.hidden_at.isoformat() if review.hidden_at else None,
        "hidden_why": review.hidden_why,
    }
