"""Debug lines in the browser's console, for the loggers that ``localStorage.DEBUG`` turns on.

Python's standard error is the console here. Read once, at start; without the setting nothing changes.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from ..debug import KEY, ROOT, Patterns, debug_name
from ..errors import StorageError
from ..redaction import anonymous_text

if TYPE_CHECKING:
    from ..ports import Storage


class _Line(logging.Formatter):
    """One line a record, with the name that turned it on. What an exception quotes may be anything: it is redacted."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{debug_name(record.name)} {anonymous_text(record.getMessage())}"
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else f"{line} {type(error).__name__}: {anonymous_text(str(error))}"


def start_debug(storage: Storage) -> None:
    """Let our loggers write to the console what the setting in ``storage`` asks for; warnings come in any case."""
    try:
        text = storage.get(KEY)
    except StorageError:
        return
    patterns = Patterns(text or "")
    if not patterns:
        return

    def wanted(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or patterns.enable(debug_name(record.name))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(wanted)
    logger = logging.getLogger(ROOT)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
