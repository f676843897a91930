"""What can be told to the relay's control port: each command with its arguments, checked, before anything happens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NOT_YET_VALID = "JWT Token is not yet valid: basic claims"
LONGEST_DELAY = 600_000  # ms
LONGEST_REASON = 123  # bytes: what a close frame holds
CUT_OFF = 1006  # no close frame at all


class Mode(StrEnum):
    """How the relay treats those who connect."""

    UP = "up"
    KILL = "kill"
    RESET = "reset"
    REFUSE = "refuse"
    REJECT = "reject"
    HANG = "hang"
    SILENT = "silent"


class CommandError(ValueError):
    """A control command that makes no sense."""


@dataclass(slots=True)
class Drop:
    """Which pushes are lost. A ratio is kept exactly, not at random: 0.5 loses every second one."""

    count: float = 0
    ratio: float = 1.0
    tag: int | None = None
    share: float = 0.0

    def __call__(self, tag: int) -> bool:
        """Return whether the push that comes now is lost."""
        if self.count <= 0 or self.tag not in (None, tag):
            return False
        self.share += self.ratio
        if self.share < 1:
            return False
        self.share -= 1
        self.count -= 1
        return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command, checked."""

    name: str
    code: int = 0
    reason: str = ""
    client: str | None = None
    delay: float = 0.0  # seconds
    drop: Drop | None = None


_ARGUMENTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    **{str(mode): {} for mode in Mode},
    "reject": {"code": int, "reason": str},
    "close": {"code": int, "reason": str, "client": str},
    "delay": {"ms": (int, float)},
    "drop": {"count": int, "ratio": (int, float), "tag": int},
    "log": {},
    "clear": {},
    "stats": {},
}


def read(value: object) -> Command:
    """Return the command that ``value`` says; ``CommandError`` where it says none."""
    if not isinstance(value, dict) or not isinstance(value.get("command"), str):
        raise CommandError('expected an object with a "command"')
    arguments: dict[str, Any] = dict(value)
    name = arguments.pop("command")
    if name not in _ARGUMENTS:
        raise CommandError(f"no command {name!r}; there are {', '.join(_ARGUMENTS)}")
    for argument, given in arguments.items():
        expected = _ARGUMENTS[name].get(argument)
        if expected is None or not isinstance(given, expected) or isinstance(given, bool):
            raise CommandError(f"{name} takes no argument {argument!r} with such a value")
    if name in ("close", "reject"):
        default = (1001, "going away") if name == "close" else (3000, NOT_YET_VALID)
        code, reason = arguments.get("code", default[0]), arguments.get("reason", default[1])
        _check_close(code, reason)
        return Command(name, code=code, reason=reason, client=arguments.get("client"))
    if name == "delay":
        ms = arguments.get("ms", 0)
        if not 0 <= ms <= LONGEST_DELAY:
            raise CommandError(f"ms is not between 0 and {LONGEST_DELAY}")
        return Command(name, delay=ms / 1000)
    if name == "drop":
        drop = Drop(arguments.get("count", math.inf), arguments.get("ratio", 1.0), arguments.get("tag"))
        if not 0 <= drop.ratio <= 1 or drop.count < 0:
            raise CommandError("ratio is not between 0 and 1, or count is below 0")
        return Command(name, drop=drop)
    return Command(name)


def _check_close(code: int, reason: str) -> None:
    if code not in {1000, 1001, 1002, 1003, CUT_OFF, *range(1007, 1015)} and not 3000 <= code <= 4999:
        raise CommandError(f"{code} is not a websocket close code")
    try:
        length = len(reason.encode())
    except UnicodeEncodeError as error:
        raise CommandError("reason is not a text") from error
    if length > LONGEST_REASON:
        raise CommandError(f"reason is longer than {LONGEST_REASON} bytes")
