"""People: found by phone, made when they first do something that must be kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from core.db.base import Base
from core.db.tx import Tx
from core.limits import LIST_MAX, OPT_OUT_WORDS_MAX
from core.people.model import (
    Language,
    OptOut,
    OptOutWord,
    Purpose,
    Role,
    User,
    Vendor,
    VendorStaff,
    VendorStatus,
)


@dataclass(frozen=True, slots=True)
class Person:
    """What a conversation needs to know about who is calling.

    Attributes:
        msisdn: E.164.
        language: English until they choose.
        id: None for somebody who has never done anything.
        vendor_id: set when they act for a vendor who is active or waits to be checked.
        business: the vendor's business name.
        role: as what they act for that vendor.
    """

    msisdn: str
    language: Language = Language.EN
    id: UUID | None = None
    vendor_id: UUID | None = None
    business: str | None = None
    role: Role | None = None


_WELCOME = (VendorStatus.ACTIVE, VendorStatus.PENDING)
_Own = aliased(Vendor)
_Employer = aliased(Vendor)
# Built once: each call begins with it.
_PERSON = (
    select(
        User.language,
        User.id,
        func.coalesce(_Own.id, _Employer.id),
        func.coalesce(_Own.business_name, _Employer.business_name),
        case(
            (_Own.status == VendorStatus.PENDING, Role.APPLICANT.value),
            (_Own.id.is_not(None), Role.OWNER.value),
            (_Employer.id.is_not(None), Role.STAFF.value),
        ),
    )
    .outerjoin(_Own, (_Own.user_id == User.id) & _Own.status.in_(_WELCOME))
    .outerjoin(VendorStaff, VendorStaff.user_id == User.id)
    .outerjoin(
        _Employer,
        (_Employer.id == VendorStaff.vendor_id) & (_Employer.status == VendorStatus.ACTIVE),
    )
    .where(User.msisdn == bindparam("number"))
)

_LANGUAGE = select(User.language).where(User.msisdn == bindparam("number"))

_NEW_USER = insert(Base.metadata.tables[User.__tablename__])
# Written again with the same number: one statement that finds or makes, and locks.
_ENSURED = select(User).from_statement(
    _NEW_USER.values(
        {
            name: bindparam(name)
            for name in ("id", "msisdn", "language", "pin_failures", "created_at")
        }
    )
    .on_conflict_do_update(index_elements=["msisdn"], set_={"msisdn": _NEW_USER.excluded.msisdn})
    .returning(User)
)


def find_person(tx: Tx, msisdn: str) -> Person:
    """Return who has a number; somebody unknown is an English-speaking customer."""
    row = tx.db.execute(_PERSON, {"number": msisdn}).first()
    if row is None:
        return Person(msisdn)
    language, id_, vendor_id, business, role = row
    return Person(msisdn, language, id_, vendor_id, business, Role(role) if role else None)


def ensure_user(tx: Tx, msisdn: str) -> User:
    """Return the user of a number, made now if it is new, locked until the transaction ends."""
    new = {
        "id": tx.ids.uuid(),
        "msisdn": msisdn,
        "language": Language.EN,
        "pin_failures": 0,
        "created_at": tx.now,
    }
    user: User = tx.db.scalars(_ENSURED, new).one()
    return user


def set_language(tx: Tx, msisdn: str, language: Language) -> None:
    """Remember the language that somebody chose."""
    user = ensure_user(tx, msisdn)
    tx.db.execute(update(User).where(User.id == user.id).values(language=language))


def language_of(tx: Tx, msisdn: str) -> Language:
    """Return the language of a number; English until they choose."""
    found = tx.db.scalar(_LANGUAGE, {"number": msisdn})
    return found or Language.EN


@dataclass(frozen=True, slots=True)
class Said:
    """Where somebody said whether they want to be written to.

    Attributes:
        via: ``sms``; ``provider``, who was told; ``refusal``, when a route told of a block.
        reference: the message or callback, as its provider calls it.
        words: what was said, or the provider's code.
    """

    via: str
    reference: str = ""
    words: str = ""


def opt_out(tx: Tx, msisdn: str, purpose: Purpose, said: Said) -> None:
    """Remember that a number may not be written to for a purpose, and where that was said."""
    tx.db.execute(
        insert(OptOut)
        .values(msisdn=msisdn, purpose=purpose, via=said.via, at=tx.now)
        .on_conflict_do_nothing()
    )
    _note_word(tx, msisdn, purpose, said, wanted=False)


def opt_in(tx: Tx, msisdn: str, said: Said, purposes: Iterable[Purpose] = Purpose) -> None:
    """Forget opt-outs of a number: its owner asked for messages again."""
    for purpose in purposes:
        tx.db.execute(delete(OptOut).where(OptOut.msisdn == msisdn, OptOut.purpose == purpose))
        _note_word(tx, msisdn, purpose, said, wanted=True)


def _note_word(tx: Tx, msisdn: str, purpose: Purpose, said: Said, *, wanted: bool) -> None:
    word = OptOutWord(
        id=tx.ids.uuid(),
        msisdn=msisdn,
        purpose=purpose,
        wanted=wanted,
        via=said.via,
        reference=said.reference,
        words=said.words[:OPT_OUT_WORDS_MAX],
        at=tx.now,
    )
    tx.db.add(word)
    tx.db.flush()


def opt_out_words(tx: Tx, msisdn: str) -> list[OptOutWord]:
    """Return what was said about writing to a number, the newest first, ``LIST_MAX`` at most."""
    return list(
        tx.db.scalars(
            select(OptOutWord)
            .where(OptOutWord.msisdn == msisdn)
            .order_by(OptOutWord.at.desc(), OptOutWord.id.desc())
            .limit(LIST_MAX)
        )
    )


def may_write(tx: Tx, msisdn: str, purpose: Purpose) -> bool:
    """Tell whether a number may be written to for a purpose."""
    return tx.db.get(OptOut, (msisdn, purpose)) is None
