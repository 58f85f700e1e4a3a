"""Staff numbers: who may answer for the vendor, added and removed by the owner."""

from uuid import UUID

from core.db.tx import Tx
from core.errors import NotFound
from core.msisdn import local_form
from core.people.staff import add_staff, remove_staff, staff_number, staff_of
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows.account import ask_pin, right_pin
from sessions.flows.roles import owner_of
from sessions.texts import cut, keep, t

staff = Part()

ENDING_CHARS = 3


@staff.screen("staff", core=True)
def numbers(talk: Talk) -> Menu:
    """Who may answer now."""
    with talk.reading() as tx:
        found = staff_of(tx, owner_of(talk))
    return Menu(
        t("Staff answer requests, check in, close days. No money."),
        [
            *(
                Option(
                    t("{name} ..{ending}", name=cut(one.name), ending=one.msisdn[-ENDING_CHARS:]),
                    to="staff_one",
                    set={"staff": str(one.user_id)},
                )
                for one in found
            ),
            Option(t("Add a number"), to="staff_number"),
        ],
    )


@staff.screen("staff_one", core=True)
def one(talk: Talk) -> Menu | Go:
    """One of them."""
    with talk.reading() as tx:
        found = [each for each in staff_of(tx, owner_of(talk)) if str(each.user_id) == _id(talk)]
    if not found:
        return Go("staff")
    return Menu(
        [
            t("{name}", name=cut(found[0].name)),
            keep(t("{phone}", phone=local_form(found[0].msisdn))),
        ],
        [Option(t("Remove"), do="staff_off")],
    )


@staff.effect("staff_off", refused={"no_staff": "staff"})
def remove(talk: Talk, tx: Tx) -> Go:
    """Take the rights away; from this moment on they are gone."""
    gone = remove_staff(tx, owner_of(talk), UUID(talk.draft.pop("staff")))
    talk.changed.append(gone.msisdn)
    return Go("staff", why=t("{name} is removed.", name=cut(gone.name)))


@staff.screen("staff_number")
def which_number(_talk: Talk) -> Ask:
    """Whose number."""
    return Ask(
        t("Which number? Type 07.."), key="staff_number", to="staff_name", parse="staff_number"
    )


@staff.answer("staff_number", core=True)
def number_typed(talk: Talk, typed: str) -> str:
    """A Kenyan mobile number that works for nobody yet."""
    with talk.reading() as tx:
        return staff_number(tx, typed)


@staff.screen("staff_name")
def name(_talk: Talk) -> Ask:
    """What the owner calls them."""
    return Ask(t("Their name?"), key="staff_name", to="staff_sure", parse="called")


@staff.screen("staff_sure", core=True)
def sure(talk: Talk) -> Ask | Go:
    """The number in full, and the PIN as the yes."""
    with talk.reading() as tx:
        first = ask_pin(talk, tx, "staff_sure")
    if first is not None:
        return first
    return Ask(
        [
            keep(t("{phone} may answer for you?", phone=local_form(talk.draft["staff_number"]))),
            t("{name}", name=cut(talk.draft["staff_name"])),
            t("Type your PIN to say yes"),
        ],
        key="pin",
        do="staff_on",
        parse="own_pin",
        secret=True,
    )


@staff.effect(
    "staff_on",
    refused={
        "own_pin_locked": "staff",
        "no_pin": "staff_sure",
        "staff_taken": "staff",
        "too_many_staff": "staff",
        "too_many_added": "staff",
    },
)
def add(talk: Talk, tx: Tx) -> Go:
    """Add the number; it and the owner hear of it."""
    wrong = right_pin(talk, tx, "staff_sure")
    if wrong is not None:
        return wrong
    draft = talk.draft
    made = add_staff(tx, owner_of(talk), draft.pop("staff_number"), draft.pop("staff_name"))
    talk.changed.append(made.msisdn)
    return Go("staff", why=t("{name} is added.", name=cut(made.name)))


def _id(talk: Talk) -> str:
    found: str | None = talk.draft.get("staff")
    if found is None:
        raise NotFound("no_staff")
    return found
