"""Numbers without gaps: drawn under a row's lock, in the transaction that uses them.

A database sequence is no such thing: it forgets the numbers of a transaction that rolls back. The
lock is held from drawing to commit, so numbers are drawn last (docs/decisions/0015).
"""

from sqlalchemy.dialects.postgresql import insert

from core.db.tx import Tx
from core.documents.model import DocumentSeries, Series


def draw(tx: Tx, series: Series, year: int, count: int) -> range:
    """Return the next numbers of a series; nobody else draws of it until this transaction ends.

    Args:
        tx: the transaction that writes what is numbered.
        series: which row of numbers.
        year: in Kenya, 0 for a series that goes on over the years.
        count: how many, one at least.
    """
    assert count > 0, "somebody needs a number"
    drawn = insert(DocumentSeries).values(name=series, year=year, last_number=count)
    last = tx.db.scalars(
        drawn.on_conflict_do_update(
            index_elements=["name", "year"],
            set_={"last_number": DocumentSeries.last_number + count},
        ).returning(DocumentSeries.last_number)
    ).one()
    return range(last - count + 1, last + 1)
