"""Towns and areas of Kenya as data, and the one function that writes them.

Coordinates are town and neighbourhood centres in decimal degrees (WGS 84), read from public maps
and rounded to about 100 m: enough to sort by nearness, no address. An id never changes its
meaning, so new places go at the end of their table; the order people see is ``rank``.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert

from core.catalog.model import Area, Town
from core.db.tx import Tx


class TownRow(NamedTuple):
    """One town; ``rank`` orders lists, ``aliases`` are what people type for it."""

    id: int
    slug: str
    name: str
    county: str
    latitude: float
    longitude: float
    rank: int
    aliases: tuple[str, ...] = ()


class AreaRow(NamedTuple):
    """One area of the town with this slug."""

    id: int
    town: str
    slug: str
    name: str
    latitude: float
    longitude: float


TOWNS = (
    TownRow(1, "nairobi", "Nairobi", "Nairobi", -1.2864, 36.8172, 1, ("nbi", "nrb", "nai")),
    TownRow(2, "mombasa", "Mombasa", "Mombasa", -4.0547, 39.6636, 2, ("msa", "mvita")),
    TownRow(3, "kisumu", "Kisumu", "Kisumu", -0.1022, 34.7617, 3, ("ksm",)),
    TownRow(4, "nakuru", "Nakuru", "Nakuru", -0.3031, 36.0800, 4, ("nax", "nak")),
    TownRow(5, "eldoret", "Eldoret", "Uasin Gishu", 0.5143, 35.2698, 5, ("eld", "eldy")),
    TownRow(6, "naivasha", "Naivasha", "Nakuru", -0.7167, 36.4359, 6, ("vasha",)),
    TownRow(7, "diani", "Diani", "Kwale", -4.2797, 39.5947, 7, ("ukunda", "diani beach")),
    TownRow(8, "thika", "Thika", "Kiambu", -1.0333, 37.0693, 8, ("tk",)),
    TownRow(9, "nyeri", "Nyeri", "Nyeri", -0.4201, 36.9476, 9, ("nyr",)),
    TownRow(10, "machakos", "Machakos", "Machakos", -1.5177, 37.2634, 10, ("macha", "masaku")),
    TownRow(11, "nanyuki", "Nanyuki", "Laikipia", 0.0074, 37.0722, 11),
    TownRow(12, "malindi", "Malindi", "Kilifi", -3.2175, 40.1191, 12),
    TownRow(13, "kilifi", "Kilifi", "Kilifi", -3.6305, 39.8499, 13),
    TownRow(14, "watamu", "Watamu", "Kilifi", -3.3540, 40.0240, 14),
    TownRow(15, "meru", "Meru", "Meru", 0.0463, 37.6559, 15),
    TownRow(16, "kakamega", "Kakamega", "Kakamega", 0.2827, 34.7519, 16, ("kaka",)),
    TownRow(17, "kericho", "Kericho", "Kericho", -0.3689, 35.2863, 17),
    TownRow(18, "embu", "Embu", "Embu", -0.5389, 37.4596, 18),
    TownRow(19, "kitale", "Kitale", "Trans Nzoia", 1.0157, 35.0062, 19),
    TownRow(20, "lamu", "Lamu", "Lamu", -2.2717, 40.9020, 20, ("amu",)),
    TownRow(21, "kiambu", "Kiambu", "Kiambu", -1.1714, 36.8356, 21),
    TownRow(22, "kisii", "Kisii", "Kisii", -0.6773, 34.7796, 22),
    TownRow(23, "bungoma", "Bungoma", "Bungoma", 0.5695, 34.5584, 23),
    TownRow(24, "nyahururu", "Nyahururu", "Laikipia", 0.0377, 36.3634, 24),
    TownRow(25, "narok", "Narok", "Narok", -1.0784, 35.8601, 25),
    TownRow(26, "voi", "Voi", "Taita-Taveta", -3.3961, 38.5561, 26),
    TownRow(27, "kajiado", "Kajiado", "Kajiado", -1.8524, 36.7768, 27),
    TownRow(28, "kitui", "Kitui", "Kitui", -1.3670, 38.0106, 28),
    TownRow(29, "garissa", "Garissa", "Garissa", -0.4536, 39.6401, 29),
    TownRow(30, "busia", "Busia", "Busia", 0.4608, 34.1115, 30),
    TownRow(31, "muranga", "Murang'a", "Murang'a", -0.7210, 37.1526, 31),
    TownRow(32, "isiolo", "Isiolo", "Isiolo", 0.3546, 37.5822, 32),
)

AREAS = (
    AreaRow(101, "nairobi", "cbd", "CBD", -1.2841, 36.8233),
    AreaRow(102, "nairobi", "westlands", "Westlands", -1.2676, 36.8108),
    AreaRow(103, "nairobi", "kilimani", "Kilimani", -1.2893, 36.7866),
    AreaRow(104, "nairobi", "karen", "Karen", -1.3197, 36.7073),
    AreaRow(105, "nairobi", "lavington", "Lavington", -1.2783, 36.7683),
    AreaRow(106, "nairobi", "kasarani", "Kasarani", -1.2213, 36.8972),
    AreaRow(107, "nairobi", "langata", "Lang'ata", -1.3436, 36.7648),
    AreaRow(108, "nairobi", "runda", "Runda", -1.2181, 36.8190),
    AreaRow(109, "nairobi", "parklands", "Parklands", -1.2610, 36.8190),
    AreaRow(110, "nairobi", "upper-hill", "Upper Hill", -1.2995, 36.8158),
    AreaRow(111, "nairobi", "south-b", "South B", -1.3110, 36.8340),
    AreaRow(112, "nairobi", "south-c", "South C", -1.3200, 36.8270),
    AreaRow(113, "nairobi", "embakasi", "Embakasi", -1.3230, 36.9000),
    AreaRow(114, "nairobi", "gigiri", "Gigiri", -1.2330, 36.8040),
    AreaRow(115, "nairobi", "eastleigh", "Eastleigh", -1.2740, 36.8500),
    AreaRow(116, "nairobi", "roysambu", "Roysambu", -1.2180, 36.8870),
    AreaRow(117, "nairobi", "ngong-road", "Ngong Road", -1.3000, 36.7780),
    AreaRow(118, "nairobi", "donholm", "Donholm", -1.2960, 36.8880),
    AreaRow(201, "mombasa", "nyali", "Nyali", -4.0350, 39.7080),
    AreaRow(202, "mombasa", "bamburi", "Bamburi", -3.9960, 39.7270),
    AreaRow(203, "mombasa", "mtwapa", "Mtwapa Road", -3.9600, 39.7420),
    AreaRow(204, "mombasa", "tudor", "Tudor", -4.0390, 39.6650),
    AreaRow(205, "mombasa", "shanzu", "Shanzu", -3.9720, 39.7560),
    AreaRow(206, "mombasa", "likoni", "Likoni", -4.0880, 39.6590),
    AreaRow(207, "mombasa", "old-town", "Old Town", -4.0620, 39.6780),
    AreaRow(301, "kisumu", "milimani", "Milimani", -0.1080, 34.7530),
    AreaRow(302, "kisumu", "kondele", "Kondele", -0.0850, 34.7740),
    AreaRow(303, "kisumu", "dunga", "Dunga", -0.1450, 34.7370),
    AreaRow(304, "kisumu", "mamboleo", "Mamboleo", -0.0640, 34.7920),
    AreaRow(401, "nakuru", "milimani", "Milimani", -0.2790, 36.0720),
    AreaRow(402, "nakuru", "lanet", "Lanet", -0.3010, 36.1480),
    AreaRow(403, "nakuru", "section-58", "Section 58", -0.2890, 36.0990),
    AreaRow(404, "nakuru", "njoro", "Njoro", -0.3300, 35.9440),
    AreaRow(501, "eldoret", "elgon-view", "Elgon View", 0.4960, 35.2760),
    AreaRow(502, "eldoret", "kapsoya", "Kapsoya", 0.5310, 35.3030),
    AreaRow(503, "eldoret", "langas", "Langas", 0.4830, 35.2560),
    AreaRow(601, "naivasha", "moi-south-lake", "Moi South Lake", -0.8270, 36.3470),
    AreaRow(602, "naivasha", "kongoni", "Kongoni", -0.8280, 36.2650),
    AreaRow(701, "diani", "galu", "Galu", -4.3360, 39.5650),
    AreaRow(702, "diani", "tiwi", "Tiwi", -4.2380, 39.6000),
    AreaRow(801, "thika", "section-9", "Section 9", -1.0410, 37.0780),
    AreaRow(802, "thika", "makongeni", "Makongeni", -1.0480, 37.1060),
)


def load_places(tx: Tx) -> int:
    """Write the towns and areas as they stand in this file; a second run changes nothing.

    Returns:
        How many rows were new or different.
    """
    town_ids = {town.slug: town.id for town in TOWNS}
    towns = [{**town._asdict(), "aliases": list(town.aliases)} for town in TOWNS]
    areas = [
        {
            "id": area.id,
            "town_id": town_ids[area.town],
            "slug": area.slug,
            "name": area.name,
            "latitude": area.latitude,
            "longitude": area.longitude,
        }
        for area in AREAS
    ]
    return _write(tx, Town, towns) + _write(tx, Area, areas)


def _write(tx: Tx, table: type[Town | Area], rows: Sequence[Mapping[str, object]]) -> int:
    """Insert rows, or update those that differ."""
    new = insert(table).values(rows)
    columns = [column.name for column in table.__table__.columns if not column.primary_key]
    changed = new.on_conflict_do_update(
        index_elements=["id"],
        set_={name: new.excluded[name] for name in columns},
        where=or_(
            *(table.__table__.c[name].is_distinct_from(new.excluded[name]) for name in columns)
        ),
    ).returning(table.id)
    return len(tx.db.scalars(changed).all())
