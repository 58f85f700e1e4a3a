"""Paying by card: our page, the worker, the provider's page over HTTP, and what is booked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import redis
from sqlalchemy import select

from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.provider import flutterwave_config
from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig, Waits
from core.booking.cancel import cancel_by_customer
from core.booking.lifecycle import State
from core.booking.model import Booking
from core.cases.model import CaseKind
from core.cases.queries import open_cases
from core.cases.sweep import sweep
from core.clock import ManualClock
from core.db.tx import Database
from core.invariants.run import run_all
from core.limits import (
    B2C_QUERY_AFTER_SECONDS,
    CARD_GIVE_UP_SECONDS,
    CARD_REFUND_GIVE_UP_SECONDS,
    PAY_LINK_SECONDS,
    PAY_LINKS_A_DAY_MAX,
)
from core.payments.cards import ask_for_card
from core.payments.collections import start_collection
from core.payments.lifecycle import AttemptState
from core.payments.model import Attempt, Kind, Method, Receipt
from core.payments.refunds import retry_refund
from core.ports.providers import Routes
from tests.support.factories import CUSTOMER, make_held, make_listing, make_vendor
from tests.support.fakes import notices
from tests.support.serving import eventually, serving
from tests.web.rig import SECRET, Web, make_settings, running
from tests.workers import callbacks
from tests.workers.conftest import Crew, make_crew
from workers.attempts import run_attempts
from workers.inbox import run_inbox
from workers.notices import run_notices

QUICK = Waits(callback_seconds=0, retry_seconds=0.01)
HASH = "a-long-and-random-webhook-hash"
LINK = re.compile(r'href="(http[^"]+)"')


@dataclass
class Shop:
    """A held booking with a link to pay it, and all that is between."""

    web: Web
    crew: Crew
    clock: ManualClock
    booking: Booking
    address: str
    theirs: str

    def page(self, query: str = "") -> str:
        return self.web.http.get(f"{self.address}{query}").text

    def press(self) -> httpx.Response:
        """Press the button, and let the worker do its part."""
        answer = self.web.http.post(self.address)
        run_attempts(self.crew.parts)
        return answer

    def provider_page(self) -> str:
        """The address of the provider's page, as ours names it."""
        links: list[str] = [
            found for found in LINK.findall(self.page()) if "/hosted/pay/" in found
        ]
        return links[0]

    def decide(self, outcome: str, page: str | None = None) -> httpx.Response:
        """Do something on the provider's page, and let the worker hear of it."""
        before = len(self.web.inbox())
        with httpx.Client(trust_env=False, verify=False) as browser:
            answer = browser.post(page or self.provider_page(), data={"outcome": outcome})
        if outcome != "cancelled":
            eventually(lambda: len(self.web.inbox()) > before)
            run_inbox(self.crew.parts)
            run_attempts(self.crew.parts)
        return answer

    def fault(self, service: str, fault: str, **more: Any) -> None:
        told = {"service": service, "fault": fault, **more}
        httpx.post(f"{self.theirs}/simulator/api/faults", json=told, trust_env=False)

    def refunds(self) -> int:
        """How many refunds the provider has taken."""
        address = f"{self.theirs}/simulator/api/log?service=flutterwave_refund"
        return len(httpx.get(address, trust_env=False).json()["log"])

    def state(self) -> State:
        with self.crew.database.transaction() as tx:
            return tx.db.get_one(Booking, self.booking.id).state

    def attempts(self) -> list[Attempt]:
        with self.crew.database.transaction() as tx:
            query = select(Attempt).order_by(Attempt.created_at, Attempt.id)
            return list(tx.db.scalars(query))

    def returns(self) -> list[Attempt]:
        return [each for each in self.attempts() if each.kind is Kind.RETURN]


@pytest.fixture
def shop(database: Database, redis_url: str, clock: ManualClock) -> Iterator[Shop]:
    database.routes = Routes(card=("flutterwave",))
    settings = make_settings(
        database, redis_url, flutterwave_enabled=True, flutterwave_secret_hash=HASH
    )
    store = redis.Redis.from_url(redis_url)
    with running(database, settings) as web, store:
        ours = str(web.http.base_url).rstrip("/")
        told = SimulatorConfig(
            callback_secret=SECRET, callback_base=ours, flutterwave_hash=HASH, waits=QUICK, seed=7
        )
        with serving(create_app(told, clock=clock)) as theirs:
            config = replace(
                flutterwave_config(settings),
                base_url=f"{theirs}/flutterwave/v3",
                secret_key=told.flutterwave_key,
                pages_url=f"{ours}/pay",
            )
            client = FlutterwaveClient(config)
            crew = make_crew(database, store)
            crew.parts = replace(crew.parts, cards={"flutterwave": FlutterwaveCards(client)})
            with database.transaction() as tx:
                booking = make_held(tx, make_listing(tx, make_vendor(tx)))
                token = ask_for_card(tx, booking, CUSTOMER).token
            yield Shop(web, crew, clock, booking, f"/pay/{token}", theirs)
            run_notices(crew.parts)
            client.close()
    assert database.run(run_all) == []


