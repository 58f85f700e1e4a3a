"""Guards of the ledger: the database keeps the books, whatever code or a person tries."""

from core.errors import KeyReused
from core.escrow import ledger
from core.escrow.postings import paid
from core.money import kes
from tests.core.booking.world import GOLDEN, PROVIDER, RECEIPT, World
from tests.core.escrow.tools import move, post_raw
from tests.guards.guard import (
    OPEN,
    Guard,
    as_it_is,
    by_hand,
    constraint,
    count,
    foreign,
    function,
    never,
    outcome,
    sound_after,
    trigger,
    unique,
    unique_index,
)

KEY = "uq_ledger_transfers_idempotency_key"
KEY_ASKED = function("ledger_post", "ON CONFLICT (idempotency_key) DO NOTHING", "", "the key")


def _once(world: World) -> None:
    booking = world.confirmed()
    again = paid(booking.code, PROVIDER, GOLDEN, reference=RECEIPT, booking_id=booking.id)

    outcome(lambda: world.run(lambda tx: ledger.post(tx, again)))

    assert world.balance(f"escrow:{booking.code}") == GOLDEN


def _another_content(world: World) -> None:
    world.run(lambda tx: ledger.post(tx, move("same", "float:daraja", "escrow:A2", 100)))

    other = move("same", "float:daraja", "escrow:A2", 200)
    result = outcome(lambda: world.run(lambda tx: ledger.post(tx, other)))

    assert isinstance(result, KeyReused), "whoever changed the amount is told"


def _lopsided(world: World) -> None:
    legs = [("float:daraja", 100), ("escrow:B3", -99)]
    outcome(lambda: world.run(lambda tx: post_raw(tx, "in:daraja:1", legs)))

    assert count(world, "SELECT count(*) FROM ledger_postings") == 0


def _no_account(world: World) -> None:
    by_hand(
        world,
        OPEN,
        "INSERT INTO ledger_transfers (id, idempotency_key, digest, kind, posted_at)"
        " VALUES (gen_random_uuid(), 'in:daraja:1', 'x', 'paid', now())",
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
        " SELECT id, account, cents FROM ledger_transfers,"
        " (VALUES ('float:daraja', 100), ('float:nobody', -100)) AS legs (account, cents)",
    )

    assert count(world, "SELECT count(*) FROM ledger_postings") == 0


def _empty_legs(world: World) -> None:
    legs = [("float:daraja", 0), ("escrow:B3", 0)]
    outcome(lambda: world.run(lambda tx: post_raw(tx, "in:daraja:1", legs)))

    assert count(world, "SELECT count(*) FROM ledger_postings") == 0


def _overdrawn(world: World) -> None:
    booking = world.confirmed()
    more = move("out:daraja:1", f"escrow:{booking.code}", "float:daraja", 66_701)

    outcome(lambda: world.run(lambda tx: ledger.post(tx, more)))

    assert world.balance(f"escrow:{booking.code}") == GOLDEN


def _dollars(world: World, account: str) -> None:
    legs, dollars = [(account, 100), (account, -100)], ["USD", "USD"]

    outcome(lambda: world.run(lambda tx: post_raw(tx, "in:daraja:1", legs, currencies=dollars)))

    assert count(world, "SELECT count(*) FROM ledger_transfers") == 1


def _dollars_of_a_booking(world: World) -> None:
    _dollars(world, f"escrow:{world.confirmed().code}")


def _dollars_of_all(world: World) -> None:
    world.confirmed()
    _dollars(world, "float:daraja")


def _name_with_a_blank(world: World) -> None:
    legs = [("float:daraja", 100), ("escrow:K7 P4Q", -100)]

    outcome(lambda: world.run(lambda tx: post_raw(tx, "in:daraja:1", legs)))

    assert world.balance("escrow:K7 P4Q") == kes(0)


def _small_letters(world: World) -> None:
    legs = [("float:daraja", 100), ("escrow:B3", -100)]
    shillings = ["kes", "kes"]

    outcome(lambda: world.run(lambda tx: post_raw(tx, "in:daraja:1", legs, currencies=shillings)))

    assert count(world, "SELECT count(*) FROM ledger_accounts WHERE currency = 'kes'") == 0


