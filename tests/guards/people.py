"""Guards of who somebody is, for whom they act, and what may be written to them."""

from core.payouts.standing import suspend
from core.people.model import Purpose
from core.people.staff import add_staff
from core.people.usecases import Said, opt_out
from core.relay.usecases import ask_vendor
from tests.core.booking.world import World
from tests.guards.guard import Guard, as_it_is, constraint, copy_row, count, never, trigger, unique
from tests.support.factories import CUSTOMER, OTHER_VENDOR, STRANGER, make_user, make_vendor


def _suspended_vendor(world: World) -> None:
    world.run(lambda tx: suspend(tx, world.vendor.number, "Guests were turned away."))


def _one_person(world: World) -> None:
    copy_row(world, "users", world.vendor.user_id)

    assert count(world, "SELECT count(*) FROM users") == 1


def _one_vendor(world: World) -> None:
    copy_row(world, "vendors", world.vendor.id, number=world.vendor.number + 1)

    assert count(world, "SELECT count(*) FROM vendors") == 1


def _one_account(world: World) -> None:
    other = world.run(lambda tx: make_user(tx, OTHER_VENDOR))

    copy_row(world, "vendors", world.vendor.id, user_id=str(other.id))

    assert count(world, "SELECT count(*) FROM vendors") == 1


def _staff(world: World) -> None:
    """Somebody works for one vendor, and there is another."""
    world.run(lambda tx: make_vendor(tx, OTHER_VENDOR))
    world.run(lambda tx: add_staff(tx, world.vendor.id, STRANGER, "Otieno"))


def _opted_out(world: World) -> None:
    world.run(lambda tx: opt_out(tx, CUSTOMER, Purpose.OFFERS, Said("sms", "in-1", "STOP")))


def _asked(world: World) -> None:
    world.run(lambda tx: ask_vendor(tx, CUSTOMER, world.listing.number, "Is there parking?"))


GUARDS = (
    never(
        "why a vendor was suspended is rewritten",
        trigger("vendor_notes", "append_only"),
        _suspended_vendor,
        "UPDATE vendor_notes SET words = 'A mistake.'",
        "vendor_notes WHERE words = 'A mistake.'",
    ),
    Guard("one number is two people", unique("users", "uq_users_msisdn"), _one_person),
    never(
        "a person has a number that nobody can write to",
        constraint("users", "ck_users_e164"),
        as_it_is,
        "UPDATE users SET msisdn = '0700000011'",
        "users WHERE msisdn NOT LIKE '+%'",
    ),
    Guard("one person is two vendors", unique("vendors", "uq_vendors_user_id"), _one_vendor),
    Guard(
        "two vendors are owed by one account", unique("vendors", "uq_vendors_number"), _one_account
    ),
    never(
        "a number works for two vendors, and answers for whichever is found first",
        unique("vendor_staff", "pk_vendor_staff"),
        _staff,
        "INSERT INTO vendor_staff SELECT vendor_staff.user_id, vendors.id, name, added_at"
        " FROM vendor_staff JOIN vendors ON vendors.id <> vendor_id",
        "(SELECT FROM vendor_staff GROUP BY user_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "who wants no messages stands twice among those",
        unique("opt_outs", "pk_opt_outs"),
        _opted_out,
        "INSERT INTO opt_outs SELECT * FROM opt_outs",
        "(SELECT FROM opt_outs GROUP BY msisdn, purpose HAVING count(*) > 1) AS twice",
    ),
    never(
        "two talk about one listing under two numbers, each half of it",
        unique("relays", "uq_relays_customer_id_listing_id"),
        _asked,
        "INSERT INTO relays SELECT gen_random_uuid(), listing_id, vendor_id, customer_id,"
        " number + 1, last_from, open_until FROM relays",
        "(SELECT FROM relays GROUP BY customer_id, listing_id HAVING count(*) > 1) AS twice",
    ),
    never(
        "a question has a number that an answer cannot name",
        constraint("relays", "ck_relays_number"),
        _asked,
        "UPDATE relays SET number = 1000",
        "relays WHERE number > 999",
    ),
    never(
        "somebody is asked two things at once, and their answer is taken for either",
        unique("questions", "pk_questions"),
        as_it_is,
        f"INSERT INTO questions SELECT '{CUSTOMER}', about, '{{}}', now()"
        " FROM unnest(ARRAY['accept', 'decline']) AS about",
        "(SELECT FROM questions GROUP BY msisdn HAVING count(*) > 1) AS twice",
    ),
    never(
        "somebody stands in two places of one conversation",
        unique("talks", "pk_talks"),
        as_it_is,
        "INSERT INTO talks (msisdn, channel, provider, offered, asked_at, expires_at)"
        f" SELECT '{CUSTOMER}', channel, channel, false, now(), now()"
        " FROM unnest(ARRAY['sms', 'web']) AS channel",
        "(SELECT FROM talks GROUP BY msisdn HAVING count(*) > 1) AS twice",
    ),
)
