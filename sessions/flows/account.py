"""A vendor's own matters: the PIN, where they are paid, their papers."""

from core import outbox
from core.clock import nairobi_date
from core.db.tx import Tx
from core.errors import BadInput, Refused
from core.limits import PAYOUT_CHANGED_SECONDS
from core.msisdn import is_kenyan_mobile, local_form, parse_msisdn
from core.payouts.details import change_details
from core.payouts.queries import earnings
from core.people.deeds import Deed
from core.people.links import new_link
from core.people.model import PayoutMethod, User, Vendor
from core.people.notices import VendorTopic
from core.people.pins import (
    check_form,
    check_pin,
    choose_pin,
    four_digits,
    has_pin,
    is_pin,
    locked_until,
    seal_pin,
)
from sessions.flow import Ask, Go, Menu, Option, Part, Talk
from sessions.flows.roles import owner_of, owns
from sessions.texts import keep, t, why

account = Part()

ENDING_CHARS = 3
DAY_SECONDS = 24 * 3600
# Where somebody goes on who was asked to choose a PIN first.
NEEDS_PIN = {name: name for name in ("account", "payout_sure", "staff_sure")}


@account.screen("account", core=True)
def matters(talk: Talk) -> Menu:
    """What an owner can look after."""
    owner_of(talk)
    with talk.reading() as tx:
        known = has_pin(tx, talk.person.msisdn)
    pin = Option(t("Change my PIN"), to="pin_old") if known else _choose("account")
    return Menu(
        t("Your account:"),
        [
            Option(t("Where you are paid"), to="paid_to"),
            Option(t("Staff numbers"), to="staff"),
            pin,
            Option(t("Send us papers"), do="send_papers"),
        ],
    )


def _choose(following: str) -> Option:
    return Option(t("Choose a PIN"), to="pin_new", set={"pin_for": following})


def ask_pin(talk: Talk, tx: Tx, screen: str) -> Go | None:
    """Return the way to choose a PIN first, for a screen that needs one; None when there is."""
    if has_pin(tx, talk.person.msisdn):
        return None
    return Go("pin_new", {"pin_for": screen}, why=t("First choose a PIN."))


def right_pin(talk: Talk, tx: Tx, again: str) -> Go | None:
    """Check the PIN that was typed; return where a wrong one leads. It stays counted.

    Raises:
        Refused: ``own_pin_locked``, ``no_pin``.
    """
    vendor = tx.db.get_one(Vendor, owner_of(talk))
    if check_pin(tx, vendor, talk.secret):
        return None
    until = locked_until(tx, vendor)
    if until is not None:
        return Go("account", why=why(Refused("own_pin_locked", until=until)))
    return Go(again, why=why(BadInput("wrong_pin")))


@account.answer("own_pin")
def own_pin_typed(_talk: Talk, typed: str) -> str:
    """Four digits; what is none cannot be the PIN, and counts as a mistake, not as a try."""
    return four_digits(typed)


@account.answer("new_pin")
def new_pin_typed(_talk: Talk, typed: str) -> str:
    """Four digits that are not the first anybody would try."""
    return check_form(typed)


@account.screen("pin_old")
def pin_old(_talk: Talk) -> Ask:
    """Whoever changes the PIN knows it."""
    return Ask(t("Type your PIN of today"), key="pin", do="pin_old", parse="own_pin", secret=True)


@account.effect("pin_old", refused={"own_pin_locked": "account", "no_pin": "account"})
def old_pin(talk: Talk, tx: Tx) -> Go:
    """Check it."""
    wrong = right_pin(talk, tx, "pin_old")
    return wrong or Go("pin_new", {"pin_for": "account", "pin_known": True})


@account.screen("pin_new")
def pin_new(_talk: Talk) -> Ask:
    """The new one."""
    return Ask(
        t("Choose a PIN of 4 digits. We never ask for it by SMS or call."),
        key="pin",
        do="pin_new",
        parse="new_pin",
        secret=True,
    )


@account.effect("pin_new")
def new_pin(talk: Talk, tx: Tx) -> Go:
    """Keep it sealed until it has been typed twice."""
    owner_of(talk)
    return Go("pin_again", {"pin_sealed": seal_pin(tx, talk.secret)})


@account.screen("pin_again")
def pin_again(_talk: Talk) -> Ask:
    """A slip of the finger would lock them out."""
    return Ask(
        t("Type the new PIN again"), key="pin", do="pin_again", parse="own_pin", secret=True
    )


