"""Long messages in parts when much happens at once: workers, people, doubles, in any order."""

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.inbox import Arrival
from core.limits import SMS_PARTS_WAIT_SECONDS
from tests.conftest import START
from tests.core.escrow.tools import together
from tests.support.fakes import notices
from tests.support.rehearsal import Rehearsal
from tests.workers.callbacks import arrivals, arrive, long_sms, replace_id, sms_part
from tests.workers.conftest import Crew, make_crew
from workers.inbox import run_inbox

PERSON, OTHER = "+254700000011", "+254700000012"
WORDS = ("ASK 4508 is there ", "a ramp, and may ", "we cook?")
WHOLE = "".join(WORDS)


def test_four_workers_at_once_join_each_message_once(crew: Crew) -> None:
    wholes = []
    for reference in range(8):
        texts = [f"{reference} {number} " for number in range(3)]
        wholes.append("".join(texts))
        arrive(crew.database, *reversed(long_sms(*texts, reference=reference)))

    together(4, lambda _: run_inbox(crew.parts))
    run_inbox(crew.parts)

    answered = [notice.params["to"] for notice in notices(crew.database, "answer")]
    assert len(answered) == len(set(answered)) == 8
    assert list(dict.fromkeys(said.text for said in crew.desk.heard)) == wholes


def test_workers_look_while_parts_come_at_once(crew: Crew) -> None:
    """Whoever is stored last is seen by somebody, and does not wait for the time to be over."""
    sent = [each for ref in range(6) for each in long_sms("a", "b", "c", reference=ref)]

    def work(turn: int) -> None:
        for each in sent[turn::3]:
            arrive(crew.database, each)
            run_inbox(crew.parts)

    together(3, work)
    run_inbox(crew.parts)

    assert len(notices(crew.database, "answer")) == 6
    assert {row.state for row in arrivals(crew.database)} == {Arrival.APPLIED}


SENT = st.lists(
    st.tuples(st.sampled_from([PERSON, OTHER]), st.integers(1, 4)), min_size=1, max_size=4
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=SENT, data=st.data())
def test_any_interleaving_of_parts_gives_exactly_the_wholes(
    rehearsal: Rehearsal, redis_url: str, sent: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Messages of two people, some in one part, some parts twice, workers in between."""
    with rehearsal.life(), redis.Redis.from_url(redis_url) as store:
        clock = ManualClock(START)
        rehearsal.clock = clock
        crew = make_crew(rehearsal, store)
        parts = [
            (whole, sms_part(f"{whole}.{number} ", number, total, whole, sender=sender))
            for whole, (sender, total) in enumerate(sent)
            for number in range(1, total + 1)
        ]
        # What came in one part has no header: a gateway's double of it is another message.
        cut = [part for part in parts if part[1].part_of]
        again = data.draw(st.lists(st.sampled_from(cut), max_size=3)) if cut else []
        doubles = [(at, replace_id(each, f"double-{n}")) for n, (at, each) in enumerate(again)]
        came = data.draw(st.permutations([*parts, *doubles]))
        looks = data.draw(st.sets(st.integers(0, len(came)), max_size=4))
        for turn, (_, each) in enumerate(came):
            arrive(rehearsal, each)
            clock.advance(seconds=1)
            if turn in looks:
                run_inbox(crew.parts)
        run_inbox(crew.parts)
        clock.advance(seconds=SMS_PARTS_WAIT_SECONDS)
        run_inbox(crew.parts)

        wholes = {
            at: "".join(f"{at}.{number} " for number in range(1, total + 1))
            for at, (_, total) in enumerate(sent)
        }
        for person in (PERSON, OTHER):
            order = dict.fromkeys(at for at, each in came if each.person == person)
            expected = [wholes[at] for at in order]
            said = [each.text for each in crew.desk.heard if each.sender == person]
            assert said == expected
        assert crew.desk.unfinished == []
