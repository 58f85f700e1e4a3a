"""Log lines: JSON, and nobody's number in them."""

import json
import subprocess
import sys

import pytest

from core.logs import masked

NUMBER = "+254700000001"
SHOWN = "+2547****001"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NUMBER, SHOWN),
        ("254700000001", "25470****001"),
        (f"to {NUMBER}, from +254700000011.", "to +2547****001, from +2547****011."),
        ({"payer": NUMBER, NUMBER: [NUMBER]}, {"payer": SHOWN, SHOWN: [SHOWN]}),
        ((1, None, True, 2.5), [1, None, True, 2.5]),
        ("01a1f6f8-164d-76d9-92e4-254700000001", "01a1f6f8-164d-76d9-92e4-254700000001"),
        ("K7P4Q 66700", "K7P4Q 66700"),
    ],
)  # fmt: skip
def test_numbers_are_masked_wherever_they_stand(value: object, shown: object) -> None:
    assert masked(value) == shown


def test_what_lies_too_deep_is_dropped() -> None:
    deep: object = NUMBER
    for _ in range(20):
        deep = [deep]

    assert NUMBER not in str(masked(deep))


SCRIPT = """
import logging
import structlog
from core.settings import Settings
from core.logs import configure_logs

configure_logs(Settings(env="test"))
structlog.get_logger().info("booking.confirmed", msisdn="+254700000001", cents=5)
logging.getLogger("some.library").warning("could not reach %s", "+254700000001")
logging.getLogger("httpx").info("POST https://host/hooks/daraja/secret/stk")
try:
    raise ValueError("+254700000001 is busy")
except ValueError:
    structlog.get_logger().exception("it.failed")
"""


def test_lines_of_ours_and_of_libraries_are_json_without_numbers() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )

    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["event"] for line in lines] == [
        "booking.confirmed",
        "could not reach +2547****001",
        "it.failed",
    ]
    assert lines[0]["msisdn"] == "+2547****001"
    assert lines[0]["cents"] == 5
    assert lines[0]["level"] == "info"
    assert "ValueError: +2547****001 is busy" in lines[2]["exception"]
    assert NUMBER not in ended.stdout + ended.stderr
