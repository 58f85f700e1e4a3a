"""What a guard is, how it is taken away, and what a story may ask."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.tx import Tx
from core.errors import NafasiError
from tests.core.booking.world import World
from tests.core.escrow.tools import rewrite, run_sql
from tests.support import races

OPEN = "SET LOCAL nafasi.ledger = 'open'"
"""Past the ledger's triggers, as faulty code of the ledger itself would be."""


class Kind(StrEnum):
    """What sort of guard it is."""

    CONSTRAINT = "constraint"
    UNIQUE = "unique key"
    FOREIGN = "foreign key"
    TRIGGER = "trigger"
    FUNCTION = "database function"
    LOCK = "lock"
    CHECK = "state check"


@dataclass(frozen=True, slots=True)
class Removal:
    """A guard, and the block in which it is not there.

    Attributes:
        kind: what sort of guard it is.
        name: what it is called where it stands.
        away: opens that block.
    """

    kind: Kind
    name: str
    away: Callable[[World], Iterator[None]]

    @contextmanager
    def __call__(self, world: World) -> Iterator[None]:
        yield from self.away(world)

    def also(self, other: "Removal") -> "Removal":
        """Return both as one: the second is only how the first speaks."""

        def away(world: World) -> Iterator[None]:
            with ExitStack() as stack:
                stack.enter_context(self(world))
                stack.enter_context(other(world))
                yield

        return Removal(self.kind, self.name, away)


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard.

    Attributes:
        harm: what would happen without it, in a few words.
        removal: which one, and how it is taken away.
        story: passes with the guard; without it an assertion of it fails.
    """

    harm: str
    removal: Removal
    story: Callable[[World], None]

    @property
    def id(self) -> str:
        """Its name in a test's."""
        return f"{self.removal.kind}: {self.removal.name}"


def _changed(kind: Kind, name: str, *statements: str) -> Removal:
    def away(world: World) -> Iterator[None]:
        run_sql(world.database, *statements)
        yield

    return Removal(kind, name, away)


def constraint(table: str, name: str) -> Removal:
    """A CHECK."""
    return _changed(Kind.CONSTRAINT, name, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def unique(table: str, name: str) -> Removal:
    """A unique constraint or primary key."""
    return _changed(Kind.UNIQUE, name, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def foreign(table: str, name: str) -> Removal:
    """A foreign key."""
    return _changed(Kind.FOREIGN, name, f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def unique_index(name: str) -> Removal:
    """A unique index, mostly over some of the rows."""
    return _changed(Kind.UNIQUE, name, f"DROP INDEX {name}")


def trigger(table: str, name: str) -> Removal:
    """A trigger."""
    return _changed(Kind.TRIGGER, f"{name} on {table}", f"DROP TRIGGER {name} ON {table}")


def function(name: str, before: str, after: str, what: str) -> Removal:
    """A part of one of the ledger's functions."""

    def away(world: World) -> Iterator[None]:
        rewrite(world.database, name, before, after)
        yield

    return Removal(Kind.FUNCTION, f"{name}: {what}", away)


def words(kind: Kind, name: str, cut: str, where: str, instead: str = "") -> Removal:
    """Words of statements, such as ``FOR UPDATE``."""

    def away(world: World) -> Iterator[None]:
        with races.cut(world.database, cut, instead, where):
            yield

    return Removal(kind, name, away)


def lock(name: str, table: str, where: str = "") -> Removal:
    """A row lock on a table."""
    pattern = r" FOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED)?$"
    return words(Kind.LOCK, name, pattern, rf"FROM {table}\b.*{where}")


def swapped(name: str, owner: object, attribute: str, instead: object, kind: Kind) -> Removal:
    """A function of ours, for one that says yes to everything."""

    def away(_world: World) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, attribute, instead)
            yield

    return Removal(kind, name, away)


def check(name: str, owner: object, attribute: str, instead: object) -> Removal:
    """A check in the code."""
    return swapped(name, owner, attribute, instead, Kind.CHECK)


def meet_in(world: World, first: Callable[[], Any], at: str, second: Callable[[], Any]) -> Any:
    """Let two callers meet; return what came of each."""
    return races.meet(world.database, first, at, second)


def both_do(world: World, work: Callable[[Tx], Any], at: str) -> Any:
    """Let two callers who do the same meet; return what came of each."""
    return meet_in(world, partial(world.run, work), at, partial(world.run, work))


def outcome(act: Callable[[], Any]) -> Any:
    """Return what came of an act: its value, or the refusal of the core or the database."""
    try:
        return act()
    except (NafasiError, DBAPIError) as error:
        return error


def by_hand(world: World, *statements: str) -> None:
    """Try what only faulty code or a person at the console would run, in one transaction."""
    with suppress(DBAPIError):
        run_sql(world.database, *statements)


def sound_after(*statements: str) -> Callable[[World], None]:
    """A story: a booking is paid for, somebody tries this, and the books are as they were."""

    def story(world: World) -> None:
        world.confirmed()
        by_hand(world, *statements)
        world.assert_sound()

    return story


def as_it_is(_world: World) -> None:
    """A vendor with a hall, and nothing else."""


def never(
    harm: str, removal: Removal, given: Callable[[World], object], tried: str, none_of: str
) -> Guard:
    """A guard whose story is that somebody tries something and there is no such row after it."""

    def story(world: World) -> None:
        given(world)
        by_hand(world, OPEN, tried)
        assert count(world, f"SELECT count(*) FROM {none_of}") == 0

    return Guard(harm, removal, story)


def copy_row(world: World, table: str, row_id: UUID, **changes: Any) -> Any:
    """Try to write a row once more with another id and some changes."""
    row = {"id": str(world.database.ids.uuid())} | changes
    statement = (
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record("
        f"{table}, to_jsonb({table}) || CAST(:changes AS jsonb))).*"
        f" FROM {table} WHERE id = :row_id"
    )
    values = {"changes": json.dumps(row), "row_id": row_id}
    return outcome(lambda: world.run(lambda tx: tx.db.execute(text(statement), values)))


def count(world: World, query: str, **values: Any) -> int:
    """Return a number that a query finds."""
    return int(world.run(lambda tx: tx.db.execute(text(query), values).scalar_one()))
