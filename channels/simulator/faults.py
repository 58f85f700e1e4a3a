"""Orders to misbehave, and the broken answers that follow from them.

A fault names a service, waits for the next matching request (or several), and is used up.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import JSONResponse, Response

FAULTS_MAX = 100
FAULT_TIMES_MAX = 100_000
FAULT_SECONDS_MAX = 3_600.0
FAULT_SECONDS_DEFAULT = 5.0


class Service(StrEnum):
    """What can be told to misbehave."""

    SMS = "sms"
    INBOUND = "inbound"
    USSD = "ussd"
    EVENTS = "events"
    OAUTH = "oauth"
    STK = "stk"
    QUERY = "query"
    B2C = "b2c"
    STATUS = "status"
    BALANCE = "balance"
    REVERSAL = "reversal"
    C2B = "c2b"
    FLUTTERWAVE_CHARGE = "flutterwave_charge"
    FLUTTERWAVE_VERIFY = "flutterwave_verify"
    FLUTTERWAVE_TRANSFER = "flutterwave_transfer"
    FLUTTERWAVE_STATUS = "flutterwave_status"
    FLUTTERWAVE_REFUND = "flutterwave_refund"
    FLUTTERWAVE_BALANCE = "flutterwave_balance"
    ETIMS = "etims"
    TWILIO = "twilio"
    KANNEL = "kannel"


class FaultKind(StrEnum):
    """How it misbehaves. The first group never reaches the provider's books."""

    ERROR500 = "error500"
    TIMEOUT_BEFORE = "timeout_before"
    INVALID_TOKEN = "invalid_token"  # noqa: S105
    HTML = "html"
    EMPTY = "empty"
    SPIKE_ARREST = "spike_arrest"
    BUSY = "busy"

    DELAY = "delay"
    TIMEOUT_AFTER = "timeout_after"

    CALLBACK_BEFORE_ANSWER = "callback_before_answer"
    CALLBACK_TWICE = "callback_twice"
    CALLBACK_NEVER = "callback_never"
    CALLBACK_LATE = "callback_late"
    CALLBACK_REORDERED = "callback_reordered"
    HOP_UNSHOWN = "hop_unshown"

    INSIDER_CODE = "insider_code"
    REPORT = "report"
    QUEUE_TIMEOUT = "queue_timeout"
    QUEUE_TIMEOUT_PAID = "queue_timeout_paid"


_WEBHOOKS = frozenset({Service.FLUTTERWAVE_CHARGE, Service.FLUTTERWAVE_TRANSFER})
_ROUTES = frozenset({Service.SMS, Service.TWILIO, Service.KANNEL})
_FLUTTERWAVE = _WEBHOOKS | {
    Service.FLUTTERWAVE_VERIFY,
    Service.FLUTTERWAVE_STATUS,
    Service.FLUTTERWAVE_REFUND,
    Service.FLUTTERWAVE_BALANCE,
}
ANSWERING = (
    _FLUTTERWAVE
    | _ROUTES
    | {
        Service.OAUTH,
        Service.STK,
        Service.QUERY,
        Service.B2C,
        Service.STATUS,
        Service.BALANCE,
        Service.REVERSAL,
        Service.ETIMS,
    }
)
_SILENT = _FLUTTERWAVE | {Service.OAUTH, Service.QUERY, Service.ETIMS}
CALLING_BACK = (frozenset(Service) - _SILENT) | _WEBHOOKS
_QUEUED = frozenset({Service.B2C, Service.STATUS, Service.BALANCE, Service.REVERSAL})
_CODED = (
    _WEBHOOKS | _QUEUED | {Service.SMS, Service.TWILIO, Service.STK, Service.QUERY, Service.ETIMS}
)
_WITH_CODE = frozenset({FaultKind.INSIDER_CODE, FaultKind.REPORT})


_ONLY: Mapping[FaultKind, frozenset[Service]] = {
    FaultKind.INSIDER_CODE: _CODED,
    FaultKind.REPORT: _ROUTES,
    FaultKind.QUEUE_TIMEOUT: _QUEUED,
    FaultKind.QUEUE_TIMEOUT_PAID: frozenset({Service.B2C, Service.REVERSAL}),
    FaultKind.HOP_UNSHOWN: frozenset({Service.USSD}),
    FaultKind.CALLBACK_BEFORE_ANSWER: ANSWERING & CALLING_BACK,
}


def _services(kind: FaultKind) -> frozenset[Service]:
    usual = CALLING_BACK if kind.startswith("callback_") else ANSWERING
    return _ONLY.get(kind, usual)


