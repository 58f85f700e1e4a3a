"""Questions in people's own words by SMS: ``HELP`` and what it is about."""

from core.db.tx import Tx
from core.support.usecases import write
from sessions.commands import Command
from sessions.texts import T, t


def answer_ticket(tx: Tx, msisdn: str, command: Command) -> T:
    """Keep a question, and return what is said to whoever asks it; raises Refused."""
    ticket = write(tx, msisdn, command.words)
    return t(
        "We have your question {number} and answer by SMS. To add to it reply HELP and your "
        "words. Tell us no PIN.",
        number=str(ticket.number),
    )
