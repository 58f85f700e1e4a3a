"""People who book, accept and pay, and who try again when something fails, as people do."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from core.catalog.rules import BookingMode, Category
from core.clock import SystemClock, nairobi_date
from core.demo.plan import DemoListing, demo_vendors
from tests.journeys.outside import Outside
from tests.journeys.trial import code_in

HOME = "*384*7781#"
INPUTS_MAX = 12
CALLS_MAX = 40
LOOK_SECONDS = 0.5
# Somebody who heard nothing for so long picks up the phone. Africa's Talking brings a message to
# us again after 10 s.
QUIET_SECONDS = 25.0
AGAIN_SECONDS = 3.0
VENDOR_QUIET_SECONDS = 20.0
# The demo market closes some weekends about two weeks from now.
FIRST_DAY = 25
DAYS = 10
PRICE_CENTS_MAX = 60_000_00


@dataclass(frozen=True)
class Plan:
    """Who wants what: each has a listing and a day that nobody else asks for."""

    phone: str
    vendor: str
    listing: DemoListing
    day: date
    asked: bool
    """The vendor is asked first."""


def plans(count: int) -> list[Plan]:
    """Return so many plans, requests and instant bookings in turn."""
    listings = count // DAYS // 2
    asked = list(islice(_listings(BookingMode.REQUEST), listings))
    instant = list(islice(_listings(BookingMode.INSTANT), listings))
    soonest = nairobi_date(SystemClock().now()) + timedelta(days=FIRST_DAY)
    found = [
        Plan("", vendor, listing, soonest + timedelta(days=later), mode is asked)
        for later in range(DAYS)
        for pair in zip(asked, instant, strict=True)
        for mode, (vendor, listing) in zip((asked, instant), pair, strict=True)
    ]
    return [
        Plan(f"+2547000{1000 + number:05d}", plan.vendor, plan.listing, plan.day, plan.asked)
        for number, plan in enumerate(found)
    ]


def _listings(mode: BookingMode) -> Iterator[tuple[str, DemoListing]]:
    for vendor in demo_vendors():
        for listing in vendor.listings:
            if (
                listing.booking_mode is mode
                and listing.category is not Category.CATERING
                and listing.lead_hours <= 24
                and listing.price_cents <= PRICE_CENTS_MAX
            ):
                yield vendor.msisdn, listing


class Person(threading.Thread):
    """Somebody with a phone. What goes wrong is kept in ``trouble``."""

    def __init__(self, outside: Outside, phone: str) -> None:
        super().__init__(name=phone, daemon=True)
        self.outside = outside
        self.phone = phone
        self.trouble = ""
        self.calls = 0
        self.read: set[str] = set()
        self.seen: list[str] = []
        self.heard_at = time.monotonic()

    def run(self) -> None:
        """Live, and remember why not."""
        try:
            self.live()
        except Exception as error:  # noqa: BLE001 -- told by the test's own thread.
            self.trouble = f"{type(error).__name__}: {error}"

    def live(self) -> None:
        """What this person does."""
        raise NotImplementedError

    def new_messages(self) -> list[str]:
        """Return what has come since the last look."""
        new = [sms for sms in self.outside.messages(self.phone) if sms["id"] not in self.read]
        self.read |= {sms["id"] for sms in new}
        if new:
            self.heard_at = time.monotonic()
        return [sms["text"] for sms in new]

    def quiet_for(self, seconds: float) -> bool:
        """Whether nothing was heard for so long."""
        return time.monotonic() - self.heard_at >= seconds

    def call(self, code: str) -> str:
        """Dial and answer each screen until there is nothing to say; return the last screen."""
        self.calls += 1
        assert self.calls <= CALLS_MAX, f"gave up, last at {self.seen[-2:]}"
        self.heard_at = time.monotonic()
        screen = self.outside.dial(self.phone, code)
        for _ in range(INPUTS_MAX):
            if screen["final"]:
                break
            typed = self.answer_to(screen["text"])
            answered = self.outside.answer(self.phone, typed) if typed else None
            if answered is None:
                self.outside.hang_up(self.phone)
                break
            screen = answered
        self.seen.append(screen["text"] or str(screen["error"]))
        self.heard_at = time.monotonic()
        text: str = screen["text"]
        return text

    def answer_to(self, screen: str) -> str | None:
        """Return what to type at a screen, or None to hang up."""
        raise NotImplementedError


class Customer(Person):
    """Books one thing once and pays for it.

    After a broken call every second person chooses to continue, the others start over and look
    whether it is among their bookings.
    """

    def __init__(self, outside: Outside, plan: Plan, *, starts_in_seconds: float) -> None:
        super().__init__(outside, plan.phone)
        self.plan = plan
        self.code = ""
        self.confirmed = False
        self.broken_calls = 0
        self.yeses = 0
        self.paid = 0
        self._continues = int(plan.phone[-1]) % 4 < 2
        self._starts_in_seconds = starts_in_seconds

    def live(self) -> None:
        """Book, pay when asked, ask when nothing comes, until it is confirmed."""
        time.sleep(self._starts_in_seconds)
        self._understand(self.call(self._listing))
        while not self.confirmed:
            time.sleep(LOOK_SECONDS)
            for text in self.new_messages():
                self._understand(text)
            self._approve()
            if not self.code and self.quiet_for(AGAIN_SECONDS if not self.yeses else 10):
                self._try_again()
            elif self.quiet_for(QUIET_SECONDS):
                self._understand(self.call(f"*384*7781*{self.code}#"))

    @property
    def _listing(self) -> str:
        return f"*384*7781*{self.plan.listing.number}#"

    def _try_again(self) -> None:
        self.broken_calls += 1
        text = self.call(HOME)
        self._understand(text)
        if not self.code and "no bookings yet" in text:
            self._understand(self.call(self._listing))

    def _understand(self, text: str) -> None:
        if not self.code:
            with suppress(AssertionError):
                self.code = code_in(text)
        if "is confirmed" in text or ". Paid" in text:
            self.confirmed = True
        elif "reply PAY" in text:
            self.outside.write(self.phone, f"PAY {self.code}")

    def _approve(self) -> None:
        prompt = self.outside.prompt(self.phone)
        if prompt is not None and self.outside.approve(prompt):
            self.code = self.code or prompt["account_reference"]
            self.paid += 1
            self.heard_at = time.monotonic()

    def answer_to(self, screen: str) -> str | None:
        """Go on towards the booking; on its own screen pay, or see how it stands."""
        if "1. Book and pay" in screen or "1. Send request" in screen:
            self.yeses += 1
            return "1"
        answers = {
            "Go on from where you were?": "1" if self._continues else "2",
            "1. Book now": "1",
            "1. Ask to book": "1",
            "1. Pay now": "1",
            "Which day?": f"{self.plan.day:%d/%m/%y}",
            "Which night": f"{self.plan.day:%d/%m/%y}",
            "How many nights": "1",
            "How many people?": str(self.plan.listing.people_min),
            "Karibu Nafasi!": "4",
            "Your bookings:": "1",
        }
        return next((typed for words, typed in answers.items() if words in screen), None)


class Vendor(Person):
    """Says yes to every request: by SMS, and by phone when it has been quiet for long."""

    def __init__(self, outside: Outside, phone: str) -> None:
        super().__init__(outside, phone)
        self.over = threading.Event()

    def live(self) -> None:
        """Answer until the day is over."""
        while not self.over.wait(LOOK_SECONDS):
            for text in self.new_messages():
                if "to accept" in text:
                    self.outside.write(self.phone, f"{code_in(text)} 1")
            if self.quiet_for(VENDOR_QUIET_SECONDS):
                self.calls = 0
                self.call(HOME)

    def answer_to(self, screen: str) -> str | None:
        """Open the requests and accept the first, again and again."""
        answers = {
            "Go on from where you were?": "2",
            "1. Requests": "1",
            "1. Accept": "1",
            "for your answer:": "1",
        }
        return next((typed for words, typed in answers.items() if words in screen), None)
