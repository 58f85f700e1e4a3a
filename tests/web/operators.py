"""One operator's network with the sample desk at its end, for stories over every wire."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from starlette.responses import PlainTextResponse

from channels.registry import enabled_gateways
from channels.simulator.config import SimulatorConfig
from channels.simulator.journal import Callback, Entry
from channels.simulator.operators import OPERATORS, Ended, Hop, Operator, screen_of
from core.clock import ManualClock
from core.db.tx import Database
from core.ports.calls import SessionEnd
from core.settings import Settings
from sessions.store import RedisStore, connect
from tests.conftest import START
from tests.sessions.sample import CALLER, Desk, desk
from web.hop import UssdHop

SECRET = "a-secret-of-the-tests"
SETTINGS = Settings(env="test", ussd_gateways=",".join(OPERATORS))
CONFIG = SimulatorConfig(callback_secret=SECRET, callback_base="http://hop")


class Network:
    """One operator's network with the desk at its end."""

    def __init__(self, operator: Operator, at: Desk, redis: Any) -> None:
        self.operator, self.desk, self.redis = operator, at, redis
        self.ended: list[SessionEnd] = []
        self.refused: list[tuple[str, str]] = []
        hop = UssdHop(
            at.conductor.advance,
            self.ended.append,
            enabled_gateways(SETTINGS),
            SECRET,
            PlainTextResponse("elsewhere"),
            lambda gateway, field: self.refused.append((gateway, field)),
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(hop), base_url="http://hop", trust_env=False
        )
        self.calls = 0

    def phone(self, msisdn: str = CALLER) -> "Phone":
        return Phone(self, msisdn)

    async def send(self, call: Callback, **over: Any) -> httpx.Response:
        """Send a call; with another ``method`` or ``address`` than its own when told so."""
        sent = {"method": call.method, "url": call.address, "content": call.content, **over}
        return await self.http.request(headers=call.headers, **sent)

    def shown(self, answer: httpx.Response) -> str:
        """What the phone shows, as ``CON screen`` or ``END screen``."""
        entry = Entry(1, START, "callback", "ussd", "", "", "", answer.status_code, answer.text)
        entry.answer_headers = dict(answer.headers)
        screen = screen_of(self.operator, entry)
        assert screen.error is None, screen.error
        return ("END " if screen.final else "CON ") + screen.text

    async def a_moment_passes(self, session: str, msisdn: str) -> None:
        """A person has read the screen: what they press now is no repetition."""
        typed = f"ussd:{{{msisdn}}}:{self.operator.name}:{session}:typed"
        if await self.redis.hexists(typed, "at"):
            await self.redis.hset(typed, "at", 0)


class Phone:
    """Dials and types over the wire."""

    def __init__(self, network: Network, msisdn: str) -> None:
        self.network, self.msisdn = network, msisdn
        self.session, self.dialled = "", ""
        self.keys: list[str] = []

    async def dial(self, dialled: str = "") -> str:
        self.network.calls += 1
        self.session, self.dialled, self.keys = f"s{self.network.calls}", dialled, []
        return await self.again()

    async def type(self, *entries: str) -> str:
        shown = ""
        for entry in entries:
            await self.network.a_moment_passes(self.session, self.msisdn)
            self.keys.append(entry)
            shown = await self.again()
        return shown

    async def again(self, hop: int | None = None) -> str:
        """Send the newest hop, or an older one, once more."""
        call = self.network.operator.hop(CONFIG, self.told(hop))
        return self.network.shown(await self.network.send(call))

    def told(self, hop: int | None = None) -> Hop:
        """What the network knows of the call, at its newest hop or at an older one."""
        keys = self.keys if hop is None else self.keys[:hop]
        code = CONFIG.ussd_code
        return Hop(self.session, self.msisdn, code, "63902", self.dialled, tuple(keys))

    async def hang_up(self) -> None:
        """The line goes dead; those who tell of it at the same address do so."""
        ended = Ended("Incomplete", len(self.keys) + 1)
        call = self.network.operator.end(CONFIG, self.told(), ended)
        if call is not None and call.service == "ussd":
            assert (await self.network.send(call)).status_code == 200


Story = Callable[[Network], Awaitable[Any]]
On = Callable[[Story], Any]


def plays(operator: Operator, database: Database, redis_url: str, clock: ManualClock) -> On:
    """Return what plays a story on one operator's network."""

    def run(story: Story) -> Any:
        async def main() -> Any:
            client = connect(redis_url)
            at = desk(RedisStore(client), database, clock)
            await at.conductor.start()
            network = Network(operator, at, client)
            try:
                return await story(network)
            finally:
                await network.http.aclose()
                await at.conductor.aclose()
                await client.aclose()

        return asyncio.run(main())

    return run
