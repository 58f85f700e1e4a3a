"""Every story goes as it is told."""

from pathlib import Path

import pytest

from tests.support.stage import Stage
from tests.support.transcript import play

FOLDER = Path(__file__).parent


def _waits(path: Path) -> bool:
    """Tell whether a story is for ``make check``: told in English before, or a whole month."""
    english = path.with_stem(f"{path.stem.removesuffix('_sw')}_en")
    return path.parent.name == "month" or (path != english and english.exists())


STORIES = [
    pytest.param(
        path,
        id=str(path.relative_to(FOLDER)),
        marks=[pytest.mark.proof] if _waits(path) else [],
    )
    for path in sorted(FOLDER.rglob("*.txt"))
]


@pytest.mark.parametrize("path", STORIES)
def test_story(path: Path, stage: Stage, redis_url: str, pytestconfig: pytest.Config) -> None:
    update = bool(pytestconfig.getoption("--update-transcripts", default=False))
    play(stage, path, redis_url, update=update)
