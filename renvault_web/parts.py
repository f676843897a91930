"""The parts of a whole, each tried on its own: one that fails is a problem with a plain line, and the rest goes on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from .error_text import presentable
from .events import Listeners
from .log_text import loggable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .ports import Unsubscribe

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Parts:
    """What is known of each part's last try."""

    def __init__(self) -> None:
        self._listeners = Listeners[[str, str]]()
        self._problems: dict[str, str] = {}
        self._steps: set[asyncio.Task[Any]] = set()

    @property
    def problems(self) -> dict[str, str]:
        """The parts that do not work, each with a plain line; a copy."""
        return dict(self._problems)

    def on_problem(self, listener: Callable[[str, str], object]) -> Unsubscribe:
        """Call ``listener(part, problem)`` for each new problem."""
        return self._listeners.add(listener)

    async def attempt(self, part: str, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what ``work`` returns; where it fails or is cut short, None. A failure is the part's problem."""
        step = asyncio.ensure_future(work)
        self._steps.add(step)
        try:
            await asyncio.wait({step})
        finally:
            self._steps.discard(step)
            step.cancel()
        if step.cancelled():
            return None
        error = step.exception()
        if error is None:
            self._problems.pop(part, None)
            return step.result()
        _log.warning("The %s does not work: %s", part, loggable(error))
        problem = presentable(str(error)) or type(error).__name__
        if self._problems.get(part) != problem:
            self._problems[part] = problem
            self._listeners.call(part, problem)
        return None

    def cut_short(self) -> None:
        """Give up what is being tried now."""
        for step in self._steps:
            step.cancel()

    def clear(self) -> None:
        """Forget the problems."""
        self._problems.clear()
