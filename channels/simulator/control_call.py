"""One control call: its body and query, read with checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.simulator.phones import e164
from channels.simulator.state import World

LIST_DEFAULT = 200
LIST_MAX = 1_000


class BadInput(Exception):
    """The caller sent something senseless; the text says what."""


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object."""
    value = json.loads(body or b"{}")
    if not isinstance(value, dict):
        raise BadInput("the body must be a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class Call:
    """What came in. Each reader raises BadInput with a sentence that names the field."""

    world: World
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: dict[str, Any]

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.body.get(name) is not None

    def text(self, name: str) -> str:
        """A text, possibly empty."""
        value = self.body.get(name)
        if not isinstance(value, str):
            raise BadInput(f"{name} must be text")
        return value

    def phone(self, name: str) -> str:
        """A phone number in E.164."""
        return e164(self.text(name))

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.body.get(name)
        if not isinstance(value, bool):
            raise BadInput(f"{name} must be true or false")
        return value

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number within limits."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadInput(f"{name} must be a whole number between {least} and {most}")
        return value

    def numbers(self, name: str, most: int) -> list[int]:
        """Some whole numbers, at most so many; what they may be belongs to who uses them."""
        value = self.body.get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise BadInput(f"{name} must be a list of 1 to {most} numbers")
        if any(isinstance(each, bool) or not isinstance(each, int) for each in value):
            raise BadInput(f"{name} must be whole numbers")
        return value

    def seconds(self, name: str, default: float | None = None) -> float:
        """A number of seconds; its limits belong to who uses it."""
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadInput(f"{name} must be a number of seconds")
        return value

    def phone_wanted(self) -> str | None:
        """`?phone=` in E.164. A plus sign that was not escaped arrives as a space."""
        given = self.query.get("phone", "").strip()
        return e164(given) if given else None

    def limit(self) -> int:
        """`?limit=`."""
        given = self.query.get("limit", str(LIST_DEFAULT))
        if not given.isascii() or not given.isdecimal() or not 1 <= int(given) <= LIST_MAX:
            raise BadInput(f"limit must be between 1 and {LIST_MAX}")
        return int(given)
