"""Makes a screen fit: 160 septets for everything, whatever the names on it.

Names give way first, as long as they can be told apart; then fewer options stand on a page; then
names again, and the ``00`` line (the key still works). Lines marked ``keep`` give way to nothing.

The budget is the smallest known, Safaricom's 160 characters (AT help article 1284096); Airtel's
184 exceeds what the standard carries and is not relied on. One SMS carries as much, so the same
screen goes out as one segment: its way out in words is shorter than the two keys. A page in the
browser has room for everything, and buttons for the way out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.networks import SCREEN_SEPTETS
from core.talks import Channel
from sessions.flow import Ask, End, Fixed, Menu, Option
from sessions.gsm7 import EXTENSION, septets
from sessions.state import Choice, Question, View
from sessions.texts import (
    BACK,
    HOME,
    MORE,
    NOTHING_HERE,
    REFUSALS,
    Keep,
    Lines,
    Part,
    T,
    Text,
    plain,
    render,
    t,
)

# Nothing that is shown comes near it: a page in the browser is never cut.
PAGE_SEPTETS = 100_000
OPTIONS_PER_PAGE_MAX = 5
# 98 must never be a choice, so a list ends before it.
OPTIONS_MAX = 97
# Names are shortened to these lengths in turn, dots included; shorter they say nothing.
NAME_LENGTHS = (24, 20, 17, 14, 12, 10)
# Three names that can be told apart are better than five that cannot.
READABLE_LENGTHS = NAME_LENGTHS[:3]
OPTIONS_READABLE = 3
# Refusals that the engine itself may put above any screen.
_ANYWHERE = ("bad_choice", "bad_input", "empty", "too_long", "refused")


class DoesNotFit(ValueError):
    """A screen cannot be shown in full, even with the shortest names and one option a page."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What a screen is written on.

    Attributes:
        septets: how much it holds.
        options: how many choices stand on one page at the most.
        tails: the last lines of a page, by language, whether more choices follow and whether there
            is a way out: as they should be, then shorter.
    """

    septets: int
    options: int
    tails: Callable[[str, bool, bool], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered page: its text, the index after its last option, and whether all is there."""

    text: str
    end: int
    whole: bool = True


def view_of(shown: Menu | Ask | End, language: str, *, pure: bool = True) -> View:
    """Return what a screen shows, in a language, ready to be paged and stored."""
    lines = shown.text
    options: Sequence[Option] = ()
    question = None
    if isinstance(shown, Menu):
        options = shown.options
        if not options:
            lines = shown.empty or shown.text or NOTHING_HERE
    elif isinstance(shown, Ask):
        options = shown.options
        question = Question(
            shown.key, shown.to, shown.do, shown.parse, shown.free_text, shown.secret
        )
    rendered, kept = _rendered(lines, language)
    worded = _once_worded if isinstance(options, Fixed) else _worded
    return View(rendered, kept, list(worded(options, language)), question, pure)


def _worded(options: Sequence[Option], language: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(render(option.label, language), option.to, dict(option.set), option.do)
        for option in options[:OPTIONS_MAX]
    )


# Conversations share these choices: nobody changes one.
_once_worded = cache(_worded)


@cache
def _keys(language: str, more: bool, way_out: bool) -> tuple[str, ...]:  # noqa: FBT001
    """The reserved keys, as a phone that dials shows them."""
    first = (f"98. {plain(MORE, language)}",) if more else ()
    if not way_out:
        return ("\n".join(first),)
    back = (*first, f"0. {plain(BACK, language)}")
    return "\n".join((*back, f"00. {plain(HOME, language)}")), "\n".join(back)


@cache
def _replies(language: str, more: bool, way_out: bool) -> tuple[str, ...]:  # noqa: FBT001
    """The words that lead on or back, as a message names them."""
    texts: tuple[Text, ...] = ("",)
    if more and way_out:
        texts = t("Or reply MORE or BACK"), t("MORE, BACK")
    elif more:
        texts = t("Or reply MORE"), t("MORE")
    elif way_out:
        texts = t("Or reply BACK"), t("BACK")
    return tuple(plain(text, language) for text in texts)


def _buttons(_language: str, _more: bool, _way_out: bool) -> tuple[str, ...]:  # noqa: FBT001
    return ("",)


PAPERS: Mapping[Channel, Paper] = {
    Channel.USSD: Paper(SCREEN_SEPTETS, OPTIONS_PER_PAGE_MAX, _keys),
    Channel.SMS: Paper(SCREEN_SEPTETS, OPTIONS_PER_PAGE_MAX, _replies),
    Channel.WEB: Paper(PAGE_SEPTETS, OPTIONS_MAX, _buttons),
}


