"""A vendor's money: what came, what waits and why, and the statement."""

from core.db.tx import Tx
from core.money import Money
from core.payouts import queries
from core.payouts.holds import Hold
from core.payouts.model import HoldReason
from sessions.flow import Go, Menu, Option, Part, Talk
from sessions.flows.roles import owner_of
from sessions.papers import owe_statement
from sessions.texts import Keep, T, Text, keep, t

earnings = Part()

HELD = {
    HoldReason.KYC: t("{amount} waits: we must check your papers"),
    HoldReason.NO_DETAILS: t("{amount} waits: tell us where to pay you"),
    HoldReason.UNVERIFIED: t("{amount} waits: we must check where to pay you"),
    HoldReason.ADMIN: t("{amount} waits: we are checking something, call us"),
}
HELD_BY_US = t("{amount} waits: the problem is on our side")


def held_line(hold: Hold, amount: Money) -> T:
    """Say in a line why a vendor's money is not paid now."""
    if hold.until is not None:
        return t(
            "{amount} waits until {until}: you changed where we pay you",
            amount=amount,
            until=hold.until,
        )
    return T(HELD.get(hold.reason, HELD_BY_US).msgid, {"amount": amount})


@earnings.screen("earnings", core=True)
def money(talk: Talk) -> Menu:
    """What is the vendor's, and when it comes."""
    with talk.reading() as tx:
        found = queries.earnings(tx, owner_of(talk))
    lines: list[Text | Keep]
    if found.hold is None:
        coming = t("Next payout {day}: {amount}", day=found.next_run.date(), amount=found.payable)
        lines = [keep(coming), t("Earned this month: {amount}", amount=found.this_month)]
    else:
        # What waits and why needs the room.
        lines = [keep(held_line(found.hold, found.payable))]
    lines.append(keep(t("Held for coming bookings: {amount}", amount=found.waiting)))
    return Menu(lines, [Option(t("Statement by SMS"), do="statement")])


@earnings.effect("statement", refused={"too_many_links": "earnings"})
def statement(talk: Talk, tx: Tx) -> Go:
    """Send a link to this month's statement."""
    owe_statement(tx, talk.person.msisdn, owner_of(talk))
    return Go("earnings", why=t("The link comes by SMS."))
