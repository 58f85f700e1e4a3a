"""User data headers: which part of a long message, or rubbish that costs no words."""

import pytest

from channels.udh import BadHeader, read_part
from core.ports.messages import SmsPart


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        # By one octet and by two; every octet may be anything.
        ("050003cc0301", SmsPart(0xCC, 3, 1)),
        ("050003000202", SmsPart(0, 2, 2)),
        ("050003ff0a0a", SmsPart(255, 10, 10)),
        ("060804f42e0302", SmsPart(0xF42E, 3, 2)),
        ("06080400cc0302", SmsPart(0xCC, 3, 2)),
        # Beside other elements: to a port (05), before and behind.
        ("0b05040b8423f0000307" + "0201", SmsPart(7, 2, 1)),
        ("0b000307020105040b8423f0", SmsPart(7, 2, 1)),
        ("0605040b8423f0", None),
        # Of two that exclude each other the last one counts.
        ("0b0003070201" + "080400090302", SmsPart(9, 3, 2)),
        # The only part is the whole.
        ("050003cc0101", None),
        ("00", None),
    ],
)
def test_a_header_says_which_part_it_is(header: str, part: SmsPart | None) -> None:
    assert read_part(bytes.fromhex(header)) == part


@pytest.mark.parametrize(
    ("header", "why"),
    [
        # No number 0, no fourth of three, none of none.
        ("050003cc0300", "number"),
        ("050003cc0304", "number"),
        ("050003cc0000", "number"),
        ("060804f42e0300", "number"),
        # More than anybody sends.
        ("050003cc0b01", "too_many"),
        ("050003ccff01", "too_many"),
        # Cut off, too long, another length than it says, an element of another length.
        ("050003cc03", "length"),
        ("050003cc030100", "length"),
        ("0600", "length"),
        ("0100", "length"),
        ("050004cc0301", "length"),
        ("05000400cc03", "length"),
        ("050003f42e0302", "length"),
        ("050803cc0301", "length"),
        ("050000030301", "length"),
        ("8c" + "01" * 140, "length"),
        # As digits, which is how other addresses of Kannel tell it.
        (b"050003CC0301".hex(), "length"),
    ],
)
def test_rubbish_is_called_so(header: str, why: str) -> None:
    with pytest.raises(BadHeader, match=f"^{why}$"):
        read_part(bytes.fromhex(header))
