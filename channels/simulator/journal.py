"""What was said: every provider request and every callback, newest kept.

The journal is what the phone page shows as the raw hop, so secrets are covered before they leave.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

LOG_MAX = 2_000
LOG_BODY_CHARS_MAX = 8_000

_SECRET_FIELDS = re.compile(r'("(?:SecurityCredential|Password|access_token)"\s*:\s*")[^"]*')


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback that can be sent, and sent again. `tries` counts until it is answered 200."""

    service: str
    url: str
    body: Mapping[str, object]
    encoding: Literal["form", "json", "query"]
    tries: int = 1
    more_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def method(self) -> str:
        """How it is sent."""
        return "GET" if self.encoding == "query" else "POST"

    @property
    def address(self) -> str:
        """Where it is sent, with what stands behind the question mark."""
        named = self.encoding == "query" and self.body
        return f"{self.url}?{self._form}" if named else self.url

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.encoding == "query":
            return b""
        return self._form.encode() if self.encoding == "form" else json.dumps(self.body).encode()

    @property
    def _form(self) -> str:
        return urlencode(
            {
                key: each if isinstance(each, bytes) else str(each)
                for key, each in self.body.items()
            }
        )

    @property
    def headers(self) -> dict[str, str]:
        """Content type of the body, and what else the provider sends along."""
        kinds = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
        kind = kinds.get(self.encoding)
        return {**({"content-type": kind} if kind else {}), **self.more_headers}


@dataclass(slots=True)
class Entry:
    """One exchange. `status` is the HTTP status, None while open, 0 when nobody answered."""

    id: int
    at: datetime
    direction: Literal["request", "callback"]
    service: str
    method: str
    url: str
    body: str
    status: int | None = None
    answer: str = ""
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    note: str = ""
    callback: Callback | None = field(default=None, repr=False)


class Journal:
    """A bounded list of exchanges."""

    def __init__(self, now: Callable[[], datetime], secret: str) -> None:
        self._now = now
        self._secret = secret
        self._entries: deque[Entry] = deque(maxlen=LOG_MAX)
        self._last_id = 0

    def request(self, service: str, method: str, url: str, body: bytes) -> Entry:
        """Note a request that a provider received."""
        return self._add("request", service, method, url, body, None)

    def callback(self, callback: Callback, note: str = "", status: int | None = None) -> Entry:
        """Note a callback that is about to be sent, or (with a note) deliberately was not."""
        entry = self._add(
            "callback", callback.service, callback.method, callback.address, callback.content
        )
        entry.callback, entry.note, entry.status = callback, note, status
        return entry

    def _add(
        self,
        direction: Literal["request", "callback"],
        service: str,
        method: str,
        url: str,
        body: bytes,
        callback: Callback | None = None,
    ) -> Entry:
        self._last_id += 1
        text = body[:LOG_BODY_CHARS_MAX].decode(errors="replace")
        entry = Entry(
            self._last_id, self._now(), direction, service, method, url, text, callback=callback
        )
        self._entries.append(entry)
        return entry

    def find(self, entry_id: int) -> Entry | None:
        """The exchange with this id, while it is kept."""
        return next((entry for entry in self._entries if entry.id == entry_id), None)

    def newest(self, limit: int, service: str | None = None) -> list[dict[str, object]]:
        """The last exchanges, oldest first, with secrets covered."""
        kept = [entry for entry in self._entries if service in (None, entry.service)]
        return [self._view(entry) for entry in kept[-limit:]]

    def clear(self) -> None:
        """Forget all exchanges; ids go on."""
        self._entries.clear()

    def cover(self, text: str) -> str:
        """The text without the callback secret, passwords and credentials."""
        covered = text.replace(self._secret, "***") if self._secret else text
        return _SECRET_FIELDS.sub(r"\1***", covered)

    def _view(self, entry: Entry) -> dict[str, object]:
        return {
            "id": entry.id,
            "at": entry.at.isoformat(),
            "direction": entry.direction,
            "service": entry.service,
            "method": entry.method,
            "url": self.cover(entry.url),
            "body": self.cover(entry.body),
            "status": entry.status,
            "answer": self.cover(entry.answer[:LOG_BODY_CHARS_MAX]),
            "note": entry.note,
        }
