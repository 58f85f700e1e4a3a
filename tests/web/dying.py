"""A web process with the sample desk that can be told to die between an effect and its reply.

``python -m tests.web.dying PORT DATABASE_URL REDIS_URL FLAG``: when the file FLAG is there, the
next turn is played and committed, and then the process is gone before anything else is written.
"""

import os
import signal
import sys
from pathlib import Path

import uvicorn
from starlette.responses import PlainTextResponse

from channels.registry import enabled_gateways
from core.clock import ManualClock
from core.db.tx import Database
from core.ids import CountedIds
from core.vault import Vault
from sessions.store import Closing, RedisStore, Session, connect
from tests.conftest import START, VAULT_KEY
from tests.sessions.sample import desk
from tests.web.operators import SECRET, SETTINGS
from web.hop import UssdHop


class DyingStore(RedisStore):
    """Never keeps what the flag forbids."""

    flag = Path()

    async def close(self, session: Session, token: str, closing: Closing) -> bool:
        if self.flag.exists():
            self.flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().close(session, token, closing)


def main(port: int, database_url: str, redis_url: str, flag: Path) -> None:
    clock = ManualClock(START)
    database = Database(database_url, clock, CountedIds(), Vault([VAULT_KEY]))
    DyingStore.flag = flag
    at = desk(DyingStore(connect(redis_url)), database, clock)
    hop = UssdHop(
        at.conductor.advance,
        lambda _end: None,
        enabled_gateways(SETTINGS),
        SECRET,
        PlainTextResponse("elsewhere"),
        lambda _gateway, _field: None,
    )
    uvicorn.run(hop, port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
