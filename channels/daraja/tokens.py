"""One OAuth token for all processes, in Redis: a new token makes Daraja refuse the one before.

So nobody fetches a token for himself. The key lives for four fifths of the token's life and is
filled under a lock; a token that is refused is replaced once, by whoever notices first.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import redis

from channels.daraja.answers import refusal
from channels.daraja.wire import plain
from channels.http import ANSWER_SECONDS, exchange
from core.ports.providers import ProviderError

PATH = "/oauth/v1/generate"
LIFE_SHARE_PERCENT = 80
LIFE_MAX_SECONDS = 24 * 3600
LIFE_UNREAD_SECONDS = 300
# Longer than the slowest answer, so that the lock outlives whoever fetches.
LOCK_SECONDS = ANSWER_SECONDS + 10
LOCK_WAIT_SECONDS = 20.0
LOCK_POLL_SECONDS = 0.05
TOKEN_MAX = 4_096


class Tokens:
    """The shared access token of one Daraja application.

    Args:
        client: of Daraja's base URL.
        store: Redis.
        prefix: of our keys there; the application is told apart by a digest of its key.
    """

    def __init__(
        self,
        client: httpx.Client,
        store: redis.Redis,
        consumer_key: str,
        consumer_secret: str,
        *,
        prefix: str = "nafasi:daraja",
    ) -> None:
        pair = f"{consumer_key}:{consumer_secret}".encode()
        self._basic = f"Basic {base64.b64encode(pair).decode()}"
        self._client = client
        self._store = store
        # A simulator and the provider may share a Redis, but never a token.
        named = f"{client.base_url} {consumer_key}".encode()
        self._key = f"{prefix}:token:{hashlib.sha256(named).hexdigest()[:16]}"

    def current(self) -> str:
        """Return the token in use, fetching one if there is none.

        Raises:
            ProviderError: ``bad_credentials`` (and stop) when the key is refused; otherwise
                retryable, because no request of ours was made yet.
        """
        with _as_outage():
            return self._read() or self._replace(None)

    def replace(self, refused: str) -> str:
        """Return another token than the refused one; fetches only if nobody else has.

        Raises:
            ProviderError: as ``current``.
        """
        with _as_outage():
            return self._replace(refused)

    def _replace(self, refused: str | None) -> str:
        lock = self._store.lock(
            f"{self._key}:lock",
            timeout=LOCK_SECONDS,
            sleep=LOCK_POLL_SECONDS,
            blocking_timeout=LOCK_WAIT_SECONDS,
            raise_on_release_error=False,
        )
        with lock:
            cached = self._read()
            if cached is not None and cached != refused:
                return cached
            token, life_seconds = self._fetch()
            kept_seconds = max(1, life_seconds * LIFE_SHARE_PERCENT // 100)
            self._store.set(self._key, token, ex=kept_seconds)
            return token

    def _read(self) -> str | None:
        held: Any = self._store.get(self._key)
        return held.decode() if isinstance(held, bytes) else held

    def _fetch(self) -> tuple[str, int]:
        answer = exchange(
            self._client,
            "GET",
            PATH,
            headers={"Authorization": self._basic},
            query={"grant_type": "client_credentials"},
        )
        # A wrong key is often answered by 400 with an empty body (provider-facts §2.1).
        if answer.status in (400, 401, 403):
            detail = refusal(answer).data["detail"]
            raise ProviderError("bad_credentials", retryable=True, stop=True, detail=detail)
        if not 200 <= answer.status < 300:
            raise refusal(answer)
        # Nothing of this body goes into an error: what cannot be read may still hold a token.
        said = answer.json_object() or {}
        token = said.get("access_token")
        if not isinstance(token, str) or not 0 < len(token) <= TOKEN_MAX or not token.isascii():
            raise ProviderError("bad_answer", retryable=True, detail="no access token")
        return token, _life_seconds(said.get("expires_in"))


def _life_seconds(said: object) -> int:
    """``expires_in`` is a number on the portal and text in the wild."""
    written = plain(said)
    if written.isascii() and written.isdigit() and len(written) < 10:
        return min(int(written), LIFE_MAX_SECONDS)
    return LIFE_UNREAD_SECONDS


@contextmanager
def _as_outage() -> Iterator[None]:
    """Without a token nothing was asked for: every failure here can be tried again."""
    try:
        yield
    except redis.RedisError as error:
        raise ProviderError(
            "unavailable", retryable=True, detail=f"token store {type(error).__name__}"
        ) from error
    except ProviderError as error:
        if not error.unknown:
            raise
        raise ProviderError(error.code, retryable=True, detail=error.data["detail"]) from error


def bearer(token: str) -> dict[str, str]:
    """Return the headers of an authorised request."""
    return {"Authorization": f"Bearer {token}"}
