"""The application's side of a conversation: who somebody is, and what is owed to them."""

from core import outbox, talks
from core.db.tx import Tx
from core.people.usecases import find_person
from core.talks import Channel
from sessions.flow import Person
from sessions.notices.render import HELP_TOPIC, LATE_TOPIC


class CoreHooks:
    """What the engine asks of the core."""

    def who(self, tx: Tx, msisdn: str) -> Person:
        """Return who has a number."""
        found = find_person(tx, msisdn)
        return Person(
            msisdn,
            language=found.language.value,
            id=str(found.id) if found.id else None,
            name=found.business or "",
            vendor_id=str(found.vendor_id) if found.vendor_id else None,
            role=found.role.value if found.role else "",
        )

    def help_sms(self, tx: Tx, person: Person) -> None:
        """Owe somebody who is stuck the help message."""
        outbox.add(tx, HELP_TOPIC, person.msisdn, {})

    def used(self, tx: Tx, person: Person, channel: Channel) -> None:
        """Close what is open beside a call in which somebody has just done something."""
        if channel is Channel.USSD:
            talks.called(tx, person.msisdn)

    def late_sms(self, tx: Tx, person: Person, text: str) -> None:
        """Owe somebody the answer that came too late for the screen."""
        outbox.add(tx, LATE_TOPIC, person.msisdn, {"text": text})
