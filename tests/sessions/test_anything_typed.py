"""Whatever is typed: no exception, no screen too long, always a way out, nothing done twice."""

import asyncio
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.db.tx import Database
from sessions.conductor import HopKind
from tests.sessions.memory import MemoryStore
from tests.sessions.sample import Desk, desk

ENTRY = st.one_of(
    st.sampled_from(["1", "2", "3", "0", "00", "98", "25/12", "50", "kesho", "#", "", "0000"]),
    st.text(max_size=30),
    st.text("0123456789*#", max_size=8),
)
EVENT = st.one_of(ENTRY, st.sampled_from(["<again>", "<redial>", "<lose>", "<4507>", "<older>"]))


async def live(at: Desk, store: MemoryStore, events: list[str]) -> None:
    phone = at.phone()
    shown = await phone.dial()
    for event in events:
        if event == "<again>":
            assert await phone.again() == shown
        elif event == "<redial>" or shown.startswith("END "):
            shown = await phone.dial()
        elif event == "<4507>":
            shown = await phone.dial("4507")
        elif event == "<lose>":
            store.lose_everything()
            shown = await phone.again()
        elif event == "<older>":
            whole, phone.transcript = phone.transcript, phone.transcript.rpartition("*")[0]
            await phone.again()
            phone.transcript = whole
            shown = await phone.again()
        else:
            shown = await phone.type(event)
        lines = shown.splitlines()
        assert "Welcome" in shown or shown.startswith("END ") or {"0. Back", "0. Rudi"} & {*lines}
        assert not {HopKind.ERROR, HopKind.OUTAGE} & {*at.kinds}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(EVENT, max_size=12))
def test_whatever_happens_the_conversation_goes_on(
    hall_database: Database, events: list[str]
) -> None:
    async def main() -> None:
        clock = ManualClock(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
        store = MemoryStore(clock)
        at = desk(store, hall_database, clock)
        await at.conductor.start()
        try:
            await live(at, store, events)
        finally:
            await at.conductor.aclose()

    asyncio.run(main())
