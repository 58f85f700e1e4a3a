"""What the networks show and how long they wait, and who keeps to it."""

import pytest

from core.networks import (
    NETWORKS,
    SCREEN_SEPTETS,
    SESSION_SECONDS_MAX,
    SILENCE_SECONDS_MAX,
    UNKNOWN,
    Network,
    network_of,
)
from sessions.dropped import SILENT_SECONDS

SEPTETS_OF_A_MESSAGE = 182
EVERY = [*NETWORKS.values(), UNKNOWN]


@pytest.mark.parametrize("network", EVERY, ids=lambda network: network.name)
def test_a_screen_of_ours_is_shown_whole_by_every_network(network: Network) -> None:
    assert SCREEN_SEPTETS <= network.screen_septets <= SEPTETS_OF_A_MESSAGE


@pytest.mark.parametrize("network", EVERY, ids=lambda network: network.name)
def test_nobody_is_taken_for_gone_while_their_network_still_waits(network: Network) -> None:
    assert network.silence_seconds <= SILENCE_SECONDS_MAX < SILENT_SECONDS
    assert network.session_seconds <= SESSION_SECONDS_MAX


def test_a_network_that_nobody_knows_is_the_least_patient_with_the_smallest_screen() -> None:
    assert network_of("62006") is UNKNOWN
    assert UNKNOWN.screen_septets == min(each.screen_septets for each in EVERY)
    assert UNKNOWN.silence_seconds == min(each.silence_seconds for each in EVERY)
