"""Links that are sent by SMS: for so long each is good, so many a day somebody may have."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from core.db.tx import Tx
from core.errors import Refused

DAY = timedelta(days=1)


def good_until(
    tx: Tx,
    expires_at: InstrumentedAttribute[datetime],
    seconds: int,
    a_day_max: int,
    *whose: ColumnElement[bool],
) -> datetime:
    """Return until when a link that is made now is good.

    Args:
        tx: the caller's transaction.
        expires_at: the column of the links' table that says it; when each was made follows.
        seconds: for how long every link of that table is good.
        a_day_max: so many may be made in 24 hours.
        whose: of these rows.

    Raises:
        Refused: ``too_many_links`` (data: limit): each costs an SMS.
    """
    until = tx.now + timedelta(seconds=seconds)
    made = select(func.count()).where(*whose, expires_at > until - DAY)
    if int(tx.db.scalar(made) or 0) >= a_day_max:
        raise Refused("too_many_links", limit=a_day_max)
    return until
