"""The page on which a booking is paid by card: what it is, what it costs, and a button.

The provider is called by a worker, so the page waits for the link to its page by loading itself
again. What a browser brings back from there is not read: the page shows what we know.
"""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from core.booking.cancel import outlook
from core.booking.lifecycle import PAID
from core.errors import Refused
from core.payments.cards import PayPage, pay_page, start_card
from core.payments.lifecycle import OPEN, AttemptState
from core.ports.money import Reason
from sessions.flows import words
from sessions.texts import T, plain, t, why
from web.pages.render import language_of, page
from web.pages.tokens import PRIVATE, Token, or_404
from web.parts import Parts

WAIT_SECONDS = 3
# A page that waits loads itself so often at most; then a person does.
LOOKS_MAX = 40
LOOK_DIGITS = 3


def pay_routes(parts: Parts) -> APIRouter:
    """Return the addresses of the page."""
    router = APIRouter(include_in_schema=False)
    database = parts.database

    def shown(request: Request, token: str, refusal: Refused | None = None) -> Response:
        with database.reading() as tx, or_404():
            values = _values(pay_page(tx, token), tx.now, _looks(request), refusal)
        language = language_of(request)
        status = 200 if refusal is None else 409
        answer = page(request, "pay.html", _in(values, language), status)
        answer.headers.update(PRIVATE)
        return answer

    @router.get("/pay/{token}")
    def show(request: Request, token: Token) -> Response:
        return shown(request, token)

    @router.post("/pay/{token}")
    def start(request: Request, token: Token) -> Response:
        try:
            with or_404():
                database.run(lambda tx: start_card(tx, token))
        except Refused as error:
            return shown(request, token, error)
        return RedirectResponse(f"/pay/{token}?lang={language_of(request)}", status_code=303)

    return router


def _looks(request: Request) -> int:
    """How often the page has loaded itself already."""
    given = request.query_params.get("look", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= LOOK_DIGITS else 0


def _values(found: PayPage, now: datetime, looks: int, refusal: Refused | None) -> dict[str, Any]:
    """What the page says."""
    booking, listing, payable = found.view.booking, found.view.listing, found.payable
    rows: list[tuple[T, T]] = [
        (t("Booking"), t("{code} {name}", code=booking.code, name=listing.title)),
        (t("Date"), words.days(listing.category, booking.starts_on, booking.ends_on)),
        (t("People"), words.people(booking.people)),
    ]
    steps = []
    if payable is not None:
        rows.append((t("To pay"), words.part_of(payable)))
        rows.append((t("Pay until"), t("{by}", by=payable.by)))
        steps = outlook(booking, now)
    open_page = found.attempt if payable is not None and _is_open(found) else None
    waits = open_page is not None and open_page.link is None
    return {
        "title": t("Pay by card"),
        "standing": why(refusal) if refusal is not None else _standing(found, waits=waits),
        "rows": rows,
        "link": open_page.link if open_page is not None else None,
        "go_on": t("Go to the card page"),
        "button": t("Pay by card") if payable is not None and open_page is None else None,
        "cancelling": t("Once paid, you get back:"),
        "steps": [words.step_of(step) for step in steps],
        "look": looks + 1 if waits and looks < LOOKS_MAX else None,
        "again": t("Look again"),
        "waits": waits,
        "seconds": WAIT_SECONDS,
    }


def _is_open(found: PayPage) -> bool:
    """Tell whether a page of the provider's is open for the sum that is to be paid now."""
    attempt, payable = found.attempt, found.payable
    assert payable is not None, "looked at by the caller"
    same = attempt is not None and attempt.amount_cents == payable.ask.cents
    return same and attempt is not None and attempt.state in OPEN


def _standing(found: PayPage, *, waits: bool) -> T:
    attempt = found.attempt
    if found.payable is None:
        if found.view.booking.state in PAID:
            return t("It is paid. Thank you. You get an SMS.")
        return t("There is nothing to pay now.")
    if waits:
        return t("One moment, the card page is being opened.")
    failed = attempt is not None and attempt.state is AttemptState.FAILED
    if failed and attempt is not None and attempt.reason is not Reason.CANCELLED:
        return t("The card payment did not go through. Nothing was taken.")
    if attempt is not None and attempt.state in OPEN:
        return t("Paid already? It takes a minute until we see it.")
    return t("You type your card on the page of our payment partner, never here.")


def _in(values: dict[str, Any], language: str) -> dict[str, Any]:
    """Put every sentence into a language."""
    told = {
        name: plain(value, language) if isinstance(value, T) else value
        for name, value in values.items()
    }
    told["rows"] = [tuple(plain(cell, language) for cell in row) for row in values["rows"]]
    told["steps"] = [plain(step, language) for step in values["steps"]]
    return told