def _transfer_by_hand(world: World) -> None:
    """Its legs sum to zero, but no balance ever hears of them."""
    world.paybill("NOBODY", kes(500))

    by_hand(
        world,
        "INSERT INTO ledger_transfers (id, idempotency_key, digest, kind, posted_at)"
        " VALUES (gen_random_uuid(), 'by hand', 'x', 'paid', now())",
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
        " SELECT id, account, cents FROM ledger_transfers,"
        " (VALUES ('float:daraja', 100), ('suspense:daraja', -100)) AS legs (account, cents)"
        " WHERE idempotency_key = 'by hand'",
    )

    assert count(world, "SELECT count(*) FROM ledger_transfers") == 1


GUARDS = (
    Guard("one receipt moves money twice", unique("ledger_transfers", KEY).also(KEY_ASKED), _once),
    Guard(
        "a key that comes with another amount is taken for a repeat",
        function("ledger_post", "earlier.digest <> new_digest", "false", "the digest of content"),
        _another_content,
    ),
    Guard(
        "a transfer makes money",
        trigger("ledger_transfers", "ledger_transfers_balanced"),
        _lopsided,
    ),
    Guard(
        "money goes to an account that is not there",
        function("ledger_check_balanced", "OR NOT known", "", "the accounts of its legs"),
        _no_account,
    ),
    Guard(
        "legs of nothing fill an account's history",
        constraint("ledger_postings", "ck_ledger_postings_amount"),
        _empty_legs,
    ),
    Guard(
        "more leaves a booking's escrow than came",
        constraint("ledger_accounts", "ck_ledger_accounts_not_overdrawn"),
        _overdrawn,
    ),
    Guard(
        "dollars are added to a booking's shillings",
        function(
            "ledger_post",
            "WHERE path = leg.path AND currency = leg.currency",
            "WHERE path = leg.path",
            "the currency of an account with a limit",
        ),
        _dollars_of_a_booking,
    ),
    Guard(
        "dollars are added to the shillings that a provider holds",
        function(
            "ledger_post",
            "currency = (SELECT currency FROM ledger_accounts WHERE path = wanted.path)",
            "EXISTS (SELECT FROM ledger_accounts WHERE path = wanted.path)",
            "the currency of a shared account",
        ),
        _dollars_of_all,
    ),
    Guard(
        "an account's history has one place twice",
        unique_index("uq_ledger_postings_account_entry_no"),
        sound_after(
            OPEN,
            "INSERT INTO ledger_postings"
            " (transfer_id, account, amount_cents, entry_no, balance_after_cents)"
            " SELECT transfer_id, account, amount_cents, entry_no, balance_after_cents"
            " FROM ledger_postings WHERE entry_no IS NOT NULL",
        ),
    ),
    Guard(
        "what was posted is rewritten",
        trigger("ledger_postings", "ledger_postings_append_only"),
        sound_after(OPEN, "UPDATE ledger_postings SET amount_cents = amount_cents * 2"),
    ),
    Guard(
        "why money moved is rewritten",
        trigger("ledger_transfers", "ledger_transfers_append_only"),
        sound_after(OPEN, "UPDATE ledger_transfers SET kind = 'returned'"),
    ),
    Guard(
        "how far balances hold their postings is forgotten",
        trigger("ledger_rolled", "ledger_rolled_append_only"),
        sound_after(OPEN, "DELETE FROM ledger_rolled"),
    ),
    Guard(
        "a balance is written by hand",
        trigger("ledger_accounts", "ledger_accounts_closed"),
        sound_after("UPDATE ledger_accounts SET balance_cents = balance_cents - 100"),
    ),
    Guard(
        "a leg is added to a transfer by hand",
        trigger("ledger_postings", "ledger_postings_closed"),
        sound_after(
            "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
            " SELECT id, 'float:daraja', 100 FROM ledger_transfers"
        ),
    ),
    Guard(
        "a balance never hears of a posting",
        trigger("ledger_rolled", "ledger_rolled_closed"),
        sound_after(
            "UPDATE ledger_rolled SET (rolled_id, marked_id)"
            " = (SELECT max(id), max(id) FROM ledger_postings)"
        ),
    ),
    never(
        "an escrow can be overdrawn, as if it were shared",
        constraint("ledger_accounts", "ck_ledger_accounts_deferred"),
        World.confirmed,
        "UPDATE ledger_accounts SET deferred = true",
        "ledger_accounts WHERE kind = 'escrow' AND deferred",
    ),
    never(
        "an account is called escrow and counted as the vendor's",
        constraint("ledger_accounts", "ck_ledger_accounts_path_kind"),
        World.confirmed,
        "UPDATE ledger_accounts SET kind = 'payable' WHERE kind = 'escrow'",
        "ledger_accounts WHERE path LIKE 'escrow:%' AND kind = 'payable'",
    ),
    Guard(
        "an account with what it holds is gone",
        trigger("ledger_accounts", "ledger_accounts_append_only"),
        sound_after(OPEN, "DELETE FROM ledger_accounts"),
    ),
    Guard(
        "money lies in an account whose name nobody can write",
        constraint("ledger_accounts", "ck_ledger_accounts_path"),
        _name_with_a_blank,
    ),
    Guard(
        "shillings are counted as another currency",
        constraint("ledger_accounts", "ck_ledger_accounts_currency"),
        _small_letters,
    ),
    never(
        "a leg has its place in an account's history, and no balance there",
        constraint("ledger_postings", "ck_ledger_postings_entry"),
        World.confirmed,
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents, entry_no)"
        " SELECT transfer_id, account, 100, entry_no + 1 FROM ledger_postings"
        " WHERE entry_no IS NOT NULL",
        "ledger_postings WHERE entry_no IS NOT NULL AND balance_after_cents IS NULL",
    ),
    never(
        "a leg belongs to no transfer, and nobody asks whether it sums to zero",
        foreign("ledger_postings", "fk_ledger_postings_transfer_id_ledger_transfers"),
        as_it_is,
        "INSERT INTO ledger_postings (transfer_id, account, amount_cents)"
        " VALUES (gen_random_uuid(), 'float:daraja', 100)",
        "ledger_postings WHERE transfer_id NOT IN (SELECT id FROM ledger_transfers)",
    ),
    Guard(
        "a transfer is written by hand",
        # One without legs is not balanced, so whoever gets past this one has to write legs too.
        trigger("ledger_transfers", "ledger_transfers_closed").also(
            trigger("ledger_postings", "ledger_postings_closed")
        ),
        _transfer_by_hand,
    ),
    never(
        "one name is two accounts, each with a part of the money",
        unique("ledger_accounts", "pk_ledger_accounts"),
        as_it_is,
        "INSERT INTO ledger_accounts SELECT 'float:daraja', 'float', 'KES', true, 0, 0"
        " FROM generate_series(1, 2)",
        "(SELECT FROM ledger_accounts GROUP BY path HAVING count(*) > 1) AS twice",
    ),
    never(
        "how far balances hold their postings is said twice",
        unique("ledger_rolled", "pk_ledger_rolled"),
        as_it_is,
        "INSERT INTO ledger_rolled SELECT * FROM ledger_rolled",
        "(SELECT FROM ledger_rolled HAVING count(*) > 1) AS twice",
    ),
    never(
        "how far balances hold their postings is said once more",
        constraint("ledger_rolled", "ck_ledger_rolled_one"),
        as_it_is,
        "INSERT INTO ledger_rolled SELECT false, rolled_id, marked_id, writing FROM ledger_rolled",
        "(SELECT FROM ledger_rolled HAVING count(*) > 1) AS twice",
    ),
    never(
        "balances hold postings that are not settled",
        constraint("ledger_rolled", "ck_ledger_rolled_marked"),
        as_it_is,
        "UPDATE ledger_rolled SET rolled_id = marked_id + 1",
        "ledger_rolled WHERE rolled_id > marked_id",
    ),
)
