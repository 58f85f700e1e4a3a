"""Callbacks on disk: what comes while the database is away is appended here before it is answered.

There is one file for all web processes that share a folder. It keeps the order in which callbacks
came, and it belongs to nobody who could die: whoever runs empties it. While the file is there all
callbacks go through it, so that no later message of a person overtakes an earlier one.

A line is a checksum (CRC-32, eight hexadecimal digits), a blank and the callback as JSON. It is on
the disk before the caller hears that it was taken. A line that cannot be read is kept aside.
"""

import fcntl
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from core.errors import NafasiError
from core.limits import JOURNAL_BATCH_MAX, JOURNAL_MAX_BYTES
from core.ports.providers import Callback
from core.settings import Settings
from web.local.folders import default_data_folder, server_user, settle_folder

log = structlog.get_logger()

NAME = "inbound.journal"
CORRUPT_NAME = "inbound.corrupt"
LOCK_NAME = "drain.lock"
READ_BYTES = 1024 * 1024
_OPEN = os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
# Phone numbers and words of people stand in it.
_MODE = 0o600


class JournalUnusable(NafasiError):
    """Nothing can be written to the folder; ``data["folder"]`` names it."""

    code = "journal_unusable"


class JournalFull(NafasiError):
    """The file is as big as it may become."""

    code = "journal_full"


class Unreadable(Exception):
    """A line is not one that was written here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One callback in the journal.

    Attributes:
        callback: as the inbox takes it.
        at: when it came.
    """

    callback: Callback
    at: datetime

    def line(self) -> bytes:
        """Return it as it stands in the file."""
        callback = self.callback
        said = {
            "at": self.at.isoformat(),
            "provider": callback.provider,
            "kind": callback.kind,
            "reference": callback.reference,
            "once": callback.once,
            "person": callback.person,
            "part_of": callback.part_of,
            "payload": dict(callback.payload),
        }
        body = json.dumps(said, default=str, separators=(",", ":")).encode()
        return b"%08x %s\n" % (zlib.crc32(body), body)

    @classmethod
    def parse(cls, line: bytes) -> "Entry":
        """Return what a line holds; raises Unreadable."""
        digits, _, body = line.rstrip(b"\n").partition(b" ")
        try:
            if int(digits, 16) != zlib.crc32(body):
                raise Unreadable
            said = json.loads(body)
            at = datetime.fromisoformat(said.pop("at"))
            return cls(Callback(**said), at)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Unreadable from None


Keep = Callable[[Sequence[Entry]], Sequence[Entry]]
"""Stores entries; returns those that can never be stored. Raises when it is to be tried later."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the folder holds, in bytes: what waits, and what could not be read."""

    waiting_bytes: int
    corrupt_bytes: int


