"""Pages from templates: one environment, escaping always on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sessions.texts import LANGUAGE, LANGUAGES, plain
from web.pages.copy import PAGE

TEMPLATES = Path(__file__).parent / "templates"

_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> str:
    """Return the language of a page: ``?lang=``, else the browser's, else English."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return asked
    wanted = request.headers.get("accept-language", "")[:100].lower()
    first = wanted.split(",")[0].split(";")[0].split("-")[0].strip()
    return first if first in LANGUAGES else LANGUAGE


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    status: int = 200,
    language: str | None = None,
) -> Response:
    """Return a page in a language, the visitor's when none is given."""
    language = language or language_of(request)
    say = {name: plain(text, language) for name, text in PAGE.items()}
    html = _environment.get_template(template).render(
        say=say, lang=language, languages=LANGUAGES, path=request.url.path, **(values or {})
    )
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return HTMLResponse(html, status_code=status, headers=headers)
