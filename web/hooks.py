"""Provider callbacks but for the USSD hop: stored raw in one transaction, answered at once.

A worker applies them (DESIGN §3 rule 3). While the database is away they wait on the disk
(``web.inlet``): Safaricom tells of a payment once, and a vendor's yes has a deadline. What is no
callback of the provider's form is refused with 400 and leaves nothing; a wrong secret is 404, like
any address that does not exist.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from channels.africastalking.form import PROVIDER as AFRICASTALKING
from channels.africastalking.inbound import FORMS, take_form
from channels.daraja.callbacks import (
    ACKNOWLEDGED,
    C2B_ACCEPTED,
    C2B_BAD_ACCOUNT,
    C2B_BAD_AMOUNT,
    load,
    parse_c2b,
)
from channels.daraja.inbound import CONFIRMATION, MONEY, take_confirmation, take_money
from channels.daraja.wire import PROVIDER as DARAJA
from channels.form import fields
from channels.money import Forged, MoneyProvider
from channels.registry import enabled_providers, enabled_sms_routes
from channels.sms import SmsCall, SmsRoute
from core.payments.paybill import Fit, judge
from core.ports.calls import SessionEnd
from core.ports.providers import BadCallback, Callback
from web.hop import Gone, TooLong, read_body
from web.journal import JournalFull, JournalUnusable
from web.parts import Parts

log = structlog.get_logger()

# Codes of C2B validation: 15 another shortcode, 16 anything else (provider-facts §2.6).
C2B_BAD_SHORTCODE: Mapping[str, Any] = {"ResultCode": "C2B00015", "ResultDesc": "Rejected"}
C2B_UNREADABLE: Mapping[str, Any] = {"ResultCode": "C2B00016", "ResultDesc": "Rejected"}
C2B_ANSWERS = {
    Fit.FITS: C2B_ACCEPTED,
    Fit.NO_ACCOUNT: C2B_BAD_ACCOUNT,
    Fit.WRONG_AMOUNT: C2B_BAD_AMOUNT,
}


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request.receive)
    except TooLong:
        raise HTTPException(413) from None
    except Gone:
        raise HTTPException(400) from None


Body = Annotated[bytes, Depends(_body)]


def hook_routes(parts: Parts) -> APIRouter:
    """Return the callbacks' routes."""
    secret = parts.settings.callback_secret.get_secret_value().encode()

    def knows_secret(provider: str) -> Any:
        async def check(given: Annotated[str, Path(alias="secret")]) -> None:
            if not hmac.compare_digest(given.encode(), secret):
                parts.metrics.callback(provider, "any", "wrong_secret")
                log.info("callback.wrong_secret", provider=provider)
                raise HTTPException(404)

        return Depends(check)

    router = APIRouter(prefix="/hooks", include_in_schema=False)
    for provider, routes in ((AFRICASTALKING, _africastalking), (DARAJA, _daraja)):
        # Before anything else is looked at: who does not know the secret learns nothing, not
        # even that a body was too long.
        first = [knows_secret(provider)]
        router.include_router(routes(parts), prefix=f"/{provider}/{{secret}}", dependencies=first)
    for other in enabled_providers(parts.settings):
        if other.webhooks:
            first = [knows_secret(other.name)]
            prefix = f"/{other.name}/{{secret}}"
            router.include_router(_webhooks(parts, other), prefix=prefix, dependencies=first)
    for route in enabled_sms_routes(parts.settings):
        if route.accepts:
            first = [knows_secret(route.name)]
            prefix = f"/{route.name}/{{secret}}"
            router.include_router(_messages(parts, route), prefix=prefix, dependencies=first)
    return router


def _messages(parts: Parts, route: SmsRoute) -> APIRouter:
    """Return the routes of messages and delivery reports."""
    router = APIRouter()
    base = parts.settings.public_url.rstrip("/")

    def message_callback(name: str, request: Request, body: Body) -> Response:
        accept = route.accepts.get(name)
        if accept is None:
            raise HTTPException(404)
        query = request.scope["query_string"]
        address = f"{base}{request.url.path}" + (f"?{query.decode()}" if query else "")
        try:
            callback = accept(parts.settings, SmsCall(address, query, request.headers, body))
        except Forged:
            return _forged(parts, route.name, name)
        except BadCallback as error:
            return _refuse(parts, route.name, name, error)
        _keep(parts, callback)
        kind = "text/xml" if route.noted.startswith("<") else "text/plain"
        return Response(route.noted, media_type=kind)

    router.add_api_route("/{name}", message_callback, methods=[route.method])
    return router


def _forged(parts: Parts, provider: str, kind: str) -> Response:
    parts.metrics.callback(provider, kind, "forged")
    log.warning("callback.forged", provider=provider, kind=kind)
    return PlainTextResponse("Unauthorized", status_code=401)


