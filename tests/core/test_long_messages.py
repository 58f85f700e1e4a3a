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


# Orders in which the parts of messages come that are called the same, and what comes again.
MESSAGES = st.integers(2, 5).flatmap(
    lambda total: st.lists(
        st.tuples(
            st.permutations(range(1, total + 1)), st.lists(st.integers(1, total), max_size=3)
        ),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=100)
@given(MESSAGES)
def test_messages_one_after_another_are_told_apart_whatever_their_order_and_doubles(
    sent: list[tuple[list[int], list[int]]],
) -> None:
    came = [
        f"{name}{number}"
        for name, (order, again) in zip("abcd", sent, strict=False)
        for number in [*order, *again]
    ]
    drafts = sort_out(parts(*came))

    assert [[part.number for part in draft.parts.values()] for draft in drafts] == [
        order for order, _ in sent
    ]
    assert [{part.text[0] for part in draft.parts.values()} for draft in drafts] == [
        {name} for name in "abcd"[: len(sent)]
    ]
    assert [len(draft.doubles) for draft in drafts] == [len(again) for _, again in sent]
