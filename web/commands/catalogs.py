"""``nafasi catalogs``: brings the translations in step with the sentences in the code.

A developer's command, run by ``make catalogs`` and ``make check`` from a working copy.
"""

import tomllib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from web.commands.setup import fail, say

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

WIDTH = 96
# t(sentence) and n(one, many, count), as sessions.texts defines them.
KEYWORDS: dict[str, tuple[int, ...] | None] = {"t": None, "n": (1, 2)}


def catalogs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when something is missing.")
    ] = False,
) -> None:
    """Collect sentences into the catalogs and compile them. Says what is not translated."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    from sessions.texts import DRAFTS, LANGUAGE, LANGUAGES, LOCALE

    template = _template(LOCALE.parents[1])
    wrong: list[str] = []
    for language in (*LANGUAGES, *DRAFTS):
        path = LOCALE / language / "LC_MESSAGES" / "messages.po"
        before = path.read_bytes()
        catalog = read_po(BytesIO(before), language)
        written = _updated(catalog, template)
        if language != LANGUAGE and language not in DRAFTS:
            wrong += [f"{language}: not translated: {text}" for text in _untranslated(catalog)]
        if not check:
            path.write_bytes(written)
            with path.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, catalog)
        elif written != before:
            wrong.append(f"{language}: the catalog is not up to date; run `make catalogs`")
    for line in wrong:
        say.print(line, markup=False)
    if wrong and check:
        raise typer.Exit(1)


def _template(root: Path) -> "Catalog":
    """Return a catalog of every sentence in the code, as pyproject.toml maps it."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    project = root / "pyproject.toml"
    if not project.exists():
        fail("Catalogs are made from a working copy of the project.")
    mappings = tomllib.loads(project.read_text())["tool"]["babel"]["mappings"]
    template = Catalog()
    for folder in sorted({mapping["pattern"].partition("/")[0] for mapping in mappings}):
        methods = [
            (mapping["pattern"].partition("/")[2], mapping["method"])
            for mapping in mappings
            if mapping["pattern"].startswith(f"{folder}/")
        ]
        found = extract_from_dir(root / folder, methods, keywords=KEYWORDS)
        for _file, _line, sentence, _comments, _context in found:
            template.add(sentence)
    return template


def _updated(catalog: "Catalog", template: "Catalog") -> bytes:
    """Bring a catalog in step and return its file."""
    from babel.messages.pofile import write_po

    # Else every run would write another date.
    template.creation_date = catalog.creation_date
    catalog.update(template, no_fuzzy_matching=True)
    file = BytesIO()
    write_po(file, catalog, width=WIDTH, no_location=True, sort_output=True, ignore_obsolete=True)
    return file.getvalue()


def _untranslated(catalog: "Catalog") -> list[Any]:
    def missing(words: Any) -> bool:
        return not all(words) if isinstance(words, tuple) else not words

    return [message.id for message in catalog if message.id and missing(message.string)]
