"""The conversation that somebody holds by message or link, and what they last reached us by.

What a conversation is, only the sessions understand; here it is JSON that is kept with the effects
of its turns, in one transaction. One conversation a person: a newer one takes its place.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, String, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Json, choice
from core.db.tx import Tx
from core.msisdn import MSISDN_MAX

# A message may be answered in the evening; prices and places are looked at anew by then.
TALK_SECONDS = 6 * 3600
TALK_TOKEN_LENGTH = 22


class Channel(StrEnum):
    """How a person reaches us."""

    USSD = "ussd"
    SMS = "sms"
    WEB = "web"


class OpenTalk(Base):
    """A person's conversation beside their calls."""

    __tablename__ = "talks"
    __table_args__ = (
        Index("ix_talks_offer_at", "offer_at", postgresql_where=text("offer_at IS NOT NULL")),
    )

    msisdn: Mapped[str] = mapped_column(String(MSISDN_MAX), primary_key=True)
    channel: Mapped[Channel] = mapped_column(choice(Channel, "channel"))
    """What they last did something on."""
    provider: Mapped[str]
    """In whose name the receipts of its turns are kept."""
    state: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """Where it stands; None when none is open."""
    offered: Mapped[bool]
    """It is a call that was cut off, and nobody has asked yet to go on with it here."""
    offer_at: Mapped[datetime | None]
    """When they are to be told that they can; None before and after."""
    token: Mapped[str | None] = mapped_column(unique=True)
    """What the link to it ends in, when one was sent."""
    opened_by: Mapped[str | None]
    """The secret of the one browser that has opened the link."""
    last_words: Mapped[str | None]
    """What the browser showed in the end."""
    asked_at: Mapped[datetime]
    """When its screen was sent: of two questions the later one is answered."""
    expires_at: Mapped[datetime]


def claim(tx: Tx, msisdn: str, channel: Channel) -> OpenTalk:
    """Return a person's conversation, made now if there was never one, locked.

    Two messages of one person are answered one after the other.
    """
    blank = {
        "msisdn": msisdn,
        "channel": channel,
        "provider": channel.value,
        "offered": False,
        "asked_at": tx.now,
        "expires_at": tx.now,
    }
    tx.db.execute(insert(OpenTalk).values(blank).on_conflict_do_nothing())
    return tx.db.get_one(OpenTalk, msisdn, with_for_update=True, populate_existing=True)


def keep(tx: Tx, talk: OpenTalk, state: Json | None, channel: Channel) -> None:
    """Note where a conversation stands now; None closes it and its link."""
    talk.state = state
    talk.channel = channel
    talk.offered, talk.offer_at = False, None
    talk.asked_at = tx.now
    if state is None:
        talk.expires_at = tx.now
    else:
        talk.expires_at = tx.now + timedelta(seconds=TALK_SECONDS)
    tx.db.flush()


def is_open(talk: OpenTalk, now: datetime) -> bool:
    """Tell whether a conversation's last screen can be answered."""
    return talk.state is not None and talk.expires_at > now and not talk.offered


_TALKS = Base.metadata.tables[OpenTalk.__tablename__]
# Built once: each turn of a call that changes something asks it.
_CALLED = (
    update(_TALKS)
    .where(_TALKS.c.msisdn == bindparam("caller"))
    .values(channel=Channel.USSD, state=None, offer_at=None, expires_at=bindparam("now"))
)


def called(tx: Tx, msisdn: str) -> None:
    """Note that a person has just done something in a call: what was open beside it is over."""
    tx.db.execute(_CALLED, {"caller": msisdn, "now": tx.now})


def offer(tx: Tx, msisdn: str, provider: str, state: Json, at: datetime) -> bool:
    """Keep a call that was cut off, to be offered at a moment; False where another is open."""
    talk = claim(tx, msisdn, Channel.USSD)
    if is_open(talk, tx.now):
        return False
    talk.provider, talk.state = provider, state
    talk.offered, talk.offer_at = True, at
    talk.token = talk.opened_by = talk.last_words = None
    talk.expires_at = tx.now + timedelta(seconds=TALK_SECONDS)
    tx.db.flush()
    return True


def due_offers(tx: Tx, limit: int) -> list[str]:
    """Return whose offers are due."""
    due = select(OpenTalk.msisdn).where(OpenTalk.offer_at <= tx.now)
    return list(tx.db.scalars(due.order_by(OpenTalk.offer_at).limit(limit)))


def take_offer(tx: Tx, msisdn: str) -> OpenTalk | None:
    """Lock what is offered to a number; None when it is not due any more, or somebody has it."""
    due = select(OpenTalk).where(OpenTalk.msisdn == msisdn, OpenTalk.offer_at <= tx.now)
    return tx.db.scalar(
        due.with_for_update(skip_locked=True), execution_options={"populate_existing": True}
    )


def by_token(tx: Tx, token: str) -> OpenTalk | None:
    """Return the conversation that a link leads to, locked; None when there is none."""
    return tx.db.scalar(
        select(OpenTalk).where(OpenTalk.token == token).with_for_update(),
        execution_options={"populate_existing": True},
    )


def channel_of(tx: Tx, msisdn: str) -> Channel:
    """Return what somebody last did something on; a call when we know of nothing else."""
    found = tx.db.scalar(select(OpenTalk.channel).where(OpenTalk.msisdn == msisdn))
    return found or Channel.USSD
