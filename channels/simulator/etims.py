"""KRA's online unit (OSCU), as far as a seller uses it: initialise, items, sales.

Every answer is HTTP 200 with `{"resultCd", "resultMsg", "resultDt", "data"}`; what went wrong is
in the code. Sales are known by branch and `invcNo`: the same number again is 994.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.simulator.faults import (
    Dialect,
    Fault,
    FaultKind,
    Service,
    answer_after,
    answer_before,
    is_fault,
)
from channels.simulator.state import Sale, World, remember
from channels.simulator.wire import read_body

SALES_MAX = 20_000
# What is left over of a decimal of two places, as a computer holds it.
CENT_PART_MAX = 1e-4
BANDS = "ABCDE"
PER_BAND = ("taxblAmt", "taxRt", "taxAmt")
PER_ITEM = ("itemSeq", "itemCd", "itemClsCd", "itemNm", "qty", "prc", "taxTyCd", "totAmt")
_PIN = re.compile(r"[A-Z]\d{9}[A-Z]", re.ASCII)
_MOMENT = re.compile(r"\d{14}", re.ASCII)

Fields = dict[str, Any]
Handler = Callable[[World, Fields], Fields]


class Refusal(Exception):
    """An answer that is no success: code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


DIALECT = Dialect(
    failed=lambda: Response("Internal Server Error", status_code=500),
    unauthorised=lambda: JSONResponse({"error": "invalid_token"}, status_code=401),
    busy=lambda: Response(status_code=429),
)


def routes(world: World) -> list[Route]:
    """The calls, relative to `/etims`."""
    return [
        _route(world, "/selectInitOsdcInfo", _initialise, keyed=False),
        _route(world, "/saveItem", _save_item),
        _route(world, "/saveTrnsSalesOsdc", _save_sale),
    ]


def _route(world: World, path: str, handler: Handler, *, keyed: bool = True) -> Route:
    """A call: fault, key, fields, handler, fault."""

    async def answer(request: Request) -> Response:
        body = await read_body(request)
        entry = world.journal.request(Service.ETIMS, "POST", request.url.path, body)
        fault = world.faults.take(Service.ETIMS)
        response = await answer_before(fault, DIALECT)
        if response is None:
            response = _handled(world, request, body, handler, fault, keyed=keyed)
            response = await answer_after(fault, response)
        entry.status, entry.answer = response.status_code, bytes(response.body).decode()
        return response

    handle: Callable[[Request], Awaitable[Response]] = answer
    return Route(path, handle, methods=["POST"])


def _handled(
    world: World,
    request: Request,
    body: bytes,
    handler: Handler,
    fault: Fault | None,
    *,
    keyed: bool,
) -> Response:
    if fault is not None and is_fault(fault, FaultKind.INSIDER_CODE):
        return _said(world, str(fault.code), "Ordered by a fault", None)
    try:
        if keyed:
            _check_unit(world, request)
        return _said(world, "000", "It is succeeded", handler(world, _read(body)))
    except Refusal as refusal:
        return _said(world, refusal.code, refusal.message, None)


def _said(world: World, code: str, message: str, data: Fields | None) -> Response:
    moment = f"{world.now():%Y%m%d%H%M%S}"
    return JSONResponse({"resultCd": code, "resultMsg": message, "resultDt": moment, "data": data})


def _check_unit(world: World, request: Request) -> None:
    config, sent = world.config, request.headers
    if not _PIN.fullmatch(sent.get("tin", "")) or sent.get("tin") != config.etims_pin:
        raise Refusal("910", "tin is not valid")
    if sent.get("bhfId") != config.etims_branch or sent.get("cmcKey") != config.etims_key:
        raise Refusal("901", "It is not valid device")


def _read(body: bytes) -> Fields:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal("910", "Request parameter error")
    return fields


