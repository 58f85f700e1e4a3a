"""Posting to the ledger and reading it. The only module that calls its database functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, literal, select, text, union_all
from sqlalchemy.exc import DBAPIError

from core.db.tx import Tx
from core.errors import KeyReused, Unposted
from core.escrow.accounts import LIMITED, NORMAL_SIDE, AccountKind, Side, kind_of, sign_of
from core.escrow.model import Account, Posting, Rolled, TransferRow
from core.escrow.transfer import Transfer
from core.money import KES, Money

STATEMENT_MAX = 200
ROLL_UP_MAX = 50_000
# A leg on a shared account that no roll-up has taken yet.
WAITS = Posting.entry_no.is_(None) & (Posting.id > select(Rolled.rolled_id).scalar_subquery())
BATCH_MAX = 1_000
TRIAL_LINES_MAX = 500
OWED = (AccountKind.ESCROW, AccountKind.PAYABLE, AccountKind.SUSPENSE, AccountKind.TAX)

SQLSTATE_KEY_REUSED = "NL409"
# What each other refusal is called in the data of ``Unposted``: the ledger's functions raise the
# NL codes, 23514 is a CHECK and 22003 a sum beyond eight bytes.
REASONS = {
    "NL403": "closed",
    "NL404": "other_currency",
    "NL422": "unbalanced",
    "22003": "out_of_range",
}
SQLSTATE_CHECK = "23514"
OVERDRAWN = "ck_ledger_accounts_not_overdrawn"

POST = text(
    "SELECT ledger_post(:id, :key, :digest, :kind, :booking_id, :posted_at,"
    " CAST(:paths AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS bigint[]))"
)
POST_ALL = text(
    "SELECT * FROM ledger_post_all(CAST(:ids AS uuid[]), CAST(:keys AS text[]),"
    " CAST(:digests AS bytea[]), CAST(:kinds AS text[]), CAST(:booking_ids AS uuid[]), :posted_at,"
    " CAST(:places AS integer[]), CAST(:paths AS text[]), CAST(:currencies AS text[]),"
    " CAST(:amounts AS bigint[]))"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account's statement.

    Attributes:
        amount: positive where the account grew.
        balance_after: None on a shared account, whose postings have no order among themselves.
    """

    transfer_id: UUID
    key: str
    kind: str
    booking_id: UUID | None
    posted_at: datetime
    amount: Money
    balance_after: Money | None


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One line of the trial balance.

    Attributes:
        account: a shared account's path, or ``escrow:*`` and ``payable:*`` for all of a kind.
        balance: positive on the side on which the kind grows.
    """

    account: str
    kind: AccountKind
    balance: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """What a trial balance comes to, in cents.

    Attributes:
        debit_cents, credit_cents: both sides, which are the same.
        escrow_owed_cents: what waits for the end of bookings.
        owed_cents: all that is somebody else's: escrow, vendors', taxes, and nobody's yet.
        earned_cents: fees and commissions, less what was spent.
        suspense_cents: of what is owed, what is nobody's yet.
        float_cents: what providers hold: what is owed and what was earned.
    """

    debit_cents: int
    credit_cents: int
    escrow_owed_cents: int
    owed_cents: int
    earned_cents: int
    suspense_cents: int
    float_cents: int


def post(tx: Tx, transfer: Transfer) -> UUID:
    """Move money once and return the transfer's id.

    The same key with the same content moves nothing again and returns the id of the first time,
    also while the first time is still open in another transaction: then this one waits for it.
    After a refusal the transaction can only be rolled back.

    Raises:
        KeyReused: the key has moved something else.
        Unposted: the database refused; ``reason`` says why (``overdrawn``, ``other_currency``).
    """
    content = {
        "id": tx.ids.uuid(),
        "key": transfer.key,
        "digest": transfer.digest,
        "kind": transfer.kind.value,
        "booking_id": transfer.booking_id,
        "posted_at": tx.now,
        "paths": [leg.account for leg in transfer.legs],
        "currencies": [leg.amount.currency for leg in transfer.legs],
        "amounts": [leg.amount.cents for leg in transfer.legs],
    }
    try:
        transfer_id: UUID = tx.db.execute(POST, content).scalar_one()
    except DBAPIError as error:
        raise _refusal(error, transfer.key) from error
    return transfer_id


def post_all(tx: Tx, transfers: Sequence[Transfer]) -> list[UUID]:
    """Move money of many transfers at once, all or none, and return their ids in order.

    One round trip and as many statements for a thousand as for one; otherwise as ``post``. A key
    that comes twice must move the same both times, and moves it once.

    Args:
        tx: the transaction.
        transfers: ``BATCH_MAX`` at the most; they are posted in this order.

    Raises:
        KeyReused: a key has moved something else.
        Unposted: the database refused one of them; ``reason`` says why.
    """
    if len(transfers) > BATCH_MAX:
        raise Unposted(reason="too_many")
    once: dict[str, Transfer] = {}
    for transfer in transfers:
        if once.setdefault(transfer.key, transfer).digest != transfer.digest:
            raise KeyReused(key=transfer.key)
    if not once:
        return []
    placed = [(place, leg) for place, each in enumerate(once.values(), 1) for leg in each.legs]
    content = {
        "ids": [tx.ids.uuid() for _ in once],
        "keys": list(once),
        "digests": [each.digest for each in once.values()],
        "kinds": [each.kind.value for each in once.values()],
        "booking_ids": [each.booking_id for each in once.values()],
        "posted_at": tx.now,
        "places": [place for place, _ in placed],
        "paths": [leg.account for _, leg in placed],
        "currencies": [leg.amount.currency for _, leg in placed],
        "amounts": [leg.amount.cents for _, leg in placed],
    }
    try:
        found = dict(zip(once, tx.db.execute(POST_ALL, content).scalars(), strict=True))
    except DBAPIError as error:
        raise _refusal(error, "") from error
    return [found[transfer.key] for transfer in transfers]


def roll_up(tx: Tx, limit: int = ROLL_UP_MAX) -> int:
    """Add postings of shared accounts to their balances, as far as they are settled.

    What was posted while others were posting waits until these have ended, hence for the next
    time. One does it at a time; another meanwhile does nothing.

    Args:
        tx: the transaction.
        limit: how many numbers of postings to go on by, ``ROLL_UP_MAX`` at the most.

    Returns:
        by how many numbers it went on, those of other accounts' postings and of none included.
    """
    passed: int = tx.db.execute(select(func.ledger_roll_up(min(limit, ROLL_UP_MAX)))).scalar_one()
    return passed


def balance(tx: Tx, path: str) -> Money:
    """Return a balance to the last committed posting, positive on the account's normal side.

    An account that nothing was ever posted to holds zero shillings.

    Raises:
        ValueError: the path is of no kind that we know.
    """
    sign = sign_of(kind_of(path))
    waiting = (
        select(func.coalesce(func.sum(Posting.amount_cents), 0))
        .where(Posting.account == Account.path, WAITS)
        .scalar_subquery()
    )
    row = tx.db.execute(
        select(Account.balance_cents + waiting, Account.currency).where(Account.path == path)
    ).one_or_none()
    if row is None:
        return Money(0)
    cents, currency = row
    return Money(sign * int(cents), currency)


def statement(tx: Tx, path: str, limit: int = STATEMENT_MAX) -> list[Entry]:
    """Return an account's last postings, newest first.

    Args:
        tx: the transaction.
        path: the account.
        limit: how many, ``STATEMENT_MAX`` at the most.

    Raises:
        ValueError: the path is of no kind that we know.
    """
    kind = kind_of(path)
    sign = sign_of(kind)
    # Each half of the postings has its own partial index, in the order asked for.
    numbered = kind in LIMITED
    rows = tx.db.execute(
        select(Posting, TransferRow, Account.currency)
        .join(TransferRow, TransferRow.id == Posting.transfer_id)
        .join(Account, Account.path == Posting.account)
        .where(
            Posting.account == path,
            Posting.entry_no.is_not(None) if numbered else Posting.entry_no.is_(None),
        )
        .order_by(Posting.entry_no.desc() if numbered else Posting.id.desc())
        .limit(min(limit, STATEMENT_MAX))
    )
    return [
        Entry(
            transfer_id=transfer.id,
            key=transfer.idempotency_key,
            kind=transfer.kind,
            booking_id=transfer.booking_id,
            posted_at=transfer.posted_at,
            amount=Money(sign * posting.amount_cents, currency),
            balance_after=None
            if posting.balance_after_cents is None
            else Money(sign * posting.balance_after_cents, currency),
        )
        for posting, transfer, currency in rows
    ]


def trial_balance(tx: Tx, currency: str = KES) -> list[TrialLine]:
    """Return all balances of a currency; the debit kinds sum to what the credit kinds sum to.

    Shared accounts stand alone, those of single bookings and vendors as one line a kind, so that
    the list does not grow with the business.
    """
    movements = union_all(
        select(Account.path.label("path"), Account.balance_cents.label("cents")),
        select(Account.path, Posting.amount_cents)
        .join(Posting, (Posting.account == Account.path) & WAITS)
        .where(Account.deferred),
    ).subquery()
    line = case(
        (Account.deferred, Account.path), else_=func.concat(Account.kind, literal(":*"))
    ).label("line")
    rows = tx.db.execute(
        select(line, Account.kind, func.sum(movements.c.cents))
        .join(Account, Account.path == movements.c.path)
        .where(Account.currency == currency)
        .group_by(line, Account.kind)
        .order_by(line)
        .limit(TRIAL_LINES_MAX)
    )
    return [
        TrialLine(path, kind, Money(sign_of(kind) * int(cents), currency))
        for path, kind, cents in rows
    ]


def totals(lines: Sequence[TrialLine]) -> Totals:
    """Sum a trial balance up: what is held is owed to others or earned."""

    def total(*kinds: AccountKind) -> int:
        return sum(line.balance.cents for line in lines if line.kind in kinds)

    on = {side: [kind for kind in AccountKind if NORMAL_SIDE[kind] is side] for side in Side}
    return Totals(
        debit_cents=total(*on[Side.DEBIT]),
        credit_cents=total(*on[Side.CREDIT]),
        escrow_owed_cents=total(AccountKind.ESCROW),
        owed_cents=total(*OWED),
        earned_cents=total(AccountKind.REVENUE) - total(AccountKind.EXPENSE),
        suspense_cents=total(AccountKind.SUSPENSE),
        float_cents=total(AccountKind.FLOAT),
    )


def _refusal(error: DBAPIError, key: str) -> Exception:
    """Return what the core calls a refusal of the database, or the error as it is."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate == SQLSTATE_KEY_REUSED:
        return KeyReused(key=key)
    if sqlstate == SQLSTATE_CHECK:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        reason = "overdrawn" if constraint == OVERDRAWN else "invalid"
        return Unposted(reason=reason, key=key)
    if sqlstate in REASONS:
        return Unposted(reason=REASONS[sqlstate], key=key)
    return error
