"""Debug lines in the browser's console, for the loggers that ``localStorage.DEBUG`` turns on.

Python's standard error is the console here. Read once, at start; without the setting nothing changes.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from ..debug import ROOT, Patterns, debug_name
from ..redaction import anonymous_text

if TYPE_CHECKING:
    from ..ports import Unsubscribe


def start_debug(setting: str) -> Unsubscribe:
    """Let our loggers write what the ``setting`` asks for; return what ends that.

    Warnings come in any case, as they do without the setting.
    """
    patterns = Patterns(setting)
    if not patterns:
        return lambda: None

    def wanted(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or patterns.enable(debug_name(record.name))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(wanted)
    logger = logging.getLogger(ROOT)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def end() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)

    return end


class _Line(logging.Formatter):
    """One line a record, with the name that turns it on. What an exception quotes may be anything: it is redacted."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{debug_name(record.name)} {anonymous_text(record.getMessage())}"
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else f"{line} {type(error).__name__}: {anonymous_text(str(error))}"
