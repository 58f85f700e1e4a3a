"""Invoices on their way to KRA: exact bodies, and what every answer means for the next step."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from channels.etims.registrar import EtimsRegistrar
from channels.etims.wire import EtimsConfig, decimal, sale
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxItem, TaxLine, TaxRegistered
from tests.channels.simulator.rig import Simulator

# The worked example: 57,500 and its 16 %.
GOLDEN = TaxDocument(
    number=91,
    label="R2026-000091",
    original_number=None,
    issued_at=datetime(2026, 1, 15, 6, 30, 22, tzinfo=UTC),
    lines=(
        TaxLine(TaxItem.SERVICE, 5_000_000, 800_000, 1600),
        TaxLine(TaxItem.FEE, 750_000, 120_000, 1600),
    ),
)
ODD = replace(
    GOLDEN,
    number=1,
    lines=(
        TaxLine(TaxItem.SERVICE, 129_310, 20_690, 1600),
        TaxLine(TaxItem.ROUNDING, 37, 0, 0),
    ),
)
CREDIT = replace(GOLDEN, number=92, label="C2026-000001", original_number=91)


def config_of(simulated: Simulator, **over: Any) -> EtimsConfig:
    known = simulated.config
    made = EtimsConfig(
        f"{simulated.base}/etims",
        known.etims_pin,
        known.etims_branch,
        known.etims_key,
        "90111800",
    )
    return replace(made, **over)


@pytest.fixture
def registrar(simulator: Simulator) -> Iterator[EtimsRegistrar]:
    made = EtimsRegistrar(config_of(simulator))
    yield made
    made.close()


def test_what_was_paid_by_card_is_not_called_mobile_money() -> None:
    by_card = replace(GOLDEN, by_card=True)

    assert sale(by_card, "90111800")["pmtTyCd"] == "05"
    assert sale(replace(by_card, original_number=91), "90111800")["pmtTyCd"] == "05"


def test_a_sale_has_every_field_and_sums_that_agree() -> None:
    body = sale(GOLDEN, "90111800")

    assert (body["trdInvcNo"], body["invcNo"], body["orgInvcNo"]) == ("R2026-000091", 91, 0)
    assert (body["rcptTyCd"], body["pmtTyCd"]) == ("S", "06")
    # Kenyan time.
    assert (body["cfmDt"], body["salesDt"]) == ("20260115093022", "20260115")
    assert (body["taxblAmtB"], body["taxRtB"], body["taxAmtB"]) == (57_500, 16, 9_200)
    assert [body[f"taxblAmt{band}"] for band in "ACDE"] == [0, 0, 0, 0]
    assert (body["totTaxblAmt"], body["totTaxAmt"], body["totAmt"]) == (57_500, 9_200, 66_700)
    assert [line["totAmt"] for line in body["itemList"]] == [58_000, 8_700]
    # Nobody's name or number: the customer gave no PIN.
    assert (body["custTin"], body["custNm"]) == (None, None)


def test_odd_cents_are_decimals_and_rounding_is_outside_the_tax() -> None:
    body = sale(ODD, "90111800")

    assert (body["taxblAmtB"], body["taxAmtB"], body["taxblAmtD"]) == (1293.1, 206.9, 0.37)
    assert body["totAmt"] == 1500.37
    assert [line["taxTyCd"] for line in body["itemList"]] == ["B", "D"]
    assert decimal(-0) == 0


def test_a_credit_note_names_what_it_takes_back() -> None:
    body = sale(CREDIT, "90111800")

    assert (body["rcptTyCd"], body["orgInvcNo"], body["rfdRsnCd"]) == ("R", 91, "06")
    assert body["rfdDt"] == body["cfmDt"]
    assert body["totAmt"] == 66_700


def test_the_authority_takes_a_sale_and_what_takes_it_back(registrar: EtimsRegistrar) -> None:
    for document in (GOLDEN, ODD):
        answer = registrar.register(document)
        assert answer.receipt_number is not None
        assert answer.signature
        assert answer.internal_data

    assert registrar.register(CREDIT).receipt_number == 3


def test_the_same_number_again_registers_nothing_twice(registrar: EtimsRegistrar) -> None:
    first = registrar.register(GOLDEN)

    assert first.receipt_number == 1
    assert registrar.register(GOLDEN) == TaxRegistered()


def test_a_lost_answer_is_unknown_and_the_next_try_finds_it_registered(
    registrar: EtimsRegistrar,
    simulator: Simulator,
) -> None:
    simulator.control("/faults", {"service": "etims", "fault": "timeout_after", "seconds": 0})

    with pytest.raises(ProviderError) as lost:
        registrar.register(GOLDEN)

    assert lost.value.unknown
    assert registrar.register(GOLDEN) == TaxRegistered()


@pytest.mark.parametrize(
    ("fault", "code", "stop"),
    [
        ("insider_code:910", "refused", False),
        ("insider_code:913", "refused", False),
        ("insider_code:001", "refused", False),
        ("insider_code:901", "misconfigured", True),
        ("insider_code:921", "misconfigured", True),
        ("insider_code:990", "unavailable", False),
        ("insider_code:999", "unavailable", False),
        ("error500", "unavailable", False),
        ("html", "unavailable", False),
        ("empty", "bad_answer", False),
        ("busy", "busy", False),
        ("invalid_token", "bad_credentials", True),
    ],
)
def test_every_answer_has_one_meaning(
    registrar: EtimsRegistrar,
    simulator: Simulator,
    fault: str,
    code: str,
    stop: bool,  # noqa: FBT001
) -> None:
    simulator.control("/faults", {"service": "etims", "fault": fault})

    with pytest.raises(ProviderError) as refused:
        registrar.register(GOLDEN)

    assert (refused.value.code, refused.value.stop) == (code, stop)


def test_a_unit_that_is_not_ours_stops_everything(simulator: Simulator) -> None:
    registrar = EtimsRegistrar(config_of(simulator, key="another"))

    with pytest.raises(ProviderError) as refused:
        registrar.register(GOLDEN)

    assert (refused.value.code, refused.value.stop) == ("misconfigured", True)
    registrar.close()


def test_a_unit_is_initialised_once_and_its_items_are_known(
    registrar: EtimsRegistrar,
    simulator: Simulator,
) -> None:
    assert registrar.initialise(simulator.config.etims_serial) == simulator.config.etims_key
    registrar.save_items()

    with pytest.raises(ProviderError, match="misconfigured"):
        registrar.initialise(simulator.config.etims_serial)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"totAmt": 1}, "totAmt is not taxable amount and tax"),
        ({"taxAmtC": None}, "taxAmtC is required"),
        ({"taxblAmtA": 57_500, "taxblAmtB": 0}, "taxblAmtA is not the sum of its items"),
        ({"rcptTyCd": "R"}, "orgInvcNo does not fit rcptTyCd"),
        ({"rcptTyCd": "R", "orgInvcNo": 7, "rfdRsnCd": "06"}, "orgInvcNo is not known"),
        ({"totItemCnt": 1}, "itemList does not fit totItemCnt"),
        ({"invcNo": "91"}, "invcNo is not valid"),
    ],
)
def test_the_simulator_refuses_what_kra_refuses(
    simulator: Simulator,
    change: dict[str, Any],
    says: str,
) -> None:
    config = config_of(simulator)
    body = sale(GOLDEN, config.item_class) | change

    with httpx.Client(trust_env=False) as http:
        answer = http.post(
            f"{config.base_url}/saveTrnsSalesOsdc", json=body, headers=config.headers
        ).json()

    assert (answer["resultCd"], answer["resultMsg"]) == ("910", says)
    assert answer["data"] is None
