"""Flutterwave's own page for cards: `POST /payments` opens it, a person pays there or does not.

The page has no card form: a button for each thing that can happen. Whoever has paid is led back to
the merchant's `redirect_url` with `status`, `tx_ref` and `transaction_id`; `charge.completed`
follows (developer.flutterwave.com, Flutterwave Standard).
"""

import html
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from channels.simulator.faults import Fault, Service
from channels.simulator.flutterwave import (
    Fields,
    Refusal,
    cents,
    endpoint,
    kenyan,
    next_id,
    success,
    text,
    wallet,
)
from channels.simulator.flutterwave_charges import PAID, call_back, end, fee_cents
from channels.simulator.state import PROMPTS_MAX, Charge, Checkout, PromptState, World, remember
from channels.simulator.wire import read_body, read_form

DECLINED = "Declined by the card's bank"
SESSION_MINUTES = 60
BUTTONS = (("paid", "Pay"), ("declined", "Pay, and be declined"), ("cancelled", "Go back"))

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated card page</title></head><body>
<h1>Simulated card page</h1><p>{what}</p>{form}</body></html>"""


def routes(world: World) -> list[Route]:
    """The call that opens a page, and the page."""

    async def show(request: Request) -> Response:
        return _show(world, request.path_params["token"])

    async def decide(request: Request) -> Response:
        form = read_form(await read_body(request))
        return await _decide(world, request.path_params["token"], form.get("outcome", ""))

    return [
        endpoint(world, "POST", "/payments", Service.FLUTTERWAVE_CHARGE, open_page),
        Route("/hosted/pay/{token}", show, methods=["GET"]),
        Route("/hosted/pay/{token}", decide, methods=["POST"]),
    ]


async def open_page(
    world: World, request: Request, fields: Fields, fault: Fault | None
) -> Response:
    """Open a page for one payment."""
    kenyan(fields)
    customer = fields.get("customer")
    if not isinstance(customer, dict):
        raise Refusal(400, "customer is required")
    email = text(customer, "email")
    if "@" not in email:
        raise Refusal(400, "email is invalid")
    meta = fields.get("meta")
    opened = Checkout(
        token=world.references.hex(20),
        tx_ref=text(fields, "tx_ref"),
        phone=wallet(text(customer, "phonenumber")),
        email=email,
        amount_cents=cents(fields),
        redirect_url=text(fields, "redirect_url"),
        booking=str(meta.get("booking", "")) if isinstance(meta, dict) else "",
        until=world.now() + timedelta(minutes=_minutes(fields)),
        fault=fault,
    )
    remember(world.books.checkouts, opened.token, opened, PROMPTS_MAX)
    # What the request was sent to, so that a browser on this machine finds the page.
    here = f"{request.url.scheme}://{request.url.netloc}"
    mounted = request.url.path.removesuffix("/payments")
    return success("Hosted Link", {"link": f"{here}{mounted}/hosted/pay/{opened.token}"})


def _minutes(fields: Fields) -> int:
    minutes = fields.get("session_duration", SESSION_MINUTES)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 < minutes <= 1440:
        raise Refusal(400, "session_duration is invalid")
    return minutes


def _show(world: World, token: str) -> Response:
    opened = world.books.checkouts.get(token)
    if opened is None:
        return Response(status_code=404)
    if world.now() >= opened.until:
        return HTMLResponse(_PAGE.format(what="This page has expired.", form=""))
    buttons = "".join(
        f'<p><button name="outcome" value="{value}">{label}</button></p>'
        for value, label in BUTTONS
    )
    what = f"KES {opened.amount_cents // 100:,} for {html.escape(opened.booking)}"
    return HTMLResponse(_PAGE.format(what=what, form=f'<form method="post">{buttons}</form>'))


async def _decide(world: World, token: str, outcome: str) -> Response:
    opened = world.books.checkouts.get(token)
    if opened is None:
        return Response(status_code=404)
    if outcome not in dict(BUTTONS) or world.now() >= opened.until:
        return Response(status_code=400)
    if outcome == "cancelled":
        return _back(opened, {"status": "cancelled", "tx_ref": opened.tx_ref})
    earlier = world.books.charges.get(opened.tx_ref)
    if earlier is not None and earlier.state is PromptState.PAID:
        return Response("Duplicate transaction reference", status_code=400)
    made = _charge(world, opened, paid=outcome == "paid")
    await call_back(world, made, opened.fault)
    return _back(
        opened, {"status": made.status, "tx_ref": opened.tx_ref, "transaction_id": str(made.id)}
    )


def _charge(world: World, opened: Checkout, *, paid: bool) -> Charge:
    """Take the money from the card: one that was declined may be tried again."""
    made = Charge(
        id=next_id(world),
        tx_ref=opened.tx_ref,
        flw_ref=world.references.flutterwave(),
        phone=opened.phone,
        email=opened.email,
        amount_cents=opened.amount_cents,
        booking=opened.booking,
        at=world.now(),
        card=True,
    )
    remember(world.books.charges, made.tx_ref, made, PROMPTS_MAX)
    if paid:
        world.books.flutterwave_cents += made.amount_cents - fee_cents(made)
    end(made, PAID if paid else DECLINED)
    return made


def _back(opened: Checkout, told: dict[str, str]) -> Response:
    mark = "&" if "?" in opened.redirect_url else "?"
    return RedirectResponse(f"{opened.redirect_url}{mark}{urlencode(told)}", status_code=303)
