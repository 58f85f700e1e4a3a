"""Becoming a vendor by phone: seven questions, each kept if the line drops."""

from dataclasses import replace

from core.catalog import queries
from core.catalog.queries import Place
from core.catalog.rules import Category
from core.db.tx import Tx
from core.errors import BadInput
from core.people.model import Role
from core.people.onboarding import Application, apply_as_vendor, kra_pin, national_id
from core.people.staff import clean_name
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows import words
from sessions.flows.find import TOWN_OPTIONS
from sessions.texts import cut, keep, t

joining = Part()

# Where a town is asked for, and what is asked next there.
AFTER_TOWN = {name: name for name in ("join_category", "offer_title")}

ENDING_CHARS = 3


@joining.screen("join")
def whose(_talk: Talk) -> Ask:
    """Who is asking."""
    return Ask(
        t("Sell with us: 7 short questions. Your own name?"),
        key="join_name",
        to="join_business",
        parse="called",
    )


@joining.answer("called")
def name_typed(_talk: Talk, typed: str) -> str:
    """A name of a person or a business."""
    return clean_name(typed)


@joining.screen("join_business")
def business(_talk: Talk) -> Ask:
    """What customers will see."""
    return Ask(
        t("Name of your business, as customers know it?"),
        key="join_business",
        to="town",
        parse="business",
    )


@joining.answer("business")
def business_typed(_talk: Talk, typed: str) -> Go:
    """The name; where the business is comes next."""
    return Go("town", {"join_business": clean_name(typed), "then": "join_category"})


@joining.screen("town")
def town(talk: Talk) -> Ask:
    """Where something is: a town most have heard of, or any name typed."""
    following = AFTER_TOWN[talk.draft["then"]]
    options = [Option(option.label, to=following, set=option.set) for option in TOWN_OPTIONS]
    return Ask(
        t("Where is it? Choose, or type a town or area"),
        key="place",
        to=following,
        parse="town",
        options=options,
    )


@joining.answer("town", core=True)
def town_typed(talk: Talk, typed: str) -> Go:
    """One place is meant: on. Several: ask which. None: say so."""
    with talk.reading() as tx:
        found = queries.find_places(tx, typed)
    if not found:
        raise BadInput("no_place")
    if len(found) == 1:
        return Go(
            AFTER_TOWN[talk.draft["then"]], {"town": found[0].town_id, "area": found[0].area_id}
        )
    return Go("which_town", {"typed_place": typed})


@joining.screen("which_town", core=True)
def which_town(talk: Talk) -> Menu:
    """The typed name can mean several places."""
    with talk.reading() as tx:
        found = queries.find_places(tx, talk.draft["typed_place"])
    return Menu(t("Which one?"), [_here(place, AFTER_TOWN[talk.draft["then"]]) for place in found])


def _here(place: Place, following: str) -> Option:
    return Option(
        t("{place}", place=cut(named(place))),
        to=following,
        set={"town": place.town_id, "area": place.area_id},
    )


def named(place: Place) -> str:
    """Return a place as it is shown."""
    return f"{place.area}, {place.town}" if place.area else place.town


@joining.screen("join_category")
def category(_talk: Talk) -> Menu:
    """What they offer most."""
    return Menu(
        t("What do you offer?"),
        [
            Option(label, to="join_id", set={"category": kind.value})
            for kind, label in words.CATEGORIES.items()
        ],
    )


@joining.screen("join_id")
def identity(_talk: Talk) -> Ask:
    """Their identity card."""
    return Ask(
        t("Your ID card number? We keep it locked."),
        key="id",
        do="join_id",
        parse="id_card",
        secret=True,
    )


@joining.answer("id_card")
def id_typed(_talk: Talk, typed: str) -> str:
    """Seven or eight digits."""
    return national_id(typed)


@joining.effect("join_id")
def keep_id(talk: Talk, tx: Tx) -> Go:
    """Seal the number at once: what is remembered of a call can be read."""
    return Go("join_kra", {"join_id": _sealed(tx, talk.secret), "id_ends": _ending(talk.secret)})


@joining.screen("join_kra")
def tax(_talk: Talk) -> Ask:
    """Their tax number."""
    return Ask(
        t("Your KRA PIN, such as A000000000A? We keep it locked."),
        key="kra",
        do="join_kra",
        parse="kra",
        secret=True,
    )


@joining.answer("kra")
def kra_typed(_talk: Talk, typed: str) -> str:
    """A letter, nine digits, a letter."""
    return kra_pin(typed)


@joining.effect("join_kra")
def keep_kra(talk: Talk, tx: Tx) -> Go:
    """Seal it as well."""
    kept = {"join_kra": _sealed(tx, talk.secret), "kra_ends": _ending(talk.secret)}
    return Go("join_sure", kept)


@joining.screen("join_sure", core=True)
def sure(talk: Talk) -> Menu:
    """All of it once more; of what is locked only the end."""
    draft = talk.draft
    with talk.reading() as tx:
        place = queries.place(tx, draft["town"], draft["area"])
    return Menu(
        [
            t(
                "{business}, {name}",
                business=cut(draft["join_business"]),
                name=cut(draft["join_name"]),
            ),
            t("{place}", place=cut(named(place))),
            keep(t("ID ..{id} KRA ..{kra}", id=draft["id_ends"], kra=draft["kra_ends"])),
        ],
        [Option(t("Send"), do="join"), Option(t("Type it again"), to="join")],
    )


@joining.effect("join", refused={"vendor_already": "home"})
def join(talk: Talk, tx: Tx) -> Go:
    """Become a vendor whom somebody will check; the SMS says how to send the papers."""
    draft = talk.draft
    vendor = apply_as_vendor(
        tx,
        talk.person.msisdn,
        Application(
            name=draft["join_name"],
            business=draft["join_business"],
            town_id=draft["town"],
            area_id=draft["area"],
            category=Category(draft["category"]).value,
            kra_pin=tx.vault.open(draft["join_kra"].encode()),
            national_id=tx.vault.open(draft["join_id"].encode()),
        ),
    )
    talk.person = replace(
        talk.person,
        id=str(vendor.user_id),
        name=vendor.business_name,
        vendor_id=str(vendor.id),
        role=Role.APPLICANT.value,
    )
    return Go("home", why=t("Welcome! We check your papers: see our SMS."))


def _sealed(tx: Tx, text: str) -> str:
    return tx.vault.seal(text).decode()


def _ending(text: str) -> str:
    return text[-ENDING_CHARS:]
