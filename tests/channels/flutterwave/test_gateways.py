"""What goes over the wire to Flutterwave, and what comes of each kind of answer."""

import httpx
import pytest
import respx

from channels.flutterwave.cards import FlutterwaveCards
from channels.flutterwave.charges import FlutterwaveCollections
from channels.flutterwave.client import FlutterwaveClient
from channels.flutterwave.transfers import FlutterwavePayouts
from core.money import Money, kes
from core.ports.money import (
    Accepted,
    BankAccount,
    CardRefund,
    CheckoutRequest,
    Outcome,
    PayRequest,
    PushRequest,
)
from core.ports.providers import ProviderError
from tests.channels.flutterwave.rig import (
    ATTEMPT,
    KEY,
    OTHER_ATTEMPT,
    WEBHOOK,
    charge,
    config,
    error,
    flags,
    sent,
    success,
    transfer,
)

PUSH = PushRequest(ATTEMPT, "+254700000001", kes(1_500), "K7P4Q")
CHECKOUT = CheckoutRequest(ATTEMPT, "+254700000001", kes(1_500), "K7P4Q", "a-token")
PAY = PayRequest(ATTEMPT, "+254700000011", kes(40_000), "Payout 12")
BANK = BankAccount("68", "0123456789", "Baraka Gardens Ltd")


@pytest.fixture
def collections(client: FlutterwaveClient) -> FlutterwaveCollections:
    return FlutterwaveCollections(client)


@pytest.fixture
def cards(client: FlutterwaveClient) -> FlutterwaveCards:
    return FlutterwaveCards(client)


@pytest.fixture
def payouts(client: FlutterwaveClient) -> FlutterwavePayouts:
    return FlutterwavePayouts(client)


def test_a_charge_as_it_is_sent(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections
) -> None:
    route = flutterwave.post("/charges").mock(return_value=success(charge(status="pending")))

    assert collections.push(PUSH).reference == "4412001"

    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert dict(request.url.params) == {"type": "mpesa"}
    body = sent(request)
    assert body.pop("email") == config().alias("+254700000001")
    assert body == {
        "tx_ref": str(ATTEMPT),
        "amount": 1500,
        "currency": "KES",
        "phone_number": "254700000001",
        "meta": {"booking": "K7P4Q"},
    }


def test_an_alias_is_a_persons_own_and_tells_no_number() -> None:
    told = config()
    alias = told.alias("+254700000001")
    assert alias == told.alias("+254700000001")
    assert alias != told.alias("+254700000002")
    assert alias != config(secret_key="another").alias("+254700000001")
    assert "700000001" not in alias
    assert alias.endswith("@guest.nafasi.test")


@pytest.mark.parametrize(
    "request_",
    [
        PushRequest(ATTEMPT, "+254200000001", kes(1_500), "K7P4Q"),
        PushRequest(ATTEMPT, "+254700000001", Money(150_050), "K7P4Q"),
        PushRequest(ATTEMPT, "+254700000001", kes(250_001), "K7P4Q"),
        PushRequest(ATTEMPT, "+254700000001", Money(1_500_00, "USD"), "K7P4Q"),
    ],
    ids=["landline", "cents", "too much", "dollars"],
)
def test_what_cannot_be_charged_is_not_sent(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections, request_: PushRequest
) -> None:
    with pytest.raises(ProviderError) as refused:
        collections.push(request_)
    assert refused.value.code in {"bad_number", "bad_amount"}
    assert flags(refused.value) == set()
    assert not flutterwave.calls


def test_503_after_28_seconds_means_that_the_prompt_may_be_there(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections
) -> None:
    flutterwave.post("/charges").mock(return_value=error(503, "An error occurred."))
    with pytest.raises(ProviderError) as lost:
        collections.push(PUSH)
    assert (lost.value.code, flags(lost.value)) == ("unavailable", {"unknown"})


def test_no_connection_means_that_nothing_was_sent(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections
) -> None:
    flutterwave.post("/charges").mock(side_effect=httpx.ConnectError("no route"))
    with pytest.raises(ProviderError) as down:
        collections.push(PUSH)
    assert (down.value.code, flags(down.value)) == ("unavailable", {"retryable"})


