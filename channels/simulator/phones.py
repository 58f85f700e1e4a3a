"""Phones and their M-Pesa wallets, and the accounts of a business.

Amounts are integer cents. The limits are those of the M-Pesa tariff (central bank, August 2023).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from core.clock import nairobi_date
from core.networks import NETWORKS as KNOWN
from core.networks import UNKNOWN

PHONES_MAX = 20_000
TRANSACTION_CENTS_MAX = 25_000_000
WALLET_CENTS_MAX = 50_000_000
DAY_CENTS_MAX = 50_000_000

NETWORKS = {each.name.lower(): each.code for each in (*KNOWN.values(), UNKNOWN)}
"""Codes of networks by name; gateways may leave the field empty."""

_E164 = re.compile(r"\+[1-9]\d{7,14}")
_AIRTEL = re.compile(r"\+254(10[0-8]|13[5-9]|73\d|75[0-6]|76[02-7]|78\d)")
_TELKOM = re.compile(r"\+254(120|761|77\d)")


def is_e164(number: str) -> bool:
    """Whether the text is an international number with its plus sign."""
    return _E164.fullmatch(number) is not None


def e164(number: str) -> str:
    """A number as people type it (`07…`, `2547…`, `+2547…`) in E.164; ValueError otherwise."""
    digits = re.sub(r"[\s()-]", "", number)
    if re.fullmatch(r"0[17]\d{8}", digits):
        digits = f"+254{digits[1:]}"
    elif re.fullmatch(r"254[17]\d{8}", digits):
        digits = f"+{digits}"
    if not is_e164(digits):
        raise ValueError("not a phone number")
    return digits


def network_of(number: str) -> str:
    """The network that the prefix suggests. People may have moved since."""
    if _AIRTEL.match(number):
        return "airtel"
    return "telkom" if _TELKOM.match(number) else "safaricom"


@dataclass(slots=True)
class UssdSession:
    """One dialogue, as the network sees it.

    `dialled` is what was dialled behind the code, `keys` every entry since.
    """

    id: str
    phone: str
    operator: str
    network_code: str
    service_code: str
    dialled: str
    started_at: datetime
    keys: list[str] = field(default_factory=list)
    hops: int = 0
    rest: str = ""
    """What of a screen that was too long has not been shown: the network keeps it."""
    screen: str = ""
    waiting: bool = False
    idle_at: float = 0.0
    """When the network gives up on the person, by the event loop's clock."""

    @property
    def text(self) -> str:
        """Everything dialled behind the code and typed, joined by `*`."""
        return "*".join([self.dialled, *self.keys] if self.dialled else self.keys)


@dataclass(slots=True)
class Phone:
    """One subscriber, with the wallet in cents and what moved through it today."""

    number: str
    network: str
    balance_cents: int
    operator: str = "africastalking"
    """Over whom its calls come to us."""
    sms_route: str = "africastalking"
    """Over whom its messages come to us."""
    on_mpesa: bool = True
    reachable: bool = True
    opted_out: bool = False
    long_messages: int = 0
    """How many it has sent in parts."""
    sent_cents: int = 0
    received_cents: int = 0
    day: date | None = None
    session: UssdSession | None = None
    session_ended_at: datetime | None = None

    def pay(self, amount_cents: int, at: datetime) -> str:
        """Take the amount out of the wallet; the result code, `0` when it is done."""
        self._turn_day(at)
        if amount_cents > TRANSACTION_CENTS_MAX:
            return "3"
        if amount_cents > self.balance_cents:
            return "1"
        if self.sent_cents + amount_cents > DAY_CENTS_MAX:
            return "4"
        self.balance_cents -= amount_cents
        self.sent_cents += amount_cents
        return "0"

    def receive(self, amount_cents: int, at: datetime) -> str:
        """Put the amount into the wallet; the result code, `0` when it is done."""
        self._turn_day(at)
        if not self.on_mpesa:
            return "2040"
        if self.received_cents + amount_cents > DAY_CENTS_MAX:
            return "4"
        if self.balance_cents + amount_cents > WALLET_CENTS_MAX:
            return "8"
        self.balance_cents += amount_cents
        self.received_cents += amount_cents
        return "0"

    def _turn_day(self, at: datetime) -> None:
        today = nairobi_date(at)
        if self.day != today:
            self.day, self.sent_cents, self.received_cents = today, 0, 0

    def as_json(self) -> dict[str, object]:
        """The phone as the control API shows it."""
        return {
            "phone": self.number,
            "network": self.network,
            "network_code": NETWORKS[self.network],
            "operator": self.operator,
            "sms_route": self.sms_route,
            "on_mpesa": self.on_mpesa,
            "reachable": self.reachable,
            "opted_out": self.opted_out,
            "session": self.session
            and {
                "session_id": self.session.id,
                "transcript": self.session.text,
                "operator": self.session.operator,
                "screen": self.session.screen,
                "hops": self.session.hops,
            },
        }

    def wallet_json(self) -> dict[str, object]:
        """The wallet as the control API shows it, in integer cents."""
        return {
            "phone": self.number,
            "balance_cents": self.balance_cents,
            "sent_today_cents": self.sent_cents,
            "received_today_cents": self.received_cents,
        }


class Phones:
    """All phones that were ever used. Past the limit the oldest idle one is forgotten."""

    def __init__(self, known: Iterable[str], opening_cents: Callable[[], int]) -> None:
        self._opening_cents = opening_cents
        self._phones: dict[str, Phone] = {}
        for number in known:
            self.get(number)

    def get(self, number: str) -> Phone:
        """The phone with this E.164 number, made if it is new."""
        if number not in self._phones:
            if len(self._phones) >= PHONES_MAX:
                self._forget_oldest()
            network = network_of(number)
            self._phones[number] = Phone(
                number, network, self._opening_cents(), on_mpesa=network == "safaricom"
            )
        return self._phones[number]

    def all(self) -> list[Phone]:
        """Every phone, oldest first."""
        return list(self._phones.values())

    def _forget_oldest(self) -> None:
        idle = (number for number, phone in self._phones.items() if phone.session is None)
        oldest = next(idle, next(iter(self._phones)))
        del self._phones[oldest]


@dataclass(slots=True)
class Organisation:
    """The accounts behind one shortcode, in cents. Charges go below zero, as in the real books."""

    utility_cents: int = 0
    working_cents: int = 0
    charges_cents: int = field(default=0)

    def as_json(self) -> dict[str, object]:
        """The accounts as the control API shows them."""
        return {
            "utility_cents": self.utility_cents,
            "working_cents": self.working_cents,
            "charges_cents": self.charges_cents,
        }
