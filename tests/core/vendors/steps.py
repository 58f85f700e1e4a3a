"""What several of these stories do."""

from typing import Any

from sqlalchemy import select

from core.db.tx import Database
from core.outbox import Notice
from core.people.model import Vendor
from core.people.pins import check_pin, choose_pin, seal_pin

PIN = "2580"
PHONE = "+254700000071"


def told(database: Database) -> list[tuple[str, str]]:
    """Who is owed what, in order."""
    rows = select(Notice.topic, Notice.msisdn).order_by(Notice.created_at, Notice.id)
    return database.run(lambda tx: [(topic, msisdn) for topic, msisdn in tx.db.execute(rows)])


def params_of(database: Database, topic: str) -> dict[str, Any]:
    """The values of the newest notice of a topic."""
    query = select(Notice.params).where(Notice.topic == topic).order_by(Notice.id.desc())
    return database.run(lambda tx: dict(tx.db.scalars(query).first() or {}))


def choose(database: Database, vendor: Vendor, pin: str = PIN) -> None:
    """The owner chooses a PIN."""
    database.run(lambda tx: choose_pin(tx, vendor, seal_pin(tx, pin)))


def types(database: Database, vendor: Vendor, pin: str) -> bool:
    """The owner types a PIN."""
    return database.run(lambda tx: check_pin(tx, vendor, pin))