class Journal:
    """The journal of a folder; safe for threads and processes.

    Args:
        folder: made when it is not there.
        max_bytes: how long the file may become.

    Raises:
        JournalUnusable: nothing can be written there.
    """

    def __init__(self, folder: Path, max_bytes: int = JOURNAL_MAX_BYTES) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._max_bytes = max_bytes
        # The file that is being drained, and how far. It stays open in between, so that no other
        # file is taken for it: the name and even the inode may be somebody else's by then.
        self._file: int | None = None
        self._offset = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"nafasi")
                os.fsync(probe.fileno())
        except OSError as error:
            raise JournalUnusable(folder=str(folder), why=type(error).__name__) from error

    def waits(self) -> bool:
        """Tell whether something waits to be stored."""
        return self._path.exists()

    def standing(self) -> Standing:
        """Return how much is there."""
        return Standing(_size(self._path), _size(self._folder / CORRUPT_NAME))

    def append(self, entry: Entry) -> None:
        """Write an entry; it survives a crash of the machine when this returns.

        Raises:
            JournalFull: there is no room for it.
            JournalUnusable: the disk does not take it.
        """
        try:
            with self._appending() as file:
                self._write(file, entry.line())
        except OSError as error:
            raise JournalUnusable(folder=str(self._folder), why=type(error).__name__) from error

    def drain(self, keep: Keep) -> int:
        """Store what waits, in the order in which it came; return how many entries were read.

        One process of the folder does this at a time, the others return at once. What ``keep``
        raises ends it; what was stored by then is not read again by this process, and is known to
        the inbox when another process reads it.
        """
        with self._draining() as mine:
            return self._drain(keep) if mine and self.waits() else 0

    @contextmanager
    def _appending(self) -> Iterator[int]:
        """The open file, locked, and surely the one that has the name."""
        while True:
            file = os.open(self._path, os.O_RDWR | _OPEN, _MODE)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_file(self._path, file):
                    yield file
                    return
            finally:
                os.close(file)

    def _write(self, file: int, line: bytes) -> None:
        size = os.fstat(file).st_size
        if size + len(line) > self._max_bytes:
            raise JournalFull(max_bytes=self._max_bytes)
        if size and os.pread(file, 1, size - 1) != b"\n":
            # Somebody died while writing, or had no room; what they wrote was not answered.
            line = b"\n" + line
        left = memoryview(line)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
        if not size:
            _sync_folder(self._folder)

    @contextmanager
    def _draining(self) -> Iterator[bool]:
        lock = os.open(self._folder / LOCK_NAME, os.O_RDWR | _OPEN, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(lock)

    def _drain(self, keep: Keep) -> int:
        read = 0
        file = self._opened()
        while True:
            lines = _lines(file, self._offset)
            if lines:
                self._store(lines, keep)
                read += len(lines)
                self._offset += sum(map(len, lines))
            elif self._finish(file):
                self.close()
                return read

    def _opened(self) -> int:
        """Return the file to drain: that of last time, unless somebody else has finished it."""
        if self._file is not None and not _is_file(self._path, self._file):
            self.close()
        if self._file is None:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._offset = 0
        return self._file

    def close(self) -> None:
        """Let go of the file; what waits in it stays."""
        # Taken first: of two who close at once, one must not close what has the number next.
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _store(self, lines: Sequence[bytes], keep: Keep) -> None:
        entries, unreadable = [], []
        for line in lines:
            try:
                entries.append(Entry.parse(line))
            except Unreadable:
                unreadable.append(line)
        refused = keep(entries)
        self._set_aside([*unreadable, *(entry.line() for entry in refused)])

    def _finish(self, file: int) -> bool:
        """Remove the file when all of it is stored; False when more has come meanwhile."""
        # Whoever appends holds this lock, and looks afterwards whether the file is still there.
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            rest = os.pread(file, READ_BYTES, self._offset)
            if b"\n" in rest:
                return False
            if rest:
                self._set_aside([rest + b"\n"])
            self._path.unlink()
            return True
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _set_aside(self, lines: Sequence[bytes]) -> None:
        if not lines:
            return
        file = os.open(self._folder / CORRUPT_NAME, os.O_WRONLY | _OPEN, _MODE)
        with open(file, "ab") as corrupt:  # noqa: PTH123 -- a descriptor.
            corrupt.writelines(lines)
            corrupt.flush()
            os.fsync(file)
        log.error("journal.set_aside", lines=len(lines), file=CORRUPT_NAME)


def journal_folder(settings: Settings) -> Path:
    """Return where callbacks wait while the database is away; a trial has its own place."""
    if settings.journal_folder:
        return Path(settings.journal_folder)
    trial = os.environ.get("NAFASI_DATA") or default_data_folder(os.environ)
    return settle_folder(Path(trial), server_user()) / "journal"


def _lines(file: int, offset: int) -> list[bytes]:
    """Return whole lines from a place on, so many as are stored at once."""
    piece = os.pread(file, READ_BYTES, offset)
    whole, newline, _ = piece.rpartition(b"\n")
    if not newline and len(piece) == READ_BYTES:
        # No callback is so long: a damaged disk, of which nothing is thrown away.
        return [piece]
    return (whole + newline).splitlines(keepends=True)[:JOURNAL_BATCH_MAX]


def _is_file(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sync_folder(folder: Path) -> None:
    """Put the name of a new file on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
