"""Writes down what was done on the terminal's phone as a story of ``tests/transcripts``.

A story plays on a market as it is seeded, with codes and PINs that are the same each time. So the
codes and PINs of the trial are written as those that the story will have, in the order in which
bookings were made; the time that passed between two steps is written as a wait.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from core.clock import NAIROBI
from core.ids import CODE_LENGTH, CountedIds, is_code

# As the stage of stories counts its ids (tests/support/stage.py).
STORY_IDS = 2
PIN_DIGITS = 4
OUTCOMES = {"paid": "ok"}
INDENT = "    "
_WORD = re.compile(rf"\b[0-9A-Za-z]{{{CODE_LENGTH}}}\b")
_PIN = re.compile(rf"PIN (\d{{{PIN_DIGITS}}})\b")


class Recorder:
    """Collects the lines of a story.

    Args:
        number: whose phone it is.
        now: tells the application's time.
        language: what that person has chosen.
        about: what the story is about, its first line.
    """

    def __init__(
        self, number: str, now: Callable[[], datetime], language: str = "en", about: str = ""
    ) -> None:
        self._number = number
        self._now = now
        self._at = now().replace(microsecond=0)
        self._names = _names()
        self._codes: dict[str, tuple[str, str]] = {}
        self._pins: dict[str, str] = {}
        chosen = "" if language == "en" else f"; language {number} {language}"
        self._lines = [
            f"# {about or 'Recorded on a phone in the terminal.'}",
            f"given clock {self._at.astimezone(NAIROBI):%Y-%m-%d %H:%M:%S}{chosen}",
            f"phone {number}",
        ]

    def screen(self, step: str, text: str, *, final: bool) -> None:
        """A dial or an answer, and what was then shown."""
        self._step(step)
        self._block(text)
        if final:
            self._lines.append(f"{INDENT}(end)")

    def hung_up(self) -> None:
        """The call was cut off."""
        self._step("drop")

    def sent(self, text: str) -> None:
        """A message to us."""
        self._step(f"sms from {self._number}: {text}")

    def read(self, number: str, messages: Iterable[str]) -> None:
        """Messages that a phone has got since it was last looked at."""
        self._step(f"sms {number}")
        texts = list(messages)
        for place, text in enumerate(texts):
            if place:
                self._lines.append(f"{INDENT}--")
            self._block(text)
        if not texts:
            self._lines.append(f"{INDENT}(nothing)")

    def paid(self, outcome: str) -> None:
        """The prompt was answered."""
        self._step(f"pay {OUTCOMES.get(outcome, outcome)}")

    def paid_by_hand(self, account: str, amount: str, status: str) -> None:
        """Money to the paybill, and what M-Pesa said."""
        said = "" if status == "completed" else f" {status}"
        self._step(f"paybill {account} {amount}{said}")

    def story(self) -> str:
        """Return the whole story."""
        return "\n".join([*self._lines, "check", ""])

    def _step(self, line: str) -> None:
        now = self._now().replace(microsecond=0)
        passed = int((now - self._at).total_seconds())
        if passed > 0:
            self._lines.append(f"wait {passed}s")
            self._at = now
        self._lines.append(self._told(line))

    def _block(self, text: str) -> None:
        told = self._told(text)
        self._lines += [f"{INDENT}| {line}".rstrip() for line in told.split("\n")]

    def _told(self, text: str) -> str:
        """A text with the codes and PINs that the story will have."""
        codes = [word for word in _WORD.findall(text) if is_code(word)]
        for code in codes:
            if code not in self._codes:
                self._codes[code] = next(self._names)
        # A PIN is told in one message with the code of its booking.
        if codes and (told := _PIN.search(text)):
            self._pins[told[1]] = self._codes[codes[0]][1]

        def name(found: re.Match[str]) -> str:
            word = found[0]
            code, _pin = self._codes.get(word.upper(), (word, ""))
            return code.lower() if word.islower() else code

        text = _WORD.sub(name, text)
        for pin, of_story in self._pins.items():
            text = re.sub(rf"\b{pin}\b", of_story, text)
        return text


def _names() -> Iterator[tuple[str, str]]:
    """Code and PIN of a story's first booking, of its second, and so on."""
    ids = CountedIds(STORY_IDS)
    while True:
        yield ids.code(), ids.digits(PIN_DIGITS)
