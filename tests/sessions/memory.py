"""A store without a server, for tests and for trying a flow out by hand."""

from datetime import datetime, timedelta

from core.clock import Clock
from sessions.store import (
    LEASE_MS,
    PERSON_SECONDS,
    SESSION_TTL_SECONDS,
    UNFINISHED_SECONDS,
    Closing,
    Opened,
    Session,
    Unfinished,
    decode_reply,
    encode_reply,
)


class MemoryStore:
    """Keeps conversations in this process as the same text that Redis would hold.

    Args:
        clock: what leases and lifetimes are measured by.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: datetime | None = None
        self._kept: dict[str, tuple[datetime, dict[str, str]]] = {}

    async def open(self, session: Session, digest: str, token: str) -> Opened:
        """See ``Store.open``."""
        kept = self._get(session.name)
        if digest in kept:
            return Opened(reply=decode_reply(kept[digest]))
        lease = f"{session.name}:lease"
        if self._get(lease):
            return Opened(busy=True)
        self._put(lease, LEASE_MS / 1000, token=token)
        if kept:
            return Opened(state=kept["state"])
        return Opened(
            person=self._get(f"{session.msisdn}:person").get("person"),
            unfinished=self._get(f"{session.msisdn}:unfinished").get("name"),
        )

    async def close(self, session: Session, token: str, closing: Closing) -> bool:
        """See ``Store.close``."""
        if self._get(f"{session.name}:lease").get("token") != token:
            return False
        kept = {
            **self._get(session.name),
            "state": closing.state,
            closing.digest: encode_reply(closing.reply),
        }
        kept.pop(closing.forget, None)
        self._put(session.name, SESSION_TTL_SECONDS, **kept)
        pointer = f"{session.msisdn}:unfinished"
        if closing.unfinished is Unfinished.POINT_HERE:
            self._put(pointer, UNFINISHED_SECONDS, name=session.name)
        elif closing.unfinished is Unfinished.DROP:
            self._kept.pop(pointer, None)
        if closing.person:
            self._put(f"{session.msisdn}:person", PERSON_SECONDS, person=closing.person)
        await self.release(session, token)
        return True

    async def release(self, session: Session, token: str) -> None:
        """See ``Store.release``."""
        lease = f"{session.name}:lease"
        if self._get(lease).get("token") == token:
            del self._kept[lease]

    async def read(self, name: str) -> str | None:
        """See ``Store.read``."""
        return self._get(name).get("state")

    async def settle(self, age_seconds: int) -> None:
        """See ``Store.settle``."""
        if self._since is None:
            self._since = self._clock.now() - timedelta(seconds=age_seconds)

    async def age_seconds(self) -> int:
        """See ``Store.age_seconds``."""
        await self.settle(0)
        assert self._since is not None
        return int((self._clock.now() - self._since).total_seconds())

    async def forget_person(self, msisdn: str) -> None:
        """See ``Store.forget_person``."""
        self._kept.pop(f"{msisdn}:person", None)

    async def aclose(self) -> None:
        """See ``Store.aclose``; there is nothing to give back."""

    def lose_everything(self) -> None:
        """Do what a Redis without its files does when it is started again."""
        self._kept.clear()
        self._since = None

    def _get(self, key: str) -> dict[str, str]:
        until, value = self._kept.get(key, (self._clock.now(), {}))
        return value if until > self._clock.now() else {}

    def _put(self, key: str, seconds: float, **value: str) -> None:
        self._kept[key] = (self._clock.now() + timedelta(seconds=seconds), value)
