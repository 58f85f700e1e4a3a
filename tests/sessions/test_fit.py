"""160 septets: what gives way, in which order, and what never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import kes
from core.networks import SCREEN_SEPTETS
from sessions.fit import DoesNotFit, page, view_of, worst_case
from sessions.flow import Ask, End, Menu, Option
from sessions.gsm7 import septets, to_gsm7
from sessions.texts import LANGUAGES, cut, keep, t

LONG = "The Right Honourable Wanjiku Kariuki Conference and Garden Hall"


def names(count: int) -> list[Option]:
    return [Option(t("{name}", name=cut(f"{LONG} {i}")), to="x") for i in range(count)]


def test_a_small_screen_is_left_alone() -> None:
    view = view_of(Menu("Where?", [Option("Here", to="x")]), "en")
    assert page(view, 0, "en", way_out=True).text == "Where?\n1. Here\n0. Back\n00. Home"
    assert page(view, 0, "en", way_out=False).text == "Where?\n1. Here"
    assert page(view, 0, "en", way_out=False, why="No.").text == "No.\nWhere?\n1. Here"


def test_names_give_way_before_options_do() -> None:
    fitted = page(view_of(Menu("Which hall?", names(5)), "en"), 0, "en", way_out=True)
    assert fitted.whole
    assert fitted.end == 5
    assert fitted.text.count("The Right") == 5
    assert fitted.text.count("..") == 5


def test_then_fewer_options_stand_on_a_page_and_none_is_lost() -> None:
    options = [Option(f"{i} Nairobi West and Lang'ata road", to="x") for i in range(12)]
    view = view_of(Menu("Which place is it?", options), "en")
    seen, start = [], 0
    while start < 12:
        fitted = page(view, start, "en", way_out=True)
        assert fitted.whole
        assert septets(fitted.text) <= SCREEN_SEPTETS
        assert ("98. More" in fitted.text) is (fitted.end < 12)
        seen += [line for line in fitted.text.splitlines() if "Nairobi" in line]
        start = fitted.end
    assert seen == [f"{i + 1}. {i} Nairobi West and Lang'ata road" for i in range(12)]


def test_a_price_is_never_cut_even_at_the_last() -> None:
    price = t("Pay {price} now. Refund: 80% over 48 h before.", price=kes(10_000_000))
    menu = Menu([t("x" * 150), keep(price)], [Option("Confirm", to="x")])
    fitted = page(view_of(menu, "en"), 0, "en", way_out=True)
    assert not fitted.whole
    assert "Pay KES 10,000,000 now. Refund: 80% over 48 h before." in fitted.text
    assert "1. Confirm" in fitted.text
    assert "0. Back" in fitted.text
    with pytest.raises(DoesNotFit):
        worst_case(menu, "en")


def test_the_worst_case_counts_every_page_with_every_line_why() -> None:
    assert worst_case(Menu("Which hall?", names(20)), "sw") <= SCREEN_SEPTETS
    assert worst_case(End("x" * 160), "en") == 160
    with pytest.raises(DoesNotFit):
        worst_case(End("x" * 161), "en")
    almost = Menu("x" * 125, [Option("Yes", to="x")])
    with pytest.raises(DoesNotFit):
        worst_case(almost, "en", whys=["y" * 40])


def test_an_empty_list_says_so() -> None:
    menu = Menu("Your bookings:", [], empty="You have none.")
    assert page(view_of(menu, "en"), 0, "en", way_out=False).text == "You have none."


WORDS = st.text(max_size=200)
LINES = st.lists(st.one_of(WORDS, st.builds(lambda s: t("{s}!", s=cut(s)), WORDS)), max_size=4)
OPTIONS = st.lists(st.builds(lambda s: Option(t("{s}", s=cut(s)), to="x"), WORDS), max_size=12)


@given(LINES, OPTIONS, st.booleans(), st.sampled_from(LANGUAGES), st.text(max_size=60))
def test_any_screen_fits_and_can_be_paged_to_its_end(
    lines: list[object],
    options: list[Option],
    way_out: bool,  # noqa: FBT001 -- drawn by Hypothesis.
    language: str,
    why: str,
) -> None:
    shown = Ask(lines, key="k", to="x", options=options)  # type: ignore[arg-type]
    view = view_of(shown, language)
    start = 0
    for _ in range(len(options) + 1):
        fitted = page(view, start, language, way_out=way_out, why=to_gsm7(why))
        assert septets(fitted.text) <= SCREEN_SEPTETS
        if fitted.end >= len(options):
            break
        assert fitted.end > start
        start = fitted.end
    assert fitted.end == len(options)