def page(
    view: View,
    start: int,
    language: str,
    *,
    way_out: bool,
    why: str = "",
    channel: Channel = Channel.USSD,
) -> Page:
    """Return one page of a view.

    Args:
        view: what to show.
        start: the index of the first option.
        language: of the engine's own words.
        way_out: whether the way back and home is shown: everywhere but at home.
        why: one line above all, telling why the last entry was refused.
        channel: what it is shown on.

    Returns:
        A page of at most 160 septets, in the browser more. ``whole`` is False when lines had to be
        cut that should not be: tests turn that into an error, a caller gets what fits.
    """
    paper = PAPERS[channel]
    count = len(view.choices)
    most = min(start + paper.options, count)
    tails = paper.tails(language, most < count, way_out)
    text = _compose(view, start, most, tails[0], why, None)
    if septets(text) <= paper.septets:
        return Page(text, most)
    # The reason counts more than what the person has just read around the price.
    for view_ in (view, *(_with_fewer_lines(view) if why else ())):
        for lengths, fewest in ((READABLE_LENGTHS, OPTIONS_READABLE), (NAME_LENGTHS, 1)):
            for which in range(len(tails)):
                for end in range(most, min(start + fewest, most) - 1, -1):
                    tail = paper.tails(language, end < count, way_out)[which]
                    for length in lengths:
                        text = _compose(view_, start, end, tail, why, length)
                        if septets(text) <= paper.septets:
                            return Page(text, end)
    end = min(start + 1, count)
    tail = paper.tails(language, end < count, way_out)[-1]
    return Page(_squeezed(view, start, end, tail, why), end, whole=False)


def worst_case(
    shown: Menu | Ask | End, language: str, *, home: bool = False, whys: Iterable[Text] = ()
) -> int:
    """Return the most septets that any page of a screen takes, with any line why above it.

    Args:
        shown: the screen with the longest data it can have.
        language: to show it in.
        home: whether it is the home screen, which shows no way back.
        whys: refusals beside the engine's own that can stand above this screen.

    Raises:
        DoesNotFit: on some page a line would have to be cut.
    """
    view = view_of(shown, language)
    reasons = [""]
    if not isinstance(shown, End):
        reasons += [plain(REFUSALS[code], language) for code in _ANYWHERE]
        reasons += [plain(why, language) for why in whys]
    most = 0
    for why in reasons:
        start = 0
        while True:
            fitted = page(
                view, start, language, way_out=not home and not isinstance(shown, End), why=why
            )
            if not fitted.whole:
                raise DoesNotFit(f"{language}: {fitted.text!r}")
            most = max(most, septets(fitted.text))
            start = fitted.end
            if start >= len(view.choices):
                break
    return most


def _rendered(lines: Lines, language: str) -> tuple[list[list[Part]], list[bool]]:
    rendered: list[list[Part]] = []
    kept = []
    for line in [lines] if isinstance(lines, str | T | Keep) else lines:
        if isinstance(line, Keep):
            rendered.append([plain(line.text, language)])
        else:
            rendered.append(render(line, language))
        kept.append(isinstance(line, Keep))
    return rendered, kept


def _compose(view: View, start: int, end: int, tail: str, why: str, length: int | None) -> str:
    rows = [why] if why else []
    rows.extend(_joined(line, length) for line in view.lines)
    rows.extend(
        f"{number + 1}. {_joined(view.choices[number].label, length)}"
        for number in range(start, end)
    )
    if tail:
        rows.append(tail)
    return "\n".join(rows)


def _joined(parts: list[Part], length: int | None) -> str:
    """A line as text, names cut to a length."""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(
        part
        if isinstance(part, str)
        else part[0]
        if length is None
        else _shortened(part[0], length)
        for part in parts
    )


def _shortened(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 2].rstrip()}.."


def _with_fewer_lines(view: View) -> Iterator[View]:
    """The view without the first line that need not be kept, without the first two, ...

    Only where a price or a confirmation stays: a question alone is what the screen is for.
    """
    lines, kept = list(view.lines), list(view.kept)
    while any(kept) and not all(kept):
        index = kept.index(False)
        del lines[index], kept[index]
        yield View(list(lines), list(kept), view.choices)


def _squeezed(view: View, start: int, end: int, tail: str, why: str) -> str:
    """The last resort while somebody waits: plain lines are cut from the last one up."""
    small = View(
        [[_joined(line, NAME_LENGTHS[-1])] for line in view.lines], view.kept, view.choices
    )
    text = _compose(small, start, end, tail, why, NAME_LENGTHS[-1])
    for index in reversed(range(len(small.lines))):
        over = septets(text) - SCREEN_SEPTETS
        if over <= 0:
            break
        if not small.kept[index]:
            line = _joined(small.lines[index], None)
            small.lines[index] = [_shortened(line, max(len(line) - over, 2))]
            text = _compose(small, start, end, tail, why, NAME_LENGTHS[-1])
    return _clipped(text)


def _clipped(text: str) -> str:
    used = 0
    for index, letter in enumerate(text):
        used += 2 if letter in EXTENSION else 1
        if used > SCREEN_SEPTETS:
            return text[:index]
    return text
