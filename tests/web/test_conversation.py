"""The table of what a booking takes is counted from the stories that the other tests play."""

from pathlib import Path

from web.commands.conversation import (
    LANGUAGES,
    PAGE,
    STORIES,
    WAYS,
    conversation_markdown,
    count,
)

ROOT = Path(__file__).parents[2]
STORY = """# A short one.
phone +254700000001
dial *384*7781*4508#
    | Main Hall
    | {long}
> 1
    | Booked.
    (end)
sms +254700000011
    | {long}{long}
    --
    | Two
    | lines
sms from +254700000011: 1
> 2
    | After.
    (end)
spent sms 2.40 calls 0.1
"""


def test_the_page_is_what_the_command_writes() -> None:
    page = conversation_markdown(ROOT / STORIES)

    assert (ROOT / PAGE).read_text() == page, "run `nafasi conversation`"
    names = {path.stem for path in (ROOT / STORIES).glob("*.txt")}
    assert names == {f"{way}_{language}" for way in WAYS for language in LANGUAGES}


def test_a_story_is_counted_by_person() -> None:
    story = count(STORY.format(long="x" * 100))

    customer, vendor = story.parts.values()
    assert (customer.calls, customer.inputs, customer.inputs_to_booked) == (1, 2, 1)
    assert customer.screens == [110, 7, 6]
    assert (vendor.calls, vendor.inputs, vendor.messages) == (0, 1, [2, 1])
    assert (story.sms_cents, story.calls_cents) == (240, 10)
