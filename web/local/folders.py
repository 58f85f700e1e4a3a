"""The folder in which local servers keep their data, the user they run as, and the folder's lock.

PostgreSQL refuses to run as root. When we are root, servers run as the user ``nobody``; the data
folder must then be one that ``nobody`` can pass through. We never change the mode or the owner of
a folder that we did not make: a folder out of reach is replaced by one under ``/var/tmp``.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

SERVER_USER = "nobody"
# Names in it are checked for owner and kind before use, see make_folder.
SHARED_ROOT = Path("/var/tmp")  # noqa: S108
LOCK_NAME = "lock"
LOCK_WAIT_SECONDS = 15.0
LOCK_POLL_SECONDS = 0.1
STALE_FOLDERS_MAX = 50

# Passable but not listable; what matters inside is private to the servers' user.
_OUTER_MODE = 0o711


class LocalError(Exception):
    """The local servers cannot be had; the text is for the person at the terminal."""


class FolderInUse(LocalError):
    """Another run holds this data folder."""


@dataclass(frozen=True)
class RunAs:
    """The user to whom root hands the servers."""

    name: str
    uid: int
    gid: int


def server_user() -> RunAs | None:
    """Return the user that servers must run as, or None where that is oneself.

    Raises LocalError when we are root and the machine has no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise LocalError(
            f"PostgreSQL does not run as root and there is no user {SERVER_USER!r} to run it as. "
            "Start as an ordinary user."
        ) from None
    return RunAs(entry.pw_name, entry.pw_uid, entry.pw_gid)


def is_reachable(path: Path, user: RunAs | None) -> bool:
    """Tell whether the user may pass through, or run, this path and each folder above it."""
    if user is None:
        return True
    path = path.resolve()
    return all(_may_execute(part, user) for part in (path, *path.parents))


def _may_execute(path: Path, user: RunAs) -> bool:
    facts = path.stat()
    if facts.st_uid == user.uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == user.gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """Return where `nafasi up` keeps its data unless told otherwise (XDG base directories)."""
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "nafasi"


def settle_folder(requested: Path, user: RunAs | None) -> Path:
    """Return the data folder that serves for the requested one: itself, or one within reach.

    The answer is always the same for the same request, so that data is found again. Nothing is
    created here.
    """
    # Resolved, because servers report their folder so and are known by it.
    requested = requested.resolve()
    existing = next(part for part in (requested, *requested.parents) if part.exists())
    if is_reachable(existing, user):
        return requested
    digest = hashlib.sha256(os.fsencode(requested)).hexdigest()[:12]
    return SHARED_ROOT.resolve() / f"nafasi-{os.geteuid()}-{digest}"


def make_folder(folder: Path) -> None:
    """Create the data folder and what is missing above it; leave what exists as it is.

    Raises LocalError when the folder belongs to another user: in a shared place somebody could
    have put it there for us.
    """
    for part in reversed((folder, *folder.parents)):
        if not part.exists():
            part.mkdir()
            part.chmod(_OUTER_MODE)
    facts = folder.lstat()
    shared = folder.parent == SHARED_ROOT.resolve()
    if not folder.is_dir() or (shared and (folder.is_symlink() or facts.st_uid != os.geteuid())):
        raise LocalError(f"{folder} is not a folder of ours. Choose another with --data.")


def hold_lock(path: Path, wait_seconds: float = LOCK_WAIT_SECONDS) -> int:
    """Lock the file, creating it, and return its descriptor; the lock ends when that is closed.

    Processes that inherit the descriptor share the lock, so it also stands for servers that are
    still stopping after their owner was killed; those are waited for. Raises FolderInUse.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    give_up_at = time.monotonic() + wait_seconds
    while not _try_lock(descriptor):
        if time.monotonic() > give_up_at:
            os.close(descriptor)
            raise FolderInUse(
                f"{path.parent} is used by another run. Stop that one, or choose another folder "
                "with --data."
            )
        time.sleep(LOCK_POLL_SECONDS)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_temporary_folder(user: RunAs | None) -> tuple[Path, int]:
    """Make a folder for one run and lock it; return both. Left-overs of killed runs go away."""
    base = Path(tempfile.gettempdir()).resolve()
    if not is_reachable(base, user):
        base = SHARED_ROOT.resolve()
    prefix = f"nafasi-run-{os.geteuid()}-"
    _remove_stale_folders(base, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    folder.chmod(_OUTER_MODE)
    # Locked before it has its name, so that nobody ever sees this folder with a free lock.
    unnamed = folder / f"{LOCK_NAME}.new"
    descriptor = hold_lock(unnamed)
    unnamed.rename(folder / LOCK_NAME)
    return folder, descriptor


def _remove_stale_folders(base: Path, prefix: str) -> None:
    for folder in islice(base.glob(f"{prefix}*"), STALE_FOLDERS_MAX):
        try:
            if folder.lstat().st_uid != os.geteuid() or folder.is_symlink():
                continue
            descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # Just being made, or just being removed.
        try:
            if _try_lock(descriptor):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