@dataclass(slots=True)
class Fault:
    """One order. `phone` (E.164) limits it to one subscriber, `times` counts down."""

    service: Service
    kind: FaultKind
    code: str | None = None
    times: int = 1
    seconds: float = FAULT_SECONDS_DEFAULT
    phone: str | None = None

    def as_json(self) -> dict[str, object]:
        """The order as the control API shows it."""
        name = f"{self.kind}:{self.code}" if self.code else str(self.kind)
        return {
            "service": self.service,
            "fault": name,
            "times": self.times,
            "seconds": self.seconds,
            "phone": self.phone,
        }


def parse_fault(
    service: str,
    fault: str,
    *,
    times: int = 1,
    seconds: float = FAULT_SECONDS_DEFAULT,
    phone: str | None = None,
) -> Fault:
    """Read an order; ValueError with a sentence when the pair makes no sense.

    Codes follow a colon: `insider_code:1037` for a result code, `report:Rejected` for the last
    delivery status of an SMS.
    """
    word, _, code = fault.partition(":")
    try:
        where, kind = Service(service), FaultKind(word)
    except ValueError:
        raise ValueError(f"no service {service!r} or no fault {word!r}") from None
    if where not in _services(kind):
        raise ValueError(f"{kind} does not apply to {where}")
    if (kind in _WITH_CODE) is not bool(code):
        raise ValueError(f"{kind} {'needs' if kind in _WITH_CODE else 'takes no'} code")
    if kind is FaultKind.INSIDER_CODE and where in _ROUTES and not code.isdecimal():
        raise ValueError("codes of sms are numbers")
    if not 1 <= times <= FAULT_TIMES_MAX:
        raise ValueError(f"times must be between 1 and {FAULT_TIMES_MAX}")
    if not 0 <= seconds <= FAULT_SECONDS_MAX:
        raise ValueError(f"seconds must be between 0 and {FAULT_SECONDS_MAX:.0f}")
    return Fault(where, kind, code or None, times, seconds, phone)


class Faults:
    """The waiting orders, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Keep an order; ValueError when there are too many."""
        if len(self._waiting) >= FAULTS_MAX:
            raise ValueError(f"at most {FAULTS_MAX} faults can wait")
        self._waiting.append(fault)

    def take(self, service: Service, phones: Collection[str] = ()) -> Fault | None:
        """The oldest order for this request, counted down; None when all is well."""
        for fault in self._waiting:
            if fault.service is service and (fault.phone is None or fault.phone in phones):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget all orders."""
        self._waiting.clear()

    def as_json(self) -> list[dict[str, object]]:
        """All waiting orders."""
        return [fault.as_json() for fault in self._waiting]


def gateway_timeout() -> Response:
    """What a caller that waited long enough gets from the provider's edge."""
    return Response(status_code=504)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider words the failures that every service can have."""

    failed: Callable[[], Response]
    unauthorised: Callable[[], Response]
    busy: Callable[[], Response]
    timed_out: Callable[[], Response] = gateway_timeout


def is_fault(fault: Fault | None, *kinds: FaultKind) -> bool:
    """Whether the order is one of these."""
    return fault is not None and fault.kind in kinds


async def answer_before(fault: Fault | None, dialect: Dialect) -> Response | None:
    """The broken answer of a request that is *not* processed, or None to go on."""
    if fault is None:
        return None
    if fault.kind is FaultKind.TIMEOUT_BEFORE:
        await asyncio.sleep(fault.seconds)
        return dialect.timed_out()
    broken = {
        FaultKind.ERROR500: dialect.failed,
        FaultKind.INVALID_TOKEN: dialect.unauthorised,
        FaultKind.BUSY: dialect.busy,
        FaultKind.SPIKE_ARREST: _spike_arrest,
        FaultKind.HTML: _maintenance_page,
        FaultKind.EMPTY: Response,
    }.get(fault.kind)
    return broken() if broken else None


async def answer_after(
    fault: Fault | None, answer: Response, dialect: Dialect | None = None
) -> Response:
    """The answer of a request that *was* processed: as it is, late, or lost."""
    if fault is not None and is_fault(fault, FaultKind.DELAY, FaultKind.TIMEOUT_AFTER):
        await asyncio.sleep(fault.seconds)
        if fault.kind is FaultKind.TIMEOUT_AFTER:
            return dialect.timed_out() if dialect else gateway_timeout()
    return answer


def _maintenance_page() -> Response:
    page = "<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
    return Response(page, status_code=503, headers={"content-type": "text/html"})


def _spike_arrest() -> Response:
    """The gateway in front of Daraja words its refusals its own way."""
    return JSONResponse(
        {
            "fault": {
                "faultstring": "Spike arrest violation. Allowed rate : "
                "MessageRate{messagesPerPeriod=5, periodInMicroseconds=1000000, "
                "maxBurstMessageCount=1.0}",
                "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
            }
        },
        status_code=429,
    )
