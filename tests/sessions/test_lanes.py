"""Threads for turns: a yes before a screen, each lane in order, nothing lost at the end."""

import threading

import pytest

from sessions.lanes import Lane, Lanes


def test_a_yes_goes_before_screens_that_came_earlier() -> None:
    lanes, begun, go_on = Lanes(1), threading.Event(), threading.Event()
    order: list[str] = []

    def busy() -> None:
        begun.set()
        go_on.wait(5)

    lanes.submit(Lane.SCREEN, busy)
    assert begun.wait(5)
    for lane, name in (
        (Lane.SCREEN, "screen 1"),
        (Lane.YES, "yes 1"),
        (Lane.SCREEN, "screen 2"),
        (Lane.YES, "yes 2"),
    ):
        lanes.submit(lane, lambda name=name: order.append(name))
    go_on.set()
    lanes.close()

    assert order == ["yes 1", "yes 2", "screen 1", "screen 2"], "and all is done when it is closed"


def test_what_is_called_off_in_time_is_never_begun() -> None:
    lanes, begun, go_on = Lanes(1), threading.Event(), threading.Event()
    lanes.submit(Lane.SCREEN, lambda: (begun.set(), go_on.wait(5)))
    assert begun.wait(5)
    done: list[int] = []
    waiting = lanes.submit(Lane.SCREEN, lambda: done.append(1))

    assert waiting.cancel()
    go_on.set()
    lanes.close()

    assert done == []


def test_an_error_belongs_to_whoever_waits_and_ends_no_thread() -> None:
    lanes = Lanes(1)
    broken = lanes.submit(Lane.YES, lambda: 1 // 0)
    fine = lanes.submit(Lane.SCREEN, lambda: 2)

    with pytest.raises(ZeroDivisionError):
        broken.result(5)
    assert fine.result(5) == 2
    lanes.close()
