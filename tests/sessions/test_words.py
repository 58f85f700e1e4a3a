"""A cancellation policy in one line of a screen, in both languages."""

import pytest

from core.booking.policy import POLICIES
from sessions.flows.words import refund_line
from sessions.texts import plain

LINES = {
    "standard": (
        "Cancel: 80% back 48h before, 50% 24h",
        "Ukighairi: 80% hurudi saa 48 kabla, 50% saa 24",
    ),
    "flexible": (
        "Cancel: 100% back 24h before, then 50%",
        "Ukighairi: 100% hurudi saa 24 kabla, kisha 50%",
    ),
    "strict": ("Cancel: 50% back 14 days before", "Ukighairi: 50% hurudi siku 14 kabla"),
    "meetings": (
        "Cancel: 100% back 14 days before, 80% 7 days",
        "Ukighairi: 100% hurudi siku 14 kabla, 80% siku 7",
    ),
    "catering": (
        "Cancel: 100% back 96h before, then 10,000+ kept",
        "Ukighairi: 100% hurudi saa 96 kabla, ada 10,000+",
    ),
    "holiday": (
        "Cancel: 100% back 14 days before, 75% 7 days",
        "Ukighairi: 100% hurudi siku 14 kabla, 75% siku 7",
    ),
}


def test_every_named_policy_has_its_line() -> None:
    assert set(LINES) == set(POLICIES)


@pytest.mark.parametrize("name", LINES)
def test_a_policy_says_its_first_steps(name: str) -> None:
    line = refund_line(POLICIES[name])

    assert (plain(line, "en"), plain(line, "sw")) == LINES[name]


@pytest.mark.parametrize(
    ("tiers", "line"),
    [
        ([{"hours_before": 0, "refund_percent": 0}], "Cancelling: no refund"),
        ([{"hours_before": 0, "refund_percent": 100}], "Cancel: 100% back"),
        (
            [
                {"days_before": 1, "refund_percent": 90},
                {"days_before": 0, "refund_percent": 0},
            ],
            "Cancel: 90% back 1 day before",
        ),
    ],
)
def test_short_policies(tiers: list[dict[str, int]], line: str) -> None:
    assert plain(refund_line({"name": "own", "tiers": tiers}), "en") == line
