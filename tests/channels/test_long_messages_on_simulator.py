"""The simulated Kannel hands over a long message as it is told; our side reads what was meant."""

import httpx
import pytest

from channels.kannel.messages import accept_sms, read_sms
from channels.sms import SmsCall
from core.ports.messages import SmsIn
from core.settings import Settings
from tests.channels.simulator.rig import PHONE, Simulator

SETTINGS = Settings(env="test")
PLAIN = "".join(f"{number:03} " for number in range(100))  # 400 letters: three parts of 153.
CURLY = "“" + "y" * 130 + "”"  # 132 letters, of which 67 are in a part.


@pytest.fixture(autouse=True)
def over_kannel(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "sms_route": "kannel"})


def send(simulator: Simulator, text: str, **more: object) -> list[SmsIn]:
    """What our side makes of the calls, in the order in which they came."""
    before = len(simulator.ours.at("/sms"))
    sent = {"from": PHONE, "text": text, **more}
    simulator.control("/sms", sent)
    parts = sent.get("parts", [1])
    assert isinstance(parts, list)
    heard = simulator.ours.wait("/sms", before + len(parts))[before:]
    assert len({each.query for each in heard}) == len(heard), "each has a name of its own"
    calls = [SmsCall(each.path, each.query.encode(), {}, b"") for each in heard]
    return [read_sms(accept_sms(SETTINGS, call).payload) for call in calls]


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 2, 1, 3], [1, 3]])
def test_parts_come_in_the_order_that_was_asked_for(
    simulator: Simulator, order: list[int]
) -> None:
    came = send(simulator, PLAIN, parts=order, reference=0xCC)

    parts = [each.part for each in came if each.part]
    assert [(part.reference, part.total, part.number) for part in parts] == [
        (0xCC, 3, number) for number in order
    ]
    cut = {1: PLAIN[:153], 2: PLAIN[153:306], 3: PLAIN[306:]}
    assert [each.text for each in came] == [cut[number] for number in order]


def test_beyond_plain_letters_a_part_is_shorter(simulator: Simulator) -> None:
    first, second = send(simulator, CURLY, parts=[1, 2], reference=0x1F2B)
    assert first.part
    assert (len(first.text), first.text + second.text) == (67, CURLY)
    assert first.part.reference == 0x1F2B, "two octets"


def test_a_phone_counts_its_long_messages_and_comes_round(simulator: Simulator) -> None:
    seen = [send(simulator, CURLY, parts=[1])[0].part for _ in range(2)]
    assert [part.reference for part in seen if part] == [1, 2]


def test_without_a_word_it_is_joined(simulator: Simulator) -> None:
    [whole] = send(simulator, PLAIN)
    assert (whole.text, whole.part) == (PLAIN, None)


@pytest.mark.parametrize(
    "body",
    [
        {"parts": [4]},
        {"parts": [0]},
        {"parts": []},
        {"parts": "1"},
        {"parts": [True]},
        {"parts": [1] * 41},
        {"parts": [1], "reference": 65_536},
    ],
)
def test_what_cannot_be_is_refused(simulator: Simulator, body: dict[str, object]) -> None:
    assert refused(simulator, body).status_code == 400


def test_only_kannel_leaves_parts_as_they_are(simulator: Simulator) -> None:
    simulator.control("/phones", {"phone": PHONE, "sms_route": "twilio"})
    answer = refused(simulator, {"parts": [1]})
    assert answer.json()["error"]["message"] == "twilio joins the parts of a message"


def refused(simulator: Simulator, body: dict[str, object]) -> httpx.Response:
    sent = {"from": PHONE, "text": PLAIN} | body
    return simulator.http.post(f"{simulator.base}/simulator/api/sms", json=sent)
