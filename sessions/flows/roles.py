"""As whom somebody calls who acts for a vendor, and what each of them may do."""

from uuid import UUID

from core.db.tx import Tx
from core.errors import BadInput
from core.people.deeds import Deed, note
from core.people.model import Role
from core.people.queries import user_id
from core.people.staff import works_for
from sessions.flow import Talk


def is_staff(talk: Talk) -> bool:
    """Tell whether the caller works for the vendor, without a share in the money."""
    return talk.person.role == Role.STAFF


def vendor_of(talk: Talk) -> UUID:
    """Return the vendor that the caller acts for; raises BadInput (``not_vendor``)."""
    if talk.person.vendor_id is None:
        raise BadInput("not_vendor")
    return UUID(talk.person.vendor_id)


def owner_of(talk: Talk) -> UUID:
    """Return the vendor that the caller owns; raises BadInput (``owner_only``) for staff."""
    if is_staff(talk):
        raise BadInput("owner_only")
    return vendor_of(talk)


def may_act(talk: Talk, tx: Tx) -> UUID:
    """Return the vendor that the caller may act for at this moment.

    Staff are looked up: the call may have begun before they were taken off.

    Raises:
        BadInput: ``not_vendor``.
    """
    vendor_id = vendor_of(talk)
    if is_staff(talk) and not works_for(tx, talk.person.msisdn, vendor_id):
        raise BadInput("not_vendor")
    return vendor_id


def acts(talk: Talk, tx: Tx, deed: Deed, subject: str = "") -> UUID:
    """As ``may_act``, and note who did it; the note goes when what was done is refused."""
    vendor_id = may_act(talk, tx)
    note(tx, vendor_id, user_id(tx, talk.person.msisdn), deed, subject)
    return vendor_id


def owns(talk: Talk, tx: Tx, deed: Deed, subject: str = "") -> UUID:
    """As ``acts``, for what only the owner may do; raises as ``owner_of`` too."""
    owner_of(talk)
    return acts(talk, tx, deed, subject)
