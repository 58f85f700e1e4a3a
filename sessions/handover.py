"""Who tells the person how an effect ended, when it takes longer than a phone waits."""

import threading


class Handover:
    """Lets exactly one of two speak: the hop that waits, or the effect that came too late.

    The effect claims the word just before it commits, so that what it writes in its transaction
    (a notice, or none) fits what the waiting hop will do.
    """

    __slots__ = ("_claimed", "_given_up", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = False
        self._given_up = False

    def claim(self) -> bool:
        """Say that the effect is about to commit; True when the hop still waits and will tell.

        An effect whose transaction is tried again may claim again.
        """
        with self._lock:
            if not self._given_up:
                self._claimed = True
            return self._claimed

    def give_up(self) -> bool:
        """Say that the hop answers now; False when the effect was first: its answer is near."""
        with self._lock:
            if not self._claimed:
                self._given_up = True
            return self._given_up
