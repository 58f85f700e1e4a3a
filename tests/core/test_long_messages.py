"""Parts sorted into messages: by number and words, as phones count badly."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.long_messages import Part, sort_out

BEGIN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def parts(*came: str) -> list[Part]:
    """Parts such as ``a1 a2``, a second apart: message a, its numbers."""
    return [
        Part(UUID(int=at), int(said[1:]), said, BEGIN + timedelta(seconds=at))
        for at, said in enumerate(came)
    ]


def sorted_out(*came: str) -> list[list[str]]:
    return [[part.text for part in draft.parts.values()] for draft in sort_out(parts(*came))]


@pytest.mark.parametrize(
    ("came", "messages"),
    [
        ("", []),
        ("a1", [["a1"]]),
        ("a1 a2 a3", [["a1", "a2", "a3"]]),
        ("a3 a1 a2", [["a3", "a1", "a2"]]),
        # Again, also after the last one, and all of it.
        ("a1 a1 a2 a2", [["a1", "a2"]]),
        ("a1 a2 a1", [["a1", "a2"]]),
        ("a1 a2 a2 a1", [["a1", "a2"]]),
        # The same number with other words is another message, also after one that lacks a part.
        ("a1 a2 b1 b2", [["a1", "a2"], ["b1", "b2"]]),
        ("a1 b1 b2", [["a1"], ["b1", "b2"]]),
        ("a1 a2 b1 a1 b2", [["a1", "a2"], ["b1", "b2"]]),
        ("a1 a2 b2 b1 c1 c2", [["a1", "a2"], ["b2", "b1"], ["c1", "c2"]]),
    ],
)
def test_parts_find_their_message(came: str, messages: list[list[str]]) -> None:
    assert sorted_out(*came.split()) == messages


def test_what_is_missing_separates_what_came() -> None:
    [draft] = sort_out(parts("a5", "a2", "a1", "a4"))
    assert [[part.number for part in run] for run in draft.runs()] == [[1, 2], [4, 5]]
    assert (draft.first.text, draft.last_at) == ("a5", BEGIN + timedelta(seconds=3))


MESSAGES = st.lists(st.integers(2, 5), min_size=1, max_size=4).flatmap(
    lambda totals: st.tuples(
        *(
            st.tuples(
                st.permutations(range(1, total + 1)), st.lists(st.integers(1, total), max_size=3)
            )
            for total in totals
        )
    )
)


@settings(max_examples=100)
@given(MESSAGES)
def test_messages_one_after_another_are_told_apart_whatever_their_order_and_doubles(
    sent: tuple[tuple[list[int], list[int]], ...],
) -> None:
    came, messages = [], []
    for name, (order, again) in zip("abcd", sent, strict=False):
        # All are called the same and have as many parts as they have.
        messages.append({f"{name}{number}" for number in order})
        came += [f"{name}{number}" for number in order]
        came += [f"{name}{number}" for number in again]
    drafts = sort_out(parts(*came))

    whole = [{part.text for part in draft.parts.values()} for draft in drafts]
    if len({len(order) for order, _ in sent}) == 1:
        assert whole == messages
    assert sum(len(draft.parts) + len(draft.doubles) for draft in drafts) == len(came)
