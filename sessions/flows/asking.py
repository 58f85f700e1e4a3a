"""Questions to vendors: asked at a listing, read and answered by both sides."""

from core.db.tx import Tx
from core.errors import BadInput
from core.relay.queries import RelayView, open_relays
from core.relay.usecases import ask_vendor, reply
from sessions.flow import Ask, End, Menu, Option, Part, Talk
from sessions.texts import cut, t

asking = Part()

SHOWN_MAX = 10


def relay_options(tx: Tx, msisdn: str) -> list[Option]:
    """Return what the list of bookings offers to somebody who has asked, or was asked."""
    if not open_relays(tx, msisdn, 1):
        return []
    return [Option(t("Questions and answers"), to="relays")]


@asking.screen("ask")
def ask(_talk: Talk) -> Ask:
    """What a customer wants to know."""
    return Ask(
        [
            t("What do you want to ask? The answer comes by SMS."),
            t("Numbers stay hidden until you have paid."),
        ],
        key="said",
        do="ask",
        free_text=True,
    )


@asking.effect("ask", refused={"no_listing": "place"})
def send(talk: Talk, tx: Tx) -> End:
    """Pass the question on."""
    relay = ask_vendor(tx, talk.person.msisdn, talk.draft["number"], talk.draft.pop("said"))
    return End(t("Sent. The answer comes by SMS and begins with {relay}.", relay=relay.code))


@asking.screen("relays", core=True)
def relays(talk: Talk) -> Menu:
    """Open questions, those first whose other side has spoken last."""
    with talk.reading() as tx:
        found = open_relays(tx, talk.person.msisdn, SHOWN_MAX)
    return Menu(
        t("Questions and answers:"),
        [
            Option(
                t("{relay} {name}", relay=view.relay.code, name=cut(view.title)),
                to="relay",
                set={"relay": str(view.relay.id)},
            )
            for view in found
        ],
        empty=t("Nobody has asked anything."),
    )


@asking.screen("relay", core=True)
def relay(talk: Talk) -> Ask:
    """What was said last, and the answer to it."""
    with talk.reading() as tx:
        view = _view(tx, talk)
    words = cut(view.words)
    return Ask(
        [
            t("{relay} {name}", relay=view.relay.code, name=cut(view.title)),
            t("They say: {words}", words=words)
            if view.is_asked
            else t("You said: {words}", words=words),
            t("Type your words."),
        ],
        key="said",
        do="relay_say",
        free_text=True,
    )


@asking.effect("relay_say", refused={"no_relay": "relays"})
def say(talk: Talk, tx: Tx) -> End:
    """Pass the words on."""
    view = _view(tx, talk)
    reply(tx, view.relay.id, talk.person.msisdn, talk.draft.pop("said"))
    return End(t("{relay}: it is sent.", relay=view.relay.code))


def _view(tx: Tx, talk: Talk) -> RelayView:
    for view in open_relays(tx, talk.person.msisdn):
        if str(view.relay.id) == talk.draft["relay"]:
            return view
    raise BadInput("no_relay")
