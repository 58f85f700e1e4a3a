"""Folders to start local servers in."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.local.launching import on_wheels
from web.local.folders import make_folder, server_user, settle_folder


@pytest.fixture
def new_folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder to ask for; as root another one is used, because pytest's are private."""
    requested = tmp_path / "data"
    yield requested
    shutil.rmtree(settle_folder(requested, server_user()), ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What initdb makes: most of the work of a first start, which not every story is about."""
    with on_wheels(tmp_path_factory.mktemp("cluster") / "data") as servers:
        made = servers.folder
    (cluster,) = (path for path in made.glob("postgresql-*") if path.is_dir())
    yield cluster
    shutil.rmtree(made)


@pytest.fixture
def folder(new_folder: Path, cluster: Path) -> Path:
    """A data folder that holds a cluster already."""
    make_folder(settled := settle_folder(new_folder, server_user()))
    subprocess.run(["cp", "--archive", "--sparse=always", cluster, settled], check=True)
    return new_folder


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that every user can pass through."""
    path = Path(tempfile.mkdtemp(prefix="nafasi-test-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
