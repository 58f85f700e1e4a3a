"""Every story goes as it is told."""

from pathlib import Path

import pytest

from tests.support.transcript import play
from tests.support.world import Stage

FOLDER = Path(__file__).parent
STORIES = sorted(FOLDER.rglob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_story(path: Path, stage: Stage, redis_url: str, pytestconfig: pytest.Config) -> None:
    update = bool(pytestconfig.getoption("--update-transcripts", default=False))
    play(stage, path, redis_url, update=update)
