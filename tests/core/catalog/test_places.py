"""Places by any spelling, and the data they come from."""

import pytest
from sqlalchemy import text

from core.catalog import queries
from core.catalog.places import AREAS, TOWNS, load_places
from core.catalog.queries import find_places
from core.errors import NotFound
from core.limits import NAME_MAX
from tests.core.catalog.market import AREA_IDS, TOWN_IDS, Market


def places(market: Market, typed: str) -> list[str]:
    with market.database.transaction() as tx:
        found = find_places(tx, typed)
    return [f"{place.area}, {place.town}" if place.area else place.town for place in found]


TYPED = {
    "Nairobi": "Nairobi",
    "nairobi ": "Nairobi",
    "Nayrobi": "Nairobi",
    "Nairoby": "Nairobi",
    "nbi": "Nairobi",
    "NBI": "Nairobi",
    "Mombassa": "Mombasa",
    "msa": "Mombasa",
    "Westland": "Westlands, Nairobi",
    "westlads": "Westlands, Nairobi",
    "westlands nairobi": "Westlands, Nairobi",
    "Nairobi Karen": "Karen, Nairobi",
    "Langata": "Lang'ata, Nairobi",
    "Lang\u2019ata": "Lang'ata, Nairobi",
    "Muranga": "Murang'a",
    "M\u0169rang'a": "Murang'a",
    "Eldorett": "Eldoret",
    "kisumo": "Kisumu",
    "Nyaly": "Nyali, Mombasa",
    "hill": "Upper Hill, Nairobi",
}


def test_a_place_is_found_as_people_type_it(market: Market) -> None:
    assert {typed: next(iter(places(market, typed)), None) for typed in TYPED} == TYPED


def test_a_beginning_offers_all_that_begin_so_towns_by_rank(market: Market) -> None:
    assert places(market, "na") == ["Nairobi", "Nakuru", "Naivasha", "Nanyuki", "Narok"]


def test_a_name_of_two_places_offers_both(market: Market) -> None:
    assert places(market, "milimani") == ["Milimani, Kisumu", "Milimani, Nakuru"]


def test_a_spelling_between_two_towns_offers_both(market: Market) -> None:
    assert places(market, "kisimu") == ["Kisii", "Kisumu"]


def test_a_right_name_brings_no_guesses(market: Market) -> None:
    assert places(market, "meru") == ["Meru"]


def test_rubbish_finds_nothing(market: Market) -> None:
    for typed in ("", " ", "n", "zzzzqq", "%", "__", "\\", "'; drop", "\U0001f600", "x" * 500):
        assert places(market, typed) == [], typed


def test_towns_and_areas_are_listed_in_their_order(market: Market) -> None:
    with market.database.transaction() as tx:
        assert [place.town for place in queries.towns(tx, 3)] == ["Nairobi", "Mombasa", "Kisumu"]
        kisumu = queries.areas(tx, TOWN_IDS["kisumu"])
        assert [place.area for place in kisumu] == ["Milimani", "Kondele", "Dunga", "Mamboleo"]
        nyali = queries.place(tx, TOWN_IDS["mombasa"], AREA_IDS["mombasa", "nyali"])
        assert (nyali.town, nyali.area) == ("Mombasa", "Nyali")
        with pytest.raises(NotFound):
            queries.place(tx, TOWN_IDS["mombasa"], AREA_IDS["nairobi", "karen"])


def test_the_data_is_of_kenya_and_of_one_piece() -> None:
    for rows in (TOWNS, AREAS):
        assert len({row.id for row in rows}) == len(rows)
        assert all(-4.8 < row.latitude < 5.1 for row in rows)
        assert all(33.9 < row.longitude < 42.0 for row in rows)
        assert all(len(row.name) <= NAME_MAX for row in rows)
    assert len(TOWNS) >= 20
    assert len({town.rank for town in TOWNS}) == len(TOWNS)
    aliases = [alias for town in TOWNS for alias in (town.slug, *town.aliases)]
    assert len(set(aliases)) == len(aliases)
    assert len({(area.town, area.slug) for area in AREAS}) == len(AREAS)
    towns = {town.slug: town for town in TOWNS}
    for area in AREAS:
        town = towns[area.town]
        assert abs(area.latitude - town.latitude) < 0.2, area
        assert abs(area.longitude - town.longitude) < 0.2, area


def test_loading_places_again_changes_only_what_differs(market: Market) -> None:
    with market.database.transaction() as tx:
        assert load_places(tx) == 0
        tx.db.execute(text("UPDATE towns SET name = 'Nayrobi' WHERE id = 1"))
        tx.db.execute(text("DELETE FROM areas WHERE id = 101"))
        assert load_places(tx) == 2
    assert places(market, "nairobi") == ["Nairobi"]
