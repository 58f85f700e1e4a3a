"""The page behind an SMS link where a vendor sends photos of papers: a form, no script."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from core.errors import BadInput
from core.limits import PAPER_MAX_BYTES
from core.people.links import PaperKind, find_link, take_paper
from sessions.texts import T, plain, t
from web.pages.files import Sent, one_file
from web.pages.render import language_of, page
from web.pages.tokens import PRIVATE, Token, or_404
from web.parts import Parts

KINDS = {
    PaperKind.ID_CARD: t("ID card, both sides"),
    PaperKind.KRA_CERTIFICATE: t("KRA PIN certificate"),
    PaperKind.PERMIT: t("Business permit"),
}
REFUSED = {
    "paper_too_big": t("That file is larger than 4 MB. Take a smaller photo."),
    "paper_type": t("Send a photo (JPEG or PNG) or a PDF."),
}
NOTHING = t("Choose a photo first.")

Paper = Annotated[Sent, Depends(one_file("paper", PAPER_MAX_BYTES))]


def vendor_paper_routes(parts: Parts) -> APIRouter:
    """Return the addresses of the page and of its form."""
    router = APIRouter(include_in_schema=False)
    database = parts.database

    @router.get("/v/{token}")
    def ask(request: Request, token: Token) -> Response:
        with database.reading() as tx, or_404():
            find_link(tx, token)
        return _page(request, None)

    @router.post("/v/{token}")
    def take(request: Request, token: Token, sent: Paper) -> Response:
        if sent.too_big:
            return _page(request, REFUSED["paper_too_big"], status=413)
        kind = next((one for one in PaperKind if one == sent.fields.get("kind")), None)
        if kind is None or not sent.body:
            return _page(request, NOTHING, status=400)
        try:
            with or_404():
                left = database.run(partial(take_paper, token=token, kind=kind, body=sent.body))
        except BadInput as error:
            return _page(request, REFUSED[error.code], status=400)
        return _page(request, t("Thank you, we have it."), more=left > 0)

    return router


def _page(request: Request, said: T | None, *, more: bool = True, status: int = 200) -> Response:
    say = partial(plain, language=language_of(request))
    values = {
        "title": say(t("Your papers")),
        "said": say(said) if said is not None else "",
        "more": more,
        "private": say(t("Only the people who check you see them.")),
        "which": say(t("Which paper?")),
        "photo": say(t("Photo or PDF, up to 4 MB")),
        "send": say(t("Send it")),
        "kinds": [(kind.value, say(label)) for kind, label in KINDS.items()],
    }
    answer = page(request, "vendor_papers.html", values, status)
    answer.headers.update(PRIVATE)
    return answer
