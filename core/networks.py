"""The phone networks of Kenya as data: how much each shows at once, and how long it waits.

Codes are those that gateways send. Screens: AT help article 1284096, of which Airtel's 184 is
above the 182 septets that a USSD message holds (3GPP TS 23.038). Timers: AT help article 1284071.
A network that has not said is taken for the one with the smallest screen and the least patience.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """One network.

    Attributes:
        code: as gateways name it.
        name: as people know it.
        screen_septets: what it shows at once; what is longer it cuts and keeps behind its own 98.
        silence_seconds: how long it waits for a key.
        session_seconds: how long a call lasts at most.
    """

    code: str
    name: str
    screen_septets: int = 160
    silence_seconds: int = 30
    session_seconds: int = 180


NETWORKS = {
    network.code: network
    for network in (
        Network("63902", "Safaricom"),
        Network("63903", "Airtel", screen_septets=182, silence_seconds=60),
        Network("63907", "Telkom"),
        Network("63999", "Equitel"),
        Network("99999", "sandbox"),
    )
}
UNKNOWN = Network("", "unknown")

# A screen may be shown by any of them, and a person may change the card in their phone.
SCREEN_SEPTETS = min(network.screen_septets for network in (*NETWORKS.values(), UNKNOWN))
SILENCE_SECONDS_MAX = max(network.silence_seconds for network in NETWORKS.values())
SESSION_SECONDS_MAX = max(network.session_seconds for network in NETWORKS.values())


def network_of(code: str) -> Network:
    """Return what is known of a network; ``UNKNOWN`` where nothing is."""
    return NETWORKS.get(code, UNKNOWN)
