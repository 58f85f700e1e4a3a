"""What a password may be, and which codes count."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from core.admins.rules import Authenticator, check_password, counts, email_of, step_at
from core.errors import BadInput

# RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
RFC_KEY = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize(("second", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(second: int, code: str) -> None:
    codes, now = Authenticator(RFC_KEY), datetime.fromtimestamp(second, UTC)

    assert codes.code(step_at(now)) == code
    assert codes.step_of(code, now) == second // 30


def test_a_code_is_taken_one_step_early_or_late_and_no_more() -> None:
    codes, now = Authenticator(RFC_KEY), datetime(2026, 11, 20, 6, 0, 15, tzinfo=UTC)
    here = step_at(now)

    taken = [aside for aside in range(-3, 4) if codes.step_of(codes.code(here + aside), now)]

    assert taken == [-1, 0, 1]
    assert codes.step_of(codes.code(here), now + timedelta(seconds=44)) == here
    assert codes.step_of(codes.code(here), now + timedelta(seconds=45)) is None


@pytest.mark.parametrize("typed", ["", "28708", "2870822", "٢٨٧٠٨٢", "\x00", "code"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert Authenticator(RFC_KEY).step_of(typed, datetime.fromtimestamp(59, UTC)) is None
    assert Authenticator(RFC_KEY).step_of("287 082", datetime.fromtimestamp(59, UTC)) == 1


def test_a_step_counts_once_and_none_before_it() -> None:
    assert [counts(step, 7) for step in (None, 6, 7, 8)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_short"),
        ("x" * 11, "password_short"),
        ("x" * 129, "password_long"),
        ("Wanjiku.Kamau@nafasi.example", "password_email"),
        ("wanjiku.kamau", "password_email"),
        # Two letters that are one when they are hashed.
        ("ﬁ" * 6, None),
        ("x" * 12, None),
        ("nywila ndefu ya kutosha", None),
    ],
)
def test_a_password_is_long_and_not_the_address(password: str, code: str | None) -> None:
    def check() -> str:
        return check_password(password, "wanjiku.kamau@nafasi.example")

    if code is None:
        assert check()
        return
    with pytest.raises(BadInput, match=code):
        check()


def test_an_address_is_known_in_lower_case() -> None:
    assert email_of(" Wanjiku@Nafasi.Example ") == "wanjiku@nafasi.example"
    for typed in ("", "wanjiku", "a@b", "a b@c.example", "a\x00@c.example", "é@c.example"):
        with pytest.raises(BadInput, match="bad_email"):
            email_of(typed)
    with pytest.raises(BadInput, match="bad_email"):
        email_of("x" * 120 + "@c.example")
