"""Text in two languages, from the catalogs that are shipped."""

from datetime import date
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from core.errors import BadInput, NoUnits, Refused
from core.money import KES, Money, kes
from sessions import texts
from sessions.gsm7 import septets
from sessions.texts import LANGUAGES, LOCALE, REFUSALS, T, cut, money, n, plain, render, t, why

# A third of a screen: below it, a question and its options still have room.
WHY_SEPTETS = 54


def catalog(language: str) -> dict[str, str]:
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return {m.id: m.string for m in read_po(file) if m.id and isinstance(m.id, str)}


def places(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_sentence_of_the_engine_is_in_both_languages_with_the_same_places() -> None:
    swahili = catalog("sw")
    own = [value for value in vars(texts).values() if isinstance(value, T)]
    for sentence in [*own, *REFUSALS.values()]:
        translated = swahili[sentence.msgid]
        assert translated, sentence.msgid
        assert places(translated) == places(sentence.msgid)


def test_the_engines_words_are_everyday_swahili() -> None:
    words = (texts.BACK, texts.HOME, texts.MORE, texts.CONTINUE, texts.START_OVER)
    assert [plain(word, "sw") for word in words] == [
        "Rudi", "Mwanzo", "Zaidi", "Endelea", "Anza upya",
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_why_is_short_in_every_language(language: str) -> None:
    for code, sentence in REFUSALS.items():
        data = dict.fromkeys(places(sentence.msgid), 5_000)
        assert septets(plain(why(Refused(code, **data)), language)) <= WHY_SEPTETS, code


def test_values_are_put_in_as_people_write_them() -> None:
    text = t("{a} {b} {c} {d}", a=kes(66_700), b=date(2026, 12, 26), c=1_200, d=t("Back"))
    assert plain(text, "en") == "KES 66,700 Sat 26 Dec 1,200 Back"
    assert plain(text, "sw") == "KES 66,700 Jmo 26 Des 1,200 Rudi"
    assert money(Money(-6_670_050, KES)) == "KES -66,700.50"


def test_a_count_takes_its_plural() -> None:
    assert [plain(n("{count} room", "{count} rooms", k), "en") for k in (1, 2)] == [
        "1 room",
        "2 rooms",
    ]


def test_names_stay_apart_so_that_they_can_be_shortened_and_braces_are_no_places() -> None:
    text = t("At {name} now", name=cut("M\u0169thoni\n  {evil}"))
    assert render(text, "en") == ["At ", ["Muthoni {evil}"], " now"]


def test_a_refusal_without_copy_or_data_gets_the_general_line() -> None:
    assert plain(why(NoUnits()), "en") == "Sorry, it has just been taken."
    assert plain(why(BadInput("too_big", most=500)), "en") == "Type at most 500."
    assert plain(why(BadInput("too_big")), "en") == "That is not possible now."
    assert plain(why(Refused("never_heard_of")), "en") == "That is not possible now."


def test_a_fresh_clone_without_compiled_catalogs_speaks_swahili(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sw" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = (LOCALE / "sw" / "LC_MESSAGES" / "messages.po").read_bytes()
    (folder / "messages.po").write_bytes(source.replace(b'"Rudi"', b'"Rejea"'))
    monkeypatch.setattr(texts, "LOCALE", tmp_path)
    read = texts._catalog.__wrapped__
    assert read("sw").gettext("Back") == "Rejea"
    (folder / "messages.mo").write_bytes(b"older than its source, never read")
    import os

    os.utime(folder / "messages.mo", (0, 0))
    assert read("sw").gettext("Back") == "Rejea"
