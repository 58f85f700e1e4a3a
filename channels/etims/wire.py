"""The OSCU's words: a sale as JSON, and what its result codes mean (provider-facts §6.2).

Amounts are decimals in JSON. They are written from whole cents and never calculated with.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from channels.http import Answer, safe_detail
from core.clock import NAIROBI
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxItem, TaxLine, TaxRegistered

PROVIDER = "etims"
INITIALISE = "/selectInitOsdcInfo"
SAVE_ITEM = "/saveItem"
SAVE_SALE = "/saveTrnsSalesOsdc"

BANDS = "ABCDE"
# A exempt, B the standard rate, C zero-rated, D outside VAT, E the reduced rate.
STANDARD, REDUCED, OUTSIDE = "B", "E", "D"
STANDARD_BASIS_POINTS, REDUCED_BASIS_POINTS = 1600, 800

DONE = frozenset({"000", "00", "0", "0000"})
KNOWN_ALREADY = "994"
# The device, its key or the order of numbers: no invoice will be taken until a person acts.
HALTED = frozenset({"901", "902", "903", "921", "922"})
AWAY = frozenset({"990", "999"})

# Codes of KRA's lists (docs/tax.md): card, mobile money; approved, refund; piece, no package.
CARD, MOBILE_MONEY = "05", "06"
APPROVED, REFUND, PIECE, UNPACKED = "02", "06", "U", "NT"
SALE, CREDIT = "S", "R"
US = "nafasi"
ITEMS = {
    TaxItem.SERVICE: ("KE3NTXU0000001", "Hospitality service"),
    TaxItem.FEE: ("KE3NTXU0000002", "Service fee"),
    TaxItem.ROUNDING: ("KE3NTXU0000003", "Rounding to the whole shilling"),
}
_RESULT = re.compile(r"[0-9A-Z]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EtimsConfig:
    """Our unit.

    Attributes:
        base_url: of the OSCU, or a simulator.
        pin: the company's KRA PIN.
        branch: KRA's number of our branch.
        key: the unit's communication key.
        item_class: KRA's class of what we sell.
    """

    base_url: str
    pin: str
    branch: str
    key: str = field(repr=False)
    item_class: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request but the first."""
        return {"tin": self.pin, "bhfId": self.branch, "cmcKey": self.key}


def sale(document: TaxDocument, item_class: str) -> dict[str, Any]:
    """Return the body of a sale, or of what takes one back."""
    confirmed = f"{document.issued_at.astimezone(NAIROBI):%Y%m%d%H%M%S}"
    back = document.original_number is not None
    total = sum(line.net_cents + line.vat_cents for line in document.lines)
    return {
        "trdInvcNo": document.label,
        "invcNo": document.number,
        "orgInvcNo": document.original_number or 0,
        "custTin": None,
        "custNm": None,
        "salesTyCd": "N",
        "rcptTyCd": CREDIT if back else SALE,
        "pmtTyCd": CARD if document.by_card else MOBILE_MONEY,
        "salesSttsCd": APPROVED,
        "cfmDt": confirmed,
        "salesDt": confirmed[:8],
        "stockRlsDt": None,
        "cnclReqDt": None,
        "cnclDt": None,
        "rfdDt": confirmed if back else None,
        "rfdRsnCd": REFUND if back else None,
        "totItemCnt": len(document.lines),
        **_bands(document.lines),
        "totTaxblAmt": decimal(sum(line.net_cents for line in document.lines)),
        "totTaxAmt": decimal(sum(line.vat_cents for line in document.lines)),
        "totAmt": decimal(total),
        "prchrAcptcYn": "N",
        **_registrars("regr", "modr"),
        "receipt": {"rptNo": document.number, "rcptPbctDt": confirmed, "prchrAcptcYn": "N"},
        "itemList": [_item(i, line, item_class) for i, line in enumerate(document.lines, 1)],
    }


def item(kind: TaxItem, item_class: str) -> dict[str, Any]:
    """Return the body that makes one of our items known."""
    code, name = ITEMS[kind]
    band = OUTSIDE if kind is TaxItem.ROUNDING else STANDARD
    return {
        "itemCd": code,
        "itemClsCd": item_class,
        "itemTyCd": "3",
        "itemNm": name,
        "orgnNatCd": "KE",
        "pkgUnitCd": UNPACKED,
        "qtyUnitCd": PIECE,
        "taxTyCd": band,
        "dftPrc": 0,
        "isrcAplcbYn": "N",
        "useYn": "Y",
        **_registrars("regr", "modr"),
    }