def test_a_charge_is_verified_by_its_number_or_by_ours(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections
) -> None:
    theirs = flutterwave.get("/transactions/4412001/verify").mock(return_value=success(charge()))
    ours = flutterwave.get("/transactions/verify_by_reference", params={"tx_ref": str(ATTEMPT)})
    ours.mock(return_value=success(charge()))

    assert collections.ask(ATTEMPT, "4412001").outcome is Outcome.SUCCEEDED
    assert collections.ask(ATTEMPT, str(ATTEMPT)).outcome is Outcome.SUCCEEDED
    assert (theirs.call_count, ours.call_count) == (1, 1)


def test_a_question_never_leaves_anything_unknown(
    flutterwave: respx.MockRouter, collections: FlutterwaveCollections
) -> None:
    flutterwave.get("/transactions/4412001/verify").mock(return_value=error(503, "later"))
    with pytest.raises(ProviderError) as refused:
        collections.ask(ATTEMPT, "4412001")
    assert flags(refused.value) == {"retryable"}


def test_a_page_for_a_card_as_it_is_asked_for(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards
) -> None:
    link = "https://checkout.flutterwave.test/v3/hosted/pay/abc"
    route = flutterwave.post("/payments").mock(return_value=success({"link": link}))

    assert cards.open(CHECKOUT) == Accepted(str(ATTEMPT), link)

    body = sent(route.calls.last.request)
    assert body.pop("customer") == {
        "email": config().alias("+254700000001"),
        "phonenumber": "254700000001",
    }
    assert body == {
        "tx_ref": str(ATTEMPT),
        "amount": 1500,
        "currency": "KES",
        "redirect_url": "https://nafasi.test/pay/a-token",
        "payment_options": "card",
        "session_duration": 15,
        "customizations": {"title": "Nafasi"},
        "meta": {"booking": "K7P4Q"},
    }


@pytest.mark.parametrize(
    "link", ["", None, "javascript:alert(1)", "http://elsewhere.test/pay", "//pay", "x" * 501, 7]
)
def test_a_browser_is_sent_nowhere_else(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards, link: object
) -> None:
    flutterwave.post("/payments").mock(return_value=success({"link": link}))
    with pytest.raises(ProviderError) as bad:
        cards.open(CHECKOUT)
    assert (bad.value.code, flags(bad.value)) == ("bad_answer", {"unknown"})


def test_whose_number_a_card_page_was_given_proves_nothing(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards
) -> None:
    ours = flutterwave.get("/transactions/verify_by_reference", params={"tx_ref": str(ATTEMPT)})
    ours.mock(return_value=success(charge(payment_type="card")))
    event = cards.ask(ATTEMPT, str(ATTEMPT))
    assert (event.outcome, event.payer, event.reference) == (Outcome.SUCCEEDED, None, "4412001")


def test_a_refund_names_the_charge_the_part_and_our_id(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards
) -> None:
    answer = success({"id": 75923, "tx_id": 4412001, "status": "completed"})
    route = flutterwave.post("/transactions/4412001/refund").mock(return_value=answer)

    assert cards.refund(CardRefund(ATTEMPT, "4412001", kes(500))).reference == "75923"

    assert sent(route.calls.last.request) == {"amount": 500, "comments": str(ATTEMPT)}
    with pytest.raises(ProviderError, match="bad_reference"):
        cards.refund(CardRefund(ATTEMPT, "../transfers", kes(500)))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("completed", Outcome.SUCCEEDED),
        ("completed-mpgs", Outcome.SUCCEEDED),
        ("FAILED", Outcome.FAILED),
        ("new", Outcome.PENDING),
        ("pending-momo", Outcome.PENDING),
        ("a new word", Outcome.UNKNOWN),
    ],
)
def test_how_a_refund_stands(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards, status: str, outcome: Outcome
) -> None:
    row = {"id": 75923, "status": status, "amount_refunded": 500, "flw_ref": "URF_1"}
    flutterwave.get("/refunds/75923").mock(return_value=success(row))

    event = cards.ask_refund(ATTEMPT, "75923")

    paid = outcome is Outcome.SUCCEEDED
    assert event.outcome is outcome
    assert (event.receipt, event.amount) == (("URF_1", kes(500)) if paid else (None, None))


