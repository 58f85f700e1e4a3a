"""Parts of long messages as Kannel brings them: octets in a query, and what is kept of them."""

from urllib.parse import quote_plus, urlencode

import pytest
from structlog.testing import capture_logs

from channels.kannel.messages import accept_sms, read_sms
from channels.sms import SmsCall
from core.ports.messages import SmsIn, SmsPart
from core.ports.providers import Callback
from core.settings import Settings

SETTINGS = Settings(env="test")
TEXT = " hall & a ramp+é?"


def accepted(header: bytes, text: str = TEXT, *, written: str | None = None) -> Callback:
    form = {"id": "m-1", "from": "+254700000001", "to": "20384", "text": text}
    escaped = quote_plus(header) if written is None else written
    query = f"{urlencode(form)}&udh={escaped}"
    return accept_sms(SETTINGS, SmsCall("https://nafasi.test/hooks", query.encode(), {}, b""))


@pytest.mark.parametrize("reference", [0, 0x20, 0x25, 0x26, 0x2B, 0x3D, 0x41, 0x80, 0xCC, 0xFF])
def test_every_octet_of_a_header_survives_the_query(reference: int) -> None:
    kept = accepted(bytes([5, 0, 3, reference, 3, 2]))

    part = SmsPart(reference, 3, 2)
    assert read_sms(kept.payload) == SmsIn("kannel", "m-1", "+254700000001", "20384", TEXT, part)
    assert (kept.kind, kept.reference, kept.once) == ("sms", "m-1", True)
    assert kept.part_of == f"kannel 20384 {reference}/3"


def test_a_reference_of_two_octets_is_another_than_that_of_one() -> None:
    assert accepted(bytes([6, 8, 4, 1, 0xCC, 3, 2])).part_of == "kannel 20384 460/3"
    assert accepted(bytes([5, 0, 3, 0xCC, 3, 2])).part_of == "kannel 20384 204/3"


@pytest.mark.parametrize("written", ["", "%05%00%03%CC%01%01", "%06%05%04%0B%84%23%F0"])
def test_a_whole_message_is_kept_as_ever(written: str) -> None:
    kept = accepted(b"", written=written)
    assert kept.part_of == ""
    assert kept.payload.keys() == {"id", "from", "to", "text"}


@pytest.mark.parametrize(
    "written",
    [
        "%05%00%03%CC%03%00",
        "%05%00%03%CC%03%04",
        "%05%00%03%CC%FF%01",
        "%05%00%03%CC",
        "%FF%FE",
        "050003CC0301",
        "%u",
        "%",
        "%CC" * 5_000,
        "%05%00%03%CC%03%01&udh=%05%00%03%CC%03%01",
    ],
)
def test_rubbish_in_a_header_costs_no_words_and_is_noted(written: str) -> None:
    with capture_logs() as lines:
        kept = accepted(b"", written=written)

    assert read_sms(kept.payload).text == TEXT
    assert (kept.part_of, read_sms(kept.payload).part) == ("", None)
    assert len(kept.payload["bad_udh"]) <= 280
    [line] = lines
    assert (line["event"], line["log_level"]) == ("sms.bad_header", "warning")
    assert "ramp" not in str(line)


def test_what_is_longer_than_a_part_is_none() -> None:
    assert accepted(bytes([5, 0, 3, 1, 2, 1]), "x" * 160).part_of
    with capture_logs() as lines:
        assert not accepted(bytes([5, 0, 3, 1, 2, 1]), "x" * 161).part_of
    assert [line["why"] for line in lines] == ["text"]


def test_the_name_may_be_escaped_too() -> None:
    query = b"id=m-1&from=%2B254700000001&to=20384&text=x&%75dh=%05%00%03%CC%02%01"
    kept = accept_sms(SETTINGS, SmsCall("https://nafasi.test/hooks", query, {}, b""))
    assert kept.part_of == "kannel 20384 204/2"
