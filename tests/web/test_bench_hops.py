"""The callers of the measurements, and the floors that hops are measured beside."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.support.serving import serving
from web.bench.callers import Hop, Line, Tally, dialogue, play, post_head
from web.bench.peers.floors import Floors
from web.bench.peers.measure import FLOORS, NoNode, installed

SECONDS = 0.1
CALLERS = 4


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_answers_every_hop_as_a_hop_is_answered(floor: str, redis_url: str) -> None:
    def call(number: int) -> list[Hop]:
        return dialogue(number, "+254700000001", ["1", "1", "2512"], last=b"END ")

    with serving(Floors(redis_url)) as base:
        port = urlsplit(base).port
        assert port is not None
        tally = asyncio.run(play("127.0.0.1", port, f"/{floor}", call, CALLERS, SECONDS, 1))

    assert tally.errors == 0
    assert tally.dialogues >= CALLERS
    assert len(tally.seconds) == 4 * tally.dialogues


def test_an_answer_in_pieces_is_one_and_any_other_is_an_error() -> None:
    answers = [
        [b"HTTP/1.1 200 OK\r\nContent-", b"Length: 9\r\n\r\nCON ", b"hello"],
        [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nEND"],
        [b"HTTP/1.1 503 Busy\r\ncontent-length: 9\r\n\r\nCON hello"],
        [],
    ]

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pieces in answers:
            await reader.readuntil(b"text=1")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
        writer.close()

    async def main() -> Tally:
        tally = Tally()
        async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
            line = await Line.open("127.0.0.1", listening.sockets[0].getsockname()[1])
            for _ in answers:
                await line.play(post_head("127.0.0.1", "/"), Hop(b"text=1", b"CON "), tally)
            line.close()
        return tally

    tally = asyncio.run(main())
    assert (len(tally.seconds), tally.errors) == (4, 3)


def test_without_node_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoNode, match="apt install nodejs npm"), installed():
        pass
