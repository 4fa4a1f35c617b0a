"""Signals that end a command: as an interruption does, so that its workers end with it.

SIGINT is Python's own affair. SIGTERM, by which schedulers and `kill` end a process, and SIGHUP, by which a closing
terminal does, would end this process alone, and its workers would wait for tasks for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stopped", "catch_signals", "hold_signals"]

CAUGHT = (signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks to end; no Exception, so that nobody takes it for the failure of an algorithm."""

    def __init__(self, number: int) -> None:
        self.name, self.exit_status = signal.Signals(number).name, 128 + number
        super().__init__(self.name)


@contextmanager
def catch_signals() -> Iterator[None]:
    """Raise Stopped where SIGTERM or SIGHUP arrives meanwhile; what is ignored, as under nohup, stays so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    with _handle([number for number in CAUGHT if signal.getsignal(number) == signal.SIG_DFL], stop):
        yield


@contextmanager
def hold_signals() -> Iterator[None]:
    """Put interruptions and signals off; processes born meanwhile never get an interruption, even while they import.

    SIGTERM is not blocked, which they would inherit: by it they are ended.
    """
    arrived: list[int] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        handled = [number for number in CAUGHT if callable(signal.getsignal(number))]
        with _handle(handled, lambda number, frame: arrived.append(number)):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for number in arrived:
        signal.raise_signal(number)


@contextmanager
def _handle(numbers: list[signal.Signals], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let `handler` have these signals meanwhile; Python lets only the main thread choose."""
    chosen = numbers if threading.current_thread() is threading.main_thread() else []
    before = {number: signal.signal(number, handler) for number in chosen}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
