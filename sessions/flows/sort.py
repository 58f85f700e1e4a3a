"""How results are sorted, and which of them are shown: one screen, remembered for the call."""

from collections.abc import Mapping

from core.catalog import queries
from core.catalog.search import Sort
from sessions.flow import Menu, Option, Part, Talk
from sessions.texts import T, Text, cut, t

sort = Part()

SORTED_BY: Mapping[Sort, T] = {
    Sort.RATING: t("Best rated"),
    Sort.CAPACITY: t("Biggest"),
    Sort.DISTANCE: t("Nearest"),
}
"""What stands above results that are not sorted by price."""
ASKED_TOO = {"instant": False}
HELD_ALL_CALL = frozenset({"sort", "instant"})
AREAS_MAX = 20


def sort_of(talk: Talk) -> Sort:
    """Return what the caller wants to see first; the cheapest until they say otherwise."""
    return Sort(talk.draft.get("sort") or Sort.PRICE)


@sort.screen("sort")
def choose(talk: Talk) -> Menu:
    """The other orders, and what to leave out."""
    orders = {
        Sort.PRICE: t("Cheapest first"),
        Sort.RATING: t("Best rated first"),
        Sort.DISTANCE: t("Nearest first"),
        Sort.CAPACITY: t("Biggest first"),
    }
    options = [
        Option(label, to="results", set={"sort": order.value})
        for order, label in orders.items()
        if order is not sort_of(talk)
    ]
    if talk.draft.get("instant"):
        options.append(Option(t("Also those who answer by SMS"), to="results", set=ASKED_TOO))
    else:
        options.append(Option(t("Only book at once"), to="results", set={"instant": True}))
    options.append(Option(t("Part of the town"), to="area"))
    return Menu(t("What do you want to see?"), options)


@sort.screen("area", core=True)
def area(talk: Talk) -> Menu:
    """The parts of the town that is searched, and all of it."""
    town_id = talk.draft["town"]
    with talk.reading() as tx:
        town = queries.place(tx, town_id)
        parts = queries.areas(tx, town_id, AREAS_MAX)
    everywhere: Text = t("All of {town}", town=cut(town.town))
    return Menu(
        t("Where in {town}?", town=cut(town.town)),
        [
            Option(everywhere, to="results", set={"area": None}),
            *(
                Option(
                    t("{name}", name=cut(part.area or "")),
                    to="results",
                    set={"area": part.area_id},
                )
                for part in parts
            ),
        ],
    )
