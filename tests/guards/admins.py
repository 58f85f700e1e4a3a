"""What keeps a code, a password and a refresh token good for one."""

from sqlalchemy import select

from core.admins import rules
from core.admins.model import Admin
from core.admins.queries import caller_of
from core.admins.usecases import SignedIn, refresh, sign_in
from core.limits import ADMIN_REFRESH_LEEWAY_SECONDS
from tests.core.admins.staff import EMAIL, Staff
from tests.core.booking.world import World
from tests.guards.guard import (
    Guard,
    both_do,
    check,
    constraint,
    copy_row,
    count,
    lock,
    unique,
)


def _one_code_twice(world: World) -> None:
    staff = Staff.join(world.database)

    let_in = [staff.signs_in(world.database) is not None for _ in range(2)]

    assert let_in == [True, False], "who has seen the code is not let in with it"


def _two_guesses(world: World) -> None:
    words = Staff.join(world.database).words(password="guess" * 3)

    both_do(world, lambda tx: sign_in(tx, **words), r"FROM admins WHERE")

    assert count(world, "SELECT failures FROM admins") == 2, "both guesses count"


def _one_code_at_once(world: World) -> None:
    words = Staff.join(world.database).words()

    results = both_do(world, lambda tx: sign_in(tx, **words), r"FROM admins WHERE")

    assert [found is not None for found in results] == [True, False], "one code lets one in"


def _refreshed_at_once(world: World) -> None:
    signed = Staff.join(world.database).signs_in(world.database)
    assert signed is not None

    one, other = both_do(
        world, lambda tx: refresh(tx, signed.refresh_token), r"FROM admin_sessions WHERE"
    )

    assert isinstance(one, SignedIn)
    assert one == other, "else one tab holds a token that counts no more, and signs both out"


def _refreshed_by_a_thief(world: World) -> None:
    signed = Staff.join(world.database).signs_in(world.database)
    assert signed is not None
    world.run(lambda tx: refresh(tx, signed.refresh_token))
    world.clock.advance(seconds=ADMIN_REFRESH_LEEWAY_SECONDS)

    world.run(lambda tx: refresh(tx, signed.refresh_token))

    assert world.run(lambda tx: caller_of(tx, signed.session_id)) is None, "one of them stole it"


def _copied(world: World, email: str) -> None:
    Staff.join(world.database)
    admin_id = world.run(lambda tx: tx.db.scalars(select(Admin.id)).one())

    copy_row(world, "admins", admin_id, email=email)

    assert count(world, "SELECT count(*) FROM admins") == 1, "one account of one person"


ALONE = (
    Guard(
        "a code that somebody has seen lets them in as well",
        check("a code counts once", rules, "counts", lambda step, _last: step is not None),
        _one_code_twice,
    ),
    Guard(
        "two hold a token of one session, and neither is found out",
        check("a used token counts for seconds", rules, "just_refreshed", lambda _at, _now: True),
        _refreshed_by_a_thief,
    ),
    Guard(
        "one address has two accounts, and disabling one leaves the other",
        unique("admins", "uq_admins_email"),
        lambda world: _copied(world, EMAIL),
    ),
    Guard(
        "one address in two spellings has two accounts",
        constraint("admins", "ck_admins_email_lower"),
        lambda world: _copied(world, EMAIL.upper()),
    ),
)
MEETING = (
    Guard(
        "guesses at one moment count as one, and a password is found by trying",
        lock("the admin, while a password is tried", "admins"),
        _two_guesses,
    ),
    Guard(
        "one code lets two in at one moment",
        lock("the admin, while a code is taken", "admins"),
        _one_code_at_once,
    ),
    Guard(
        "two tabs that refresh at one moment sign each other out",
        lock("the session, while its token is changed", "admin_sessions"),
        _refreshed_at_once,
    ),
)
