"""Pages of the documentation that are written by the code, so that they cannot fall behind it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.lifecycle import Lifecycle

LIFECYCLE_PAGE = "docs/generated/lifecycle.md"

_HEAD = """# Lifecycles

Written from the transition tables in `core`; a test says when this page is stale.
The database allows the same states (CHECK constraints), and the code no other move.
"""


def lifecycle_markdown() -> str:
    """Return the page of ``docs/generated/lifecycle.md``: a diagram and a table a lifecycle."""
    from core.booking import lifecycle as booking
    from core.disputes import lifecycle as dispute
    from core.documents import lifecycle as invoice
    from core.payments import lifecycle as attempt
    from core.payouts import model as payout
    from core.support import lifecycle as ticket
    from core.waitlist import lifecycle as wait

    parts = (
        _section("A booking", booking.LIFECYCLE, _words(booking.PUBLIC)),
        _section("A change of days or people", booking.CHANGE_LIFECYCLE),
        _section("An attempt to move money", attempt.LIFECYCLE),
        _section("A dispute", dispute.LIFECYCLE),
        _section("A refund", attempt.REFUND_LIFECYCLE),
        _section("A payout", payout.LIFECYCLE),
        _section("A place in the line for a full day", wait.LIFECYCLE),
        _section("An invoice for the tax authority", invoice.LIFECYCLE),
        _section("A ticket", ticket.LIFECYCLE),
    )
    return "\n".join((_HEAD, *parts))


def _section(title: str, lifecycle: "Lifecycle[Any, Any]", more: str = "") -> str:
    rows = [f"| {before} | {event} | {after} |" for event, before, after in lifecycle.rows]
    table = "\n".join(("| From | Event | To |", "| --- | --- | --- |", *rows))
    ends = [state.value for state in lifecycle.states if not lifecycle.events(state)]
    return (
        f"## {title}\n\n```mermaid\n{lifecycle.diagram()}```\n\n{table}\n\n"
        f"Nothing leads on from: {', '.join(ends)}.\n{more}"
    )


def _words(public: Mapping[Any, str]) -> str:
    """The words of the API beside those inside."""
    rows = [f"| {state} | {word} |" for state, word in public.items()]
    return "\n" + "\n".join(("| Inside | In the API |", "| --- | --- |", *rows, ""))


def docs() -> None:
    """Write the generated pages anew; run it in a checkout."""
    Path(LIFECYCLE_PAGE).write_text(lifecycle_markdown())
