"""Where ids, short codes and secrets come from."""

import itertools
import random
import secrets
from typing import Protocol
from uuid import UUID

import uuid_utils

# No 0 O 1 I L U: read aloud and typed on a keypad they are mistaken for each other.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 5


class Ids(Protocol):
    """Makes identifiers."""

    def uuid(self) -> UUID:
        """Return a new UUID that sorts by time (version 7)."""

    def code(self) -> str:
        """Return a short public code such as K7P4Q; it always holds a letter and a digit."""

    def digits(self, length: int) -> str:
        """Return random digits, such as a check-in PIN."""

    def token(self) -> str:
        """Return an unguessable URL-safe secret."""


def _draw_code(choose: random.Random) -> str:
    """A code with both a letter and a digit, so that it is never taken for a listing number."""
    while True:
        code = "".join(choose.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        if not code.isdigit() and not code.isalpha():
            return code


def is_code(word: str) -> bool:
    """Tell whether a word has the form of a booking code."""
    return (
        len(word) == CODE_LENGTH
        and all(ch in CODE_ALPHABET for ch in word)
        and not word.isdigit()
        and not word.isalpha()
    )


class SystemIds:
    """Ids from the operating system's randomness."""

    def __init__(self) -> None:
        self._random = secrets.SystemRandom()

    def uuid(self) -> UUID:
        """Return a UUID version 7."""
        return UUID(bytes=uuid_utils.uuid7().bytes)

    def code(self) -> str:
        """Return a random short code; the caller retries when the database says it is taken."""
        return _draw_code(self._random)

    def digits(self, length: int) -> str:
        """Return random digits."""
        return "".join(self._random.choice("0123456789") for _ in range(length))

    def token(self) -> str:
        """Return 32 random bytes, URL-safe."""
        return secrets.token_urlsafe(32)


class CountedIds:
    """Ids for tests: counted, so that two runs are the same."""

    def __init__(self, seed: int = 0) -> None:
        # next() of a count is one step: threads never draw the same number.
        self._numbers = itertools.count((seed << 32) + 1)
        self._random = random.Random(seed)  # noqa: S311 -- repeatable on purpose.

    def uuid(self) -> UUID:
        """Return the next counted UUID, shaped like version 7."""
        high, low = divmod(next(self._numbers), 1 << 12)
        return UUID(int=(high << 80) | (7 << 76) | (low << 64) | (2 << 62))

    def code(self) -> str:
        """Return the next code of a seeded sequence."""
        return _draw_code(self._random)

    def digits(self, length: int) -> str:
        """Return the next digits of a seeded sequence."""
        return "".join(self._random.choice("0123456789") for _ in range(length))

    def token(self) -> str:
        """Return the next counted token."""
        return f"token-{next(self._numbers)}"
