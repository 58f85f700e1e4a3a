"""Where the link of a call that was cut off leads: the same screen as a page, without a script.

Looking at the link does nothing: the first button claims it for this browser, by a cookie, and
from then on nobody else can use it. Each page carries the name of its turn; a form that is sent
twice, or from a page that is no longer the last, only shows where the conversation stands.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Cookie, HTTPException, Request, Response

from channels.form import fields
from core import talks
from core.db.tx import Tx
from core.people.usecases import language_of
from core.ports.calls import Reply
from core.ports.providers import BadCallback
from core.talks import Channel, OpenTalk
from sessions.play import BACK, HOME
from sessions.state import State
from sessions.talking import Talking, Turn
from sessions.texts import BACK as BACK_WORD
from sessions.texts import CONTINUE, T, plain, t
from sessions.texts import HOME as HOME_WORD
from sessions.turns import digest_of
from web.hooks import Body
from web.pages.render import page
from web.pages.tokens import PRIVATE, Token
from web.parts import Parts

COOKIE = "nafasi_talk"
TALK = timedelta(seconds=talks.TALK_SECONDS)
CUT_OFF = t("Your call was cut off. Go on from where you were, on this phone only.")
HELP_SENT = t("We have sent you an SMS that says how Nafasi works and whom to call.")


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page shows.

    Attributes:
        lines: above everything.
        choices: their labels, in the order of their numbers.
        typed: whether something may be typed.
        turn: names the turn that an answer to it is.
        over: these were the last words.
        secret: what the browser is given that has just claimed the link.
    """

    language: str
    lines: list[str]
    choices: list[str]
    typed: bool = False
    turn: str = ""
    way_out: bool = False
    over: bool = False
    secret: str | None = None


Secret = Annotated[str, Cookie(alias=COOKIE)]


def talk_routes(parts: Parts, talking: Talking) -> APIRouter:
    """Return the addresses of conversations in the browser."""
    router = APIRouter(include_in_schema=False)
    secure = parts.settings.public_url.startswith("https://")
    pages = _Pages(talking)

    @router.get("/c/{token}")
    def look(request: Request, token: Token, secret: Secret = "") -> Response:
        return _shown(request, parts.database.run(lambda tx: pages.look(tx, token, secret)))

    @router.post("/c/{token}")
    def answer(request: Request, token: Token, body: Body, secret: Secret = "") -> Response:
        try:
            form = fields(body)
        except BadCallback:
            raise HTTPException(400) from None
        screen = parts.database.run(lambda tx: pages.answer(tx, token, secret, form))
        made = _shown(request, screen)
        if screen.secret is not None:
            made.set_cookie(
                COOKIE,
                screen.secret,
                max_age=talks.TALK_SECONDS,
                path=f"/c/{token}",
                secure=secure,
                httponly=True,
                samesite="strict",
            )
        return made

    return router


class _Pages:
    """What a page shows and what an answer leads to; each in one transaction."""

    def __init__(self, talking: Talking) -> None:
        self._talking = talking

    def look(self, tx: Tx, token: str, secret: str) -> Screen:
        """Return what there is to see; nothing changes."""
        talk = _found(tx, token)
        if talk.opened_by is None:
            return Screen(language_of(tx, talk.msisdn), [plain_of(tx, talk, CUT_OFF)], [])
        _check(talk, secret)
        return self._as_it_stands(tx, talk)

    def answer(self, tx: Tx, token: str, secret: str, form: Mapping[str, str]) -> Screen:
        """Claim the link, or play what was chosen or typed on its newest page."""
        talk = _found(tx, token)
        if talk.opened_by is None:
            return self._claim(tx, talk)
        _check(talk, secret)
        if talk.state is None:
            return self._as_it_stands(tx, talk)
        turn = _turn_of(self._talking.shown(talk))
        if form.get("turn") != turn or "answer" not in form:
            return self._as_it_stands(tx, talk)
        played = Turn(tx, f"{token}:{turn}", Channel.WEB)
        reply = self._talking.answer(played, talk, form["answer"])
        if reply is None:
            screen = self._as_it_stands(tx, talk)
            return replace(screen, lines=[plain_of(tx, talk, HELP_SENT), *screen.lines])
        return self._screen(tx, talk, reply)

    def _claim(self, tx: Tx, talk: OpenTalk) -> Screen:
        lead = self._talking.resume if talk.offered else self._talking.present
        reply = lead(Turn(tx, f"{talk.token}:open", Channel.WEB), talk)
        secret = tx.ids.token()
        talk.opened_by = digest_of(secret)
        return replace(self._screen(tx, talk, reply), secret=secret)

    def _as_it_stands(self, tx: Tx, talk: OpenTalk) -> Screen:
        if talk.state is None:
            return _over(tx, talk)
        return self._screen(tx, talk, self._talking.again(Turn(tx, "", Channel.WEB), talk))

    def _screen(self, tx: Tx, talk: OpenTalk, reply: Reply) -> Screen:
        """Take a reply apart: its choices become buttons."""
        if talk.state is None:
            talk.last_words = reply.text
            return _over(tx, talk)
        state = self._talking.shown(talk)
        lines, count = reply.text.split("\n"), len(state.view.choices)
        first = len(lines) - count
        return Screen(
            language_of(tx, talk.msisdn),
            lines[:first],
            [line.partition(". ")[2] for line in lines[first:]],
            typed=state.view.question is not None,
            turn=_turn_of(state),
            way_out=state.screen != self._talking.home,
        )


def _found(tx: Tx, token: str) -> OpenTalk:
    """Return what a link leads to, for as long as that can be gone on with or read."""
    talk = talks.by_token(tx, token)
    if talk is None or talk.asked_at + TALK <= tx.now or not (talk.state or talk.last_words):
        raise HTTPException(404)
    return talk


def _check(talk: OpenTalk, secret: str) -> None:
    """Let only the browser in that has claimed the link."""
    if not hmac.compare_digest(digest_of(secret), talk.opened_by or ""):
        raise HTTPException(404)


def _over(tx: Tx, talk: OpenTalk) -> Screen:
    return Screen(language_of(tx, talk.msisdn), (talk.last_words or "").split("\n"), [], over=True)


def plain_of(tx: Tx, talk: OpenTalk, text: T) -> str:
    """Return a sentence in the language of whoever was sent the link."""
    return plain(text, language_of(tx, talk.msisdn))


def _turn_of(state: State) -> str:
    return digest_of(f"{state.screen} {state.transcript}")


def _shown(request: Request, screen: Screen) -> Response:
    words = {
        "go_on": plain(CONTINUE, screen.language),
        "send": plain(t("Send"), screen.language),
        "back": plain(BACK_WORD, screen.language),
        "home": plain(HOME_WORD, screen.language),
    }
    values = {"screen": screen, "words": words, "back": BACK, "home": HOME}
    answer = page(request, "talk.html", values, language=screen.language)
    answer.headers.update(PRIVATE)
    return answer