def test_a_booking_is_paid_by_card(shop: Shop) -> None:
    before = shop.page()
    assert "KES 66,700" in before
    assert "You type your card on the page of our payment partner, never here." in before
    assert "KES 53,360 until" in before  # What would come back of it.

    assert shop.press().status_code == 303
    back = shop.decide("paid")

    assert back.headers["location"].startswith(str(shop.web.http.base_url).rstrip("/"))
    assert shop.state() is State.CONFIRMED
    assert "It is paid. Thank you." in shop.page()
    assert "Imelipwa. Asante." in shop.page("?lang=sw")
    (attempt,) = shop.attempts()
    assert (attempt.method, attempt.state) == (Method.CARD, AttemptState.SUCCEEDED)
    with shop.crew.database.transaction() as tx:
        (receipt,) = tx.db.scalars(select(Receipt).where(Receipt.attempt_id == attempt.id))
    assert (receipt.amount_cents, receipt.payer) == (66_700_00, CUSTOMER)


def test_until_the_worker_has_opened_the_page_ours_looks_again_by_itself(shop: Shop) -> None:
    shop.web.http.post(shop.address)

    waiting = shop.page("?look=4")
    assert 'content="3;url=' in waiting
    assert "look=5" in waiting
    assert "http-equiv" not in shop.page("?look=40")  # A page that was left open stops asking.
    assert "http-equiv" in shop.page("?look=rubbish")


def test_what_the_browser_brings_back_is_not_believed(shop: Shop) -> None:
    shop.press()
    forged = f"?status=successful&tx_ref={shop.attempts()[0].id}&transaction_id=4412001"

    page = shop.page(forged)

    assert "It is paid" not in page
    assert shop.state() is State.AWAITING_PAYMENT


def test_a_card_that_was_declined_can_be_tried_again_or_left_for_mpesa(shop: Shop) -> None:
    shop.press()
    shop.decide("declined")

    assert shop.state() is State.AWAITING_PAYMENT
    assert "The card payment did not go through. Nothing was taken." in shop.page()
    (told,) = notices(shop.crew.database, "payment_failed")
    assert told.params["card"] is True

    shop.press()
    shop.decide("paid")
    assert shop.state() is State.CONFIRMED


def test_a_second_press_opens_no_second_page(shop: Shop) -> None:
    shop.press()
    first = shop.provider_page()
    shop.press()

    assert shop.provider_page() == first
    assert len(shop.attempts()) == 1


def test_mpesa_takes_the_place_of_a_page_that_was_left(shop: Shop) -> None:
    shop.press()
    page = shop.provider_page()
    with shop.crew.database.transaction() as tx:
        prompt = start_collection(tx, shop.booking.id, CUSTOMER)
    assert prompt.method is Method.MPESA
    assert "M-Pesa is asking now." in shop.web.http.post(shop.address).text

    # The page was not closed by that: what is paid there after all is booked, too.
    shop.decide("paid", page)
    assert shop.state() is State.CONFIRMED
    card, later = shop.attempts()
    assert (card.state, card.reason) == (AttemptState.SUCCEEDED, None)
    shop.clock.advance(seconds=60)
    run_attempts(shop.crew.parts)
    assert shop.crew.collections.pushed == []  # The prompt is not wanted any more.
    assert later.method is Method.MPESA


def test_a_payment_that_no_webhook_tells_of_is_seen_by_asking(shop: Shop) -> None:
    shop.press()
    page = shop.provider_page()
    with httpx.Client(trust_env=False, verify=False) as browser:
        browser.post(page, data={"outcome": "paid"})

    shop.clock.advance(seconds=60)
    run_attempts(shop.crew.parts)

    assert shop.state() is State.CONFIRMED


