"""The journal of callbacks on disk: in order, through deaths and full disks, and no longer."""

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.ports.providers import Callback
from tests.core.escrow.tools import together
from web.journal import CORRUPT_NAME, NAME, Entry, Journal, JournalFull, JournalUnusable

AT = datetime(2026, 11, 20, 6, 0, 0, 123456, tzinfo=UTC)
PERSON = "+254700000001"


def entry(number: int, person: str = PERSON, text: str = "NDIYO") -> Entry:
    callback = Callback(
        "africastalking", "sms", f"sms-{number}", {"text": text}, once=True, person=person
    )
    return Entry(callback, AT + timedelta(seconds=number))


class Kept(list[Entry]):
    """A place to drain into; ``away`` makes the database go away after so many."""

    def __init__(self, away_after: int | None = None) -> None:
        super().__init__()
        self.away_after = away_after

    def __call__(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        if self.away_after is not None and len(self) + len(entries) > self.away_after:
            raise ConnectionError
        self.extend(entries)
        return []

    @property
    def references(self) -> list[str]:
        return [each.callback.reference for each in self]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.mark.parametrize(
    "text", ["NDIYO", "", "a\nb\r\nc", "Wanjikũ 🎉", '"\\', "x" * 2_000], ids=repr
)
def test_what_is_read_is_what_was_written(journal: Journal, text: str) -> None:
    written = entry(1, text=text)
    journal.append(written)
    kept = Kept()

    assert journal.drain(kept) == 1
    assert kept == [written]


def test_what_was_stored_is_gone_and_the_next_outage_begins_anew(journal: Journal) -> None:
    assert not journal.waits()
    for round_ in range(2):
        journal.append(entry(round_))
        assert journal.waits()
        assert journal.drain(Kept()) == 1
        assert not journal.waits()
    assert journal.drain(Kept()) == 0


def test_only_we_can_read_it(journal: Journal, folder: Path) -> None:
    journal.append(entry(1))

    assert (folder / NAME).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_while_the_database_stays_away_everything_waits_in_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.journal.JOURNAL_BATCH_MAX", 2)
    for number in range(5):
        journal.append(entry(number))
    kept = Kept(away_after=2)
    with pytest.raises(ConnectionError):
        journal.drain(kept)
    assert journal.waits()

    kept.away_after = None
    journal.append(entry(5))
    journal.drain(kept)

    assert kept.references == [f"sms-{number}" for number in range(6)]
    assert not journal.waits()


def test_the_next_process_reads_all_of_what_a_dead_one_left(
    journal: Journal, folder: Path
) -> None:
    for number in range(3):
        journal.append(entry(number))
    kept = Kept()

    Journal(folder).drain(kept)

    assert kept.references == ["sms-0", "sms-1", "sms-2"]


def test_a_new_file_is_not_taken_for_the_one_that_was_half_read(
    journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process finishes it, and the disk gives the next one the same place."""
    monkeypatch.setattr("web.journal.JOURNAL_BATCH_MAX", 1)
    for number in range(2):
        journal.append(entry(number))
    with pytest.raises(ConnectionError):
        journal.drain(Kept(away_after=1))
    Journal(folder).drain(Kept())
    journal.append(entry(2))
    kept = Kept()

    journal.drain(kept)

    assert kept.references == ["sms-2"]


def test_what_somebody_died_writing_harms_nobody(journal: Journal, folder: Path) -> None:
    journal.append(entry(0))
    with (folder / NAME).open("ab") as file:
        file.write(entry(1).line()[:40])
    journal.append(entry(2))
    kept = Kept()

    journal.drain(kept)

    assert kept.references == ["sms-0", "sms-2"], "the half was never answered"
    assert (folder / CORRUPT_NAME).read_bytes() == entry(1).line()[:40] + b"\n"


def test_a_half_at_the_end_does_not_keep_the_file(journal: Journal, folder: Path) -> None:
    journal.append(entry(0))
    with (folder / NAME).open("ab") as file:
        file.write(b"0123")

    assert journal.drain(Kept()) == 1

    assert not journal.waits()
    assert journal.standing().corrupt_bytes == 5


@pytest.mark.parametrize(
    "line",
    [
        b"not a line\n",
        entry(1).line().replace(b"NDIYO", b"HAPAN"),
        b"00000000 {}\n",
        b"\xff\xfe\n",
        b"\n",
        b"x" * (2 * 1024 * 1024) + b"\n",
    ],
    ids=["words", "changed", "checksum", "bytes", "empty", "endless"],
)
def test_a_line_that_cannot_be_read_is_kept_aside(
    journal: Journal, folder: Path, line: bytes
) -> None:
    journal.append(entry(0))
    with (folder / NAME).open("ab") as file:
        file.write(line)
    journal.append(entry(2))
    kept = Kept()

    journal.drain(kept)

    assert kept.references == ["sms-0", "sms-2"]
    assert (folder / CORRUPT_NAME).read_bytes() == line


def test_what_can_never_be_stored_is_kept_aside(journal: Journal, folder: Path) -> None:
    for number in range(3):
        journal.append(entry(number))

    journal.drain(lambda entries: entries[1:2])

    assert (folder / CORRUPT_NAME).read_bytes() == entry(1).line()
    assert not journal.waits()


def test_a_full_journal_takes_no_more_and_loses_nothing(tmp_path: Path) -> None:
    line = len(entry(0).line())
    journal = Journal(tmp_path, max_bytes=2 * line)
    journal.append(entry(0))
    journal.append(entry(1))
    with pytest.raises(JournalFull):
        journal.append(entry(2))
    kept = Kept()

    journal.drain(kept)

    assert kept.references == ["sms-0", "sms-1"]
    journal.append(entry(3))


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(JournalUnusable):
        Journal(tmp_path / "file" / "journal")


def test_what_a_full_disk_took_by_halves_harms_nobody(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(entry(0))
    write = os.write

    def no_space(file: int, line: bytes) -> int:
        if len(line) < 20:
            raise OSError
        return write(file, line[:-10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_space)
        with pytest.raises(JournalUnusable):
            journal.append(entry(1))
    journal.append(entry(2))
    kept = Kept()
    journal.drain(kept)

    assert kept.references == ["sms-0", "sms-2"]


def test_of_eight_that_drain_one_does_and_no_line_is_lost_meanwhile(folder: Path) -> None:
    """Writers and drainers side by side, each with a journal of its own as processes have."""
    kept, lock = Kept(), threading.Lock()
    writers, each = 4, 40

    def keep(entries: Sequence[Entry]) -> Sequence[Entry]:
        with lock:
            return kept(entries)

    def write_or_drain(worker: int) -> None:
        journal = Journal(folder)
        for number in range(each):
            if worker < writers:
                journal.append(entry(number, person=f"+25470000000{worker}"))
            else:
                journal.drain(keep)

    together(2 * writers, write_or_drain)
    Journal(folder).drain(keep)

    for worker in range(writers):
        person = f"+25470000000{worker}"
        mine = [one.callback.reference for one in kept if one.callback.person == person]
        assert list(dict.fromkeys(mine)) == [f"sms-{number}" for number in range(each)]


def test_of_two_who_close_at_once_one_closes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a closed file is soon another's: a socket's, or a connection's."""
    journal.append(entry(1))
    with pytest.raises(ConnectionError):
        journal.drain(Kept(away_after=0))
    closed, close = [], os.close

    def close_while_another_does(file: int) -> None:
        closed.append(file)
        journal.close()
        close(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "close", close_while_another_does)
        journal.close()

    assert len(closed) == 1