def _webhooks(parts: Parts, provider: MoneyProvider) -> APIRouter:
    """Return the routes of a provider that has one address for each kind of callback."""
    router = APIRouter()

    @router.post("/{name}")
    def webhook(name: str, request: Request, body: Body) -> Response:
        accept = provider.webhooks.get(name)
        if accept is None:
            raise HTTPException(404)
        try:
            callback = accept(parts.settings, request.headers, body)
        except Forged:
            return _forged(parts, provider.name, name)
        except BadCallback as error:
            return _refuse(parts, provider.name, name, error)
        _keep(parts, callback)
        return PlainTextResponse("OK")

    return router


def _africastalking(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post("/{name}")
    def form_callback(name: str, body: Body) -> Response:
        form = FORMS.get(name)
        if form is None:
            raise HTTPException(404)
        try:
            callback = take_form(form, body, parts.database.clock.now())
        except BadCallback as error:
            if form.kind == "sms" and _from_machine(body, error):
                parts.metrics.callback(AFRICASTALKING, form.kind, "from_machine")
                return PlainTextResponse("OK")
            return _refuse(parts, AFRICASTALKING, form.kind, error)
        _keep(parts, callback)
        return PlainTextResponse("OK")

    return router


def _from_machine(body: bytes, error: BadCallback) -> bool:
    """Tell whether a message's sender is a short code or a name: it gets no answer.

    A refusal would only make the provider send it again for hours.
    """
    return error.data.get("field") == "from" and bool(fields(body).get("from", "").strip())


def _daraja(parts: Parts) -> APIRouter:
    router = APIRouter(dependencies=[_listed(parts)])

    @router.post("/c2b/validation")
    def validate(body: Body) -> Response:
        answer = _validation(parts, body)
        parts.metrics.callback(DARAJA, "c2b_validation", str(answer["ResultCode"]))
        return JSONResponse(answer)

    @router.post("/c2b/confirmation")
    def confirm(body: Body) -> Response:
        try:
            callback = take_confirmation(body)
        except BadCallback as error:
            return _refuse(parts, DARAJA, CONFIRMATION, error)
        _keep(parts, callback)
        return JSONResponse(ACKNOWLEDGED)

    @router.post("/{service}/{attempt_id}")
    @router.post("/{service}/{attempt_id}/{part}")
    def money_callback(service: str, attempt_id: str, body: Body, part: str = "") -> Response:
        kind = MONEY.get((service, part))
        attempt = _uuid(attempt_id)
        if kind is None or attempt is None:
            raise HTTPException(404)
        try:
            callback = take_money(kind, attempt, body)
        except BadCallback as error:
            return _refuse(parts, DARAJA, kind, error)
        _keep(parts, callback)
        return JSONResponse(ACKNOWLEDGED)

    return router


def _listed(parts: Parts) -> Any:
    """Let only Safaricom's own machines in, when the settings name them."""
    named = parts.settings.daraja_callback_ips.replace(" ", "")
    allowed = frozenset(named.split(",")) if named not in {"", "any"} else None

    async def check(request: Request) -> None:
        caller = request.client.host if request.client else ""
        if allowed is not None and caller not in allowed:
            parts.metrics.callback(DARAJA, "any", "wrong_address")
            log.warning("callback.wrong_address", provider=DARAJA)
            raise HTTPException(404)

    return Depends(check)


def _validation(parts: Parts, body: bytes) -> Mapping[str, Any]:
    """Answer whether a payment by hand should be let in."""
    try:
        event = parse_c2b(load(body), shortcode=parts.settings.daraja_shortcode)
    except BadCallback as error:
        wrong = {"BusinessShortCode": C2B_BAD_SHORTCODE, "TransAmount": C2B_BAD_AMOUNT}
        return wrong.get(str(error.data.get("field")), C2B_UNREADABLE)
    account, amount = event.account or "", event.amount
    assert amount is not None, "parse_c2b refuses a payment without an amount"
    return C2B_ANSWERS[parts.database.run(lambda tx: judge(tx, account, amount))]


def keep_end(parts: Parts, end: SessionEnd) -> None:
    """Keep a gateway's word that a conversation is over; never raises.

    Nothing hangs on it, and a gateway that is told of our troubles would only say it again.
    """
    payload = {
        "status": end.status,
        "hops": end.hops,
        "network": end.network,
        "error": end.error,
    }
    callback = Callback(end.provider, "ussd_event", end.session_id, payload, once=True)
    with suppress(JournalFull, JournalUnusable):
        parts.inlet.keep(callback)


def _keep(parts: Parts, callback: Callback) -> None:
    """Keep a callback; 503 when nothing can take it, so that a provider who repeats does."""
    try:
        parts.inlet.keep(callback)
    except (JournalFull, JournalUnusable):
        raise HTTPException(503) from None


def _refuse(parts: Parts, provider: str, kind: str, error: BadCallback) -> Response:
    parts.metrics.callback(provider, kind, "refused")
    log.info("callback.refused", provider=provider, kind=kind, field=error.data.get("field"))
    return PlainTextResponse("Bad Request", status_code=400)


def _uuid(text: str) -> UUID | None:
    """Return an attempt's id, or None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