def _initialise(world: World, fields: Fields) -> Fields:
    config = world.config
    if (fields.get("tin"), fields.get("bhfId")) != (config.etims_pin, config.etims_branch):
        raise Refusal("901", "It is not valid device")
    if fields.get("dvcSrlNo") != config.etims_serial:
        raise Refusal("901", "It is not valid device")
    if world.books.etims_initialised:
        raise Refusal("902", "This device is installed")
    world.books.etims_initialised = True
    return {"info": {"tin": config.etims_pin, "bhfId": "00", "cmcKey": config.etims_key}}


def _save_item(_world: World, fields: Fields) -> Fields:
    for name in ("itemCd", "itemClsCd", "itemNm", "taxTyCd"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise Refusal("910", f"{name} is required")
    return {}


def _save_sale(world: World, fields: Fields) -> Fields:
    number = fields.get("invcNo")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise Refusal("910", "invcNo is not valid")
    sales = world.books.etims_sales
    if number in sales:
        raise Refusal("994", "Data already exist")
    _check_sale(fields)
    if fields["rcptTyCd"] == "R" and fields.get("orgInvcNo") not in sales:
        raise Refusal("910", "orgInvcNo is not known")
    receipt = len(sales) + 1
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest().upper()
    sale = Sale(number, fields["rcptTyCd"], cents(fields, "totAmt"), cents(fields, "totTaxAmt"))
    remember(sales, number, sale, SALES_MAX)
    return {
        "curRcptNo": receipt,
        "totRcptNo": receipt,
        "intrlData": digest[:26],
        "rcptSign": digest[26:42],
        "sdcDateTime": f"{world.now():%Y%m%d%H%M%S}",
    }


def cents(fields: Fields, name: str) -> int:
    """A decimal of two places as cents; the refusal names a field that is none."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal("910", f"{name} is required")
    whole = round(value * 100)
    if abs(value * 100 - whole) > CENT_PART_MAX:
        raise Refusal("910", f"{name} has more than two places")
    return whole


def _check_sale(fields: Fields) -> None:
    """Refuse what KRA refuses: fields that are missing, sums that are none."""
    kind = fields.get("rcptTyCd")
    if kind not in {"S", "R"}:
        raise Refusal("913", "rcptTyCd is not a code of the list")
    if (kind == "R") != bool(fields.get("orgInvcNo")):
        raise Refusal("910", "orgInvcNo does not fit rcptTyCd")
    if kind == "R" and not fields.get("rfdRsnCd"):
        raise Refusal("910", "rfdRsnCd is required")
    if not _MOMENT.fullmatch(str(fields.get("cfmDt"))):
        raise Refusal("910", "cfmDt is not valid")
    items = fields.get("itemList")
    if not isinstance(items, list) or not items or fields.get("totItemCnt") != len(items):
        raise Refusal("910", "itemList does not fit totItemCnt")
    if any(item.get(name) in {None, ""} for item in items for name in PER_ITEM):
        raise Refusal("910", "an item lacks a field")
    _check_sums(fields, items)


def _check_sums(fields: Fields, items: list[Fields]) -> None:
    figures = {
        f"{name}{band}": cents(fields, f"{name}{band}") for name in PER_BAND for band in BANDS
    }
    for band in BANDS:
        lines = [item for item in items if item["taxTyCd"] == band]
        for name in ("taxblAmt", "taxAmt"):
            if figures[f"{name}{band}"] != sum(cents(item, name) for item in lines):
                raise Refusal("910", f"{name}{band} is not the sum of its items")
    for name, parts in (("totTaxblAmt", "taxblAmt"), ("totTaxAmt", "taxAmt")):
        if cents(fields, name) != sum(figures[f"{parts}{band}"] for band in BANDS):
            raise Refusal("910", f"{name} is not the sum of the bands")
    if cents(fields, "totAmt") != cents(fields, "totTaxblAmt") + cents(fields, "totTaxAmt"):
        raise Refusal("910", "totAmt is not taxable amount and tax")