@account.effect("pin_again")
def chosen_pin(talk: Talk, tx: Tx) -> Go:
    """It is theirs when both are the same."""
    vendor = tx.db.get_one(Vendor, owner_of(talk))
    sealed = talk.draft.pop("pin_sealed")
    if not is_pin(tx, sealed, talk.secret):
        return Go("pin_new", why=t("That was another one. Try again."))
    if not talk.draft.pop("pin_known", False) and has_pin(tx, talk.person.msisdn):
        raise BadInput("wrong_pin")
    choose_pin(tx, vendor, sealed)
    return Go(NEEDS_PIN[talk.draft.pop("pin_for")], why=t("Your PIN is set."))


@account.screen("paid_to", core=True)
def paid_to(talk: Talk) -> Menu:
    """Where the money goes, as much of it as is needed to recognise it."""
    with talk.reading() as tx:
        vendor = tx.db.get_one(Vendor, owner_of(talk))
        found = earnings(tx, vendor.id)
        if vendor.payout_sealed is None:
            text = t("You have not told us where to pay you.")
        else:
            place = tx.vault.open(vendor.payout_sealed)
            ending = (place.get("msisdn") or place["account"])[-ENDING_CHARS:]
            text = (
                t("We pay you by M-Pesa on ..{ending}", ending=ending)
                if vendor.payout_method is PayoutMethod.MPESA
                else t("We pay you into account ..{ending}", ending=ending)
            )
    last = (
        t("Last paid {amount} on {day}", amount=found.last_paid, day=found.last_paid_at.date())
        if found.last_paid and found.last_paid_at
        else t("No payout yet")
    )
    return Menu([keep(text), keep(last)], [Option(t("Another M-Pesa number"), to="payout_number")])


@account.screen("payout_number")
def payout_number(_talk: Talk) -> Ask:
    """Which one."""
    return Ask(
        t("Which M-Pesa number shall we pay? Type 07.."),
        key="payout_number",
        to="payout_sure",
        parse="wallet",
    )


@account.answer("wallet")
def wallet_typed(_talk: Talk, typed: str) -> str:
    """A Kenyan mobile number."""
    msisdn = parse_msisdn(typed)
    if not is_kenyan_mobile(msisdn):
        raise BadInput("bad_phone")
    return msisdn


@account.screen("payout_sure", core=True)
def payout_sure(talk: Talk) -> Ask | Go:
    """The number in full, from when it is paid, and the PIN as the yes."""
    with talk.reading() as tx:
        first = ask_pin(talk, tx, "payout_sure")
    if first is not None:
        return first
    return Ask(
        [
            keep(
                t(
                    "Pay you on {phone}, in {days} days at the soonest, once we checked it?",
                    phone=local_form(talk.draft["payout_number"]),
                    days=PAYOUT_CHANGED_SECONDS // DAY_SECONDS,
                )
            ),
            t("Type your PIN to say yes"),
        ],
        key="pin",
        do="payout_number",
        parse="own_pin",
        secret=True,
    )


@account.effect(
    "payout_number",
    refused={"own_pin_locked": "paid_to", "no_pin": "payout_sure", "same_details": "paid_to"},
)
def set_payout_number(talk: Talk, tx: Tx) -> Go:
    """Change where they are paid; the number that was paid before is told how to stop it."""
    wrong = right_pin(talk, tx, "payout_sure")
    if wrong is not None:
        return wrong
    msisdn = talk.draft.pop("payout_number")
    vendor_id = owns(talk, tx, Deed.PAID_ELSEWHERE, f"M-Pesa ..{msisdn[-ENDING_CHARS:]}")
    number = tx.db.get_one(Vendor, vendor_id).number
    change_details(tx, number, PayoutMethod.MPESA, {"msisdn": msisdn})
    return Go("paid_to", why=t("Noted. We check it and call you."))


@account.effect("send_papers", refused={"too_many_links": "account"})
def send_papers(talk: Talk, tx: Tx) -> Go:
    """Send the link through which photos of papers come."""
    vendor = tx.db.get_one(Vendor, owner_of(talk))
    link = new_link(tx, vendor.id)
    owner = tx.db.get_one(User, vendor.user_id)
    told = {"token": link.token, "until": nairobi_date(link.expires_at).isoformat()}
    outbox.add(tx, VendorTopic.PAPERS.value, owner.msisdn, told)
    return Go("account", why=t("The link comes by SMS."))