def band_of(line: TaxLine) -> str:
    """Return the letter of a line's rate."""
    known = {0: OUTSIDE, REDUCED_BASIS_POINTS: REDUCED}
    return known.get(line.basis_points, STANDARD)


def decimal(cents: int) -> int | float:
    """Return cents as the decimal that JSON writes: 129310 is 1293.1. For writing only."""
    return cents // 100 if cents % 100 == 0 else float(f"{cents // 100}.{cents % 100:02d}")


def data_of(answer: Answer) -> dict[str, Any] | None:
    """Return what a good answer holds, None when the authority has it already.

    Raises:
        ProviderError: ``refused``, ``misconfigured`` or ``bad_credentials`` (both stop),
            ``busy``, ``unavailable``, ``bad_answer``.
    """
    if answer.status in {401, 403}:
        raise ProviderError("bad_credentials", retryable=True, stop=True, detail=answer.detail())
    if answer.status == 429:
        raise ProviderError("busy", retryable=True, detail=answer.detail())
    said = answer.json_object()
    result = str(said.get("resultCd", "")) if said else ""
    if said is None or not _RESULT.fullmatch(result):
        code = "unavailable" if answer.status >= 500 else "bad_answer"
        raise ProviderError(code, unknown=True, detail=answer.detail())
    detail = safe_detail(f"{result} {said.get('resultMsg', '')}")
    if result in DONE:
        data = said.get("data")
        return data if isinstance(data, dict) else {}
    if result == KNOWN_ALREADY:
        return None
    if result in HALTED:
        raise ProviderError("misconfigured", retryable=True, stop=True, detail=detail)
    if result in AWAY:
        raise ProviderError("unavailable", unknown=True, detail=detail)
    raise ProviderError("refused", detail=detail)


def registered(data: dict[str, Any] | None) -> TaxRegistered:
    """Return what proves that a sale is registered; nothing when its answer was lost before."""
    if data is None:
        return TaxRegistered()
    number = str(data.get("curRcptNo", ""))
    return TaxRegistered(
        receipt_number=int(number) if number.isdecimal() else None,
        signature=_words(data.get("rcptSign")),
        internal_data=_words(data.get("intrlData")),
    )


def _words(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) and value else None


def _bands(lines: tuple[TaxLine, ...]) -> dict[str, Any]:
    """Return the fifteen figures of the five bands; a missing one is refused (910)."""
    rates = dict.fromkeys(BANDS, 0)
    rates |= {STANDARD: STANDARD_BASIS_POINTS, REDUCED: REDUCED_BASIS_POINTS}
    rates |= {band_of(line): line.basis_points for line in lines}
    fields: dict[str, Any] = {}
    for name, part in (("taxblAmt", "net_cents"), ("taxAmt", "vat_cents")):
        for band in BANDS:
            cents = sum(getattr(line, part) for line in lines if band_of(line) == band)
            fields[f"{name}{band}"] = decimal(cents)
    return fields | {f"taxRt{band}": decimal(rates[band]) for band in BANDS}


def _item(place: int, line: TaxLine, item_class: str) -> dict[str, Any]:
    code, name = ITEMS[line.item]
    total = decimal(line.net_cents + line.vat_cents)
    return {
        "itemSeq": place,
        "itemCd": code,
        "itemClsCd": item_class,
        "itemNm": name,
        "pkgUnitCd": UNPACKED,
        "pkg": 1,
        "qtyUnitCd": PIECE,
        "qty": 1,
        "prc": total,
        "splyAmt": total,
        "dcRt": 0,
        "dcAmt": 0,
        "taxTyCd": band_of(line),
        "taxblAmt": decimal(line.net_cents),
        "taxAmt": decimal(line.vat_cents),
        "totAmt": total,
    }


def _registrars(*roles: str) -> dict[str, str]:
    return {f"{role}{part}": US for role in roles for part in ("Id", "Nm")}
