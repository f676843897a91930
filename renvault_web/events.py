"""Listeners: who wants to be told, by name where there are several things to tell.

A listener that raises is logged and does not stop the others; one that is removed while the others are being told is
not told any more. Listeners are plain functions: what takes longer starts a task of its own.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Generic, ParamSpec

from .errors import ConfigError
from .log_text import loggable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .ports import Unsubscribe

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class Listeners(Generic[P]):
    """The listeners of one thing."""

    def __init__(self) -> None:
        self._listeners: dict[int, Callable[P, object]] = {}
        self._numbers = itertools.count()

    def add(self, listener: Callable[P, object]) -> Unsubscribe:
        """Add ``listener``; return what removes this registration, which may be called twice."""
        number = next(self._numbers)
        self._listeners[number] = listener
        return lambda: self._drop(number)

    def remove(self, listener: Callable[P, object]) -> None:
        """Remove every registration of ``listener``."""
        for number in [number for number, known in self._listeners.items() if known == listener]:
            self._drop(number)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell all, in the order they came."""
        for number in list(self._listeners):
            listener = self._listeners.get(number)
            if listener is None:
                continue
            try:
                listener(*args, **kwargs)
            except Exception as error:
                _log.error("A listener raised; the others are told all the same: %s", loggable(error))

    def __len__(self) -> int:
        return len(self._listeners)

    def _drop(self, number: int) -> None:
        self._listeners.pop(number, None)


class Emitter(Generic[P]):
    """Listeners by event name; an unknown name is refused."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_name: dict[str, Listeners[P]] = {name: Listeners() for name in names}

    def on(self, name: str, listener: Callable[P, object]) -> Unsubscribe:
        """Call ``listener`` on each event ``name``; return what removes it."""
        return self._named(name).add(listener)

    def off(self, name: str, listener: Callable[P, object]) -> None:
        """Remove ``listener`` from the event ``name``."""
        self._named(name).remove(listener)

    def emit(self, name: str, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell the listeners of ``name``."""
        self._named(name).call(*args, **kwargs)

    def _named(self, name: str) -> Listeners[P]:
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            known = ", ".join(self._by_name)
            raise ConfigError(f"There is no event {name!r}; there are: {known}.") from None