def test_a_refund_whose_answer_was_lost_is_found_by_what_we_wrote_on_it(
    flutterwave: respx.MockRouter, cards: FlutterwaveCards
) -> None:
    rows = [
        {"id": 1, "status": "completed", "amount_refunded": 500, "comments": str(OTHER_ATTEMPT)},
        {"id": 2, "status": "completed", "amount_refunded": 500, "comments": str(ATTEMPT)},
    ]
    listed = flutterwave.get("/refunds")
    listed.mock(return_value=success(rows))
    assert cards.ask_refund(ATTEMPT, None).reference == "2"

    listed.mock(return_value=success(rows[:1]))
    assert cards.ask_refund(ATTEMPT, None).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("request_", "receiver"),
    [
        (
            PAY,
            {
                "account_bank": "MPS",
                "account_number": "254700000011",
                "beneficiary_name": "Payout 12",
            },
        ),
        (
            PayRequest(ATTEMPT, "+254700000011", kes(40_000), "Payout 12", BANK),
            {
                "account_bank": "68",
                "account_number": "0123456789",
                "beneficiary_name": "Baraka Gardens Ltd",
            },
        ),
    ],
    ids=["wallet", "bank"],
)
def test_a_transfer_as_it_is_sent(
    flutterwave: respx.MockRouter,
    payouts: FlutterwavePayouts,
    request_: PayRequest,
    receiver: dict[str, str],
) -> None:
    route = flutterwave.post("/transfers").mock(return_value=success(transfer(status="NEW")))

    assert payouts.pay(request_).reference == "26251"

    assert sent(route.calls.last.request) == receiver | {
        "amount": 40000,
        "currency": "KES",
        "debit_currency": "KES",
        "reference": str(ATTEMPT),
        "narration": "Booking payout",
        "callback_url": WEBHOOK,
    }


def test_a_transfer_that_is_there_already_is_not_made_again(
    flutterwave: respx.MockRouter, payouts: FlutterwavePayouts
) -> None:
    flutterwave.post("/transfers").mock(
        return_value=error(400, "Transfer with this reference already exists")
    )
    assert payouts.pay(PAY).reference == str(ATTEMPT)


def test_an_empty_account_stops_everything(
    flutterwave: respx.MockRouter, payouts: FlutterwavePayouts
) -> None:
    flutterwave.post("/transfers").mock(
        return_value=error(400, "Insufficient funds in customer wallet")
    )
    with pytest.raises(ProviderError) as refused:
        payouts.pay(PAY)
    assert (refused.value.code, flags(refused.value)) == ("no_balance", {"stop"})


def test_a_transfer_is_asked_about_by_its_number(
    flutterwave: respx.MockRouter, payouts: FlutterwavePayouts
) -> None:
    flutterwave.get("/transfers/26251").mock(return_value=success(transfer()))
    assert payouts.ask_payout(ATTEMPT, "26251").outcome is Outcome.SUCCEEDED


def test_a_list_is_searched_for_our_own_reference(
    flutterwave: respx.MockRouter, payouts: FlutterwavePayouts
) -> None:
    """Should the provider ignore the filter, another transfer's success is not taken for ours."""
    other = transfer(reference=str(OTHER_ATTEMPT))
    route = flutterwave.get("/transfers", params={"reference": str(ATTEMPT)})
    route.mock(side_effect=[success([other]), success([other, transfer(status="FAILED")])])

    nothing = payouts.ask_payout(ATTEMPT)
    found = payouts.ask_payout(ATTEMPT, str(ATTEMPT))

    assert (nothing.outcome, nothing.code) == (Outcome.UNKNOWN, "not_found")
    assert found.outcome is Outcome.FAILED