def test_a_page_that_nobody_uses_is_given_up_without_a_message(shop: Shop) -> None:
    shop.press()
    for _ in range(6):
        shop.clock.advance(seconds=CARD_GIVE_UP_SECONDS // 5)
        run_attempts(shop.crew.parts)

    (attempt,) = shop.attempts()
    assert attempt.state is AttemptState.FAILED
    assert notices(shop.crew.database, "payment_failed") == []


@pytest.mark.parametrize("path", ["/pay/nothing", "/pay/%00", "/pay/a%20b", "/pay/" + "a" * 65])
def test_what_is_no_link_opens_nothing(shop: Shop, path: str) -> None:
    assert shop.web.http.get(path).status_code == 404
    assert shop.web.http.post(path).status_code == 404


def test_a_link_is_good_for_twelve_hours(shop: Shop) -> None:
    shop.clock.advance(seconds=PAY_LINK_SECONDS)
    assert shop.web.http.get(shop.address).status_code == 404


def test_links_cost_an_sms_each_and_are_counted(shop: Shop) -> None:
    with shop.crew.database.transaction() as tx:
        for _ in range(PAY_LINKS_A_DAY_MAX - 1):
            ask_for_card(tx, shop.booking, CUSTOMER)
        with pytest.raises(Exception, match="too_many_links"):
            ask_for_card(tx, shop.booking, CUSTOMER)


def test_what_a_cancellation_gives_back_goes_to_the_card(shop: Shop) -> None:
    shop.press()
    shop.decide("paid")
    with shop.crew.database.transaction() as tx:
        cancel_by_customer(tx, shop.booking.id, shop.booking.customer_id)
    run_attempts(shop.crew.parts)

    shop.clock.advance(seconds=B2C_QUERY_AFTER_SECONDS[0])
    run_attempts(shop.crew.parts)

    back = shop.attempts()[-1]
    assert (back.kind, back.method) == (Kind.RETURN, Method.CARD)
    assert (back.state, back.amount_cents) == (AttemptState.SUCCEEDED, 53_360_00)
    assert shop.crew.payouts.calls == []  # Nothing went to a wallet.
    (told,) = notices(shop.crew.database, "money_returned")
    assert told.params["card"] is True


def test_paid_by_card_and_by_hand_the_second_goes_back_the_way_it_came(shop: Shop) -> None:
    shop.press()
    page = shop.provider_page()
    by_hand = callbacks.paybill(shop.booking.code, 66_700)
    callbacks.arrive(shop.crew.database, by_hand)
    run_inbox(shop.crew.parts)
    assert shop.state() is State.CONFIRMED

    shop.decide("paid", page)
    shop.clock.advance(seconds=B2C_QUERY_AFTER_SECONDS[0])
    for _ in range(2):
        run_attempts(shop.crew.parts)
        shop.clock.advance(seconds=B2C_QUERY_AFTER_SECONDS[0])

    back = shop.attempts()[-1]
    assert (back.kind, back.method) == (Kind.RETURN, Method.CARD)
    assert (back.state, back.amount_cents) == (AttemptState.SUCCEEDED, 66_700_00)


def test_a_refund_to_a_card_whose_answer_was_lost_is_never_sent_again(shop: Shop) -> None:
    shop.press()
    shop.decide("paid")
    shop.fault("flutterwave_refund", "timeout_after", seconds=0)
    with shop.crew.database.transaction() as tx:
        cancel_by_customer(tx, shop.booking.id, shop.booking.customer_id)
    for _ in range(5):
        run_attempts(shop.crew.parts)
        shop.clock.advance(seconds=B2C_QUERY_AFTER_SECONDS[-1])

    returns = shop.returns()
    assert [(each.state, each.tries) for each in returns] == [(AttemptState.SUCCEEDED, 1)]
    assert shop.refunds() == 1


def test_a_refund_to_a_card_that_never_reached_the_provider_is_for_a_person(shop: Shop) -> None:
    """The provider's list is no proof that it was not made: only somebody who has looked sends it
    again.
    """
    shop.press()
    shop.decide("paid")
    shop.fault("flutterwave_refund", "timeout_before", seconds=0)
    with shop.crew.database.transaction() as tx:
        cancel_by_customer(tx, shop.booking.id, shop.booking.customer_id)
    for waited in (0, CARD_REFUND_GIVE_UP_SECONDS - 1, B2C_QUERY_AFTER_SECONDS[-1]):
        shop.clock.advance(seconds=waited)
        run_attempts(shop.crew.parts)

    assert [each.state for each in shop.returns()] == [AttemptState.FAILED]
    assert shop.refunds() == 1
    with shop.crew.database.transaction() as tx:
        sweep(tx)
        (case,) = open_cases(tx)
        assert case.kind is CaseKind.REFUND_FAILED
        retry_refund(tx, UUID(case.subject))
    for _ in range(2):
        run_attempts(shop.crew.parts)
        shop.clock.advance(seconds=B2C_QUERY_AFTER_SECONDS[0])

    assert shop.returns()[-1].state is AttemptState.SUCCEEDED
    assert shop.refunds() == 2
