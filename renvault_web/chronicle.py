"""The entries of the event history: what one holds, how they lie in a record, and what they answer.

Pure. An entry is a time, a kind and a few plain facts without secrets, topics or accounts: a session stands there
under a pseudonym, the same on every page, from which its topic cannot be found again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import CorruptRecordError
from .redaction import anonymous_text, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .ports import Json

Fact: TypeAlias = "str | int | float | bool | None"

MAX_FACTS = 12
"""Facts of one entry at most."""

LINES = 20
"""Lines of an explanation at most."""

_MOST = 1e15

_NAME = 40  # characters of a kind or of a fact's name


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened. ``at`` is epoch seconds."""

    at: float
    kind: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def pseudonym(topic: str) -> str:
    """Return what stands for the session in the history: 8 hex digits."""
    from hashlib import sha256  # no page pays for its import before something happens to a session

    return sha256(b"renvault history " + topic.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def entry(at: float, kind: str, facts: Mapping[str, object]) -> HistoryEntry:
    """Make an entry of what a caller says: plain facts alone, texts without anything private; ``topic`` goes."""
    kept: dict[str, Fact] = {}
    for name, value in list(facts.items())[:MAX_FACTS]:
        if name == "topic":
            if isinstance(value, str):
                kept["session"] = pseudonym(value)
        elif not is_secret(name):
            kept[_short(name)] = _plain(value)
    return HistoryEntry(at, _short(kind), kept)


def to_body(entries: Iterable[HistoryEntry]) -> Json:
    """Return the body of a page's record."""
    return {"entries": [[entry.at, entry.kind, dict(entry.facts)] for entry in entries]}


def from_body(data: Json, limit: int) -> list[HistoryEntry]:
    """Return the last ``limit`` entries of a record's body; what is none is passed over."""
    listed = data.get("entries")
    if not isinstance(listed, list):
        raise CorruptRecordError("The record's history is not a list.")
    return [found for item in listed[-limit:] if (found := _parsed(item)) is not None]


def explain(entries: Sequence[HistoryEntry], now: float) -> tuple[str, ...]:
    """Answer "why was I disconnected?": one line for each thing that could be why, the latest first.

    Of each, how long ago it was and what it was. A connection that came back says so.
    """
    return tuple(f"{_ago(now - at)}: {text}" for at, text in explanations(entries))


def explanations(entries: Sequence[HistoryEntry]) -> list[tuple[float, str]]:
    """Return the same lines, each with its time for itself, epoch seconds."""
    names = session_names(entries)
    told = ((one.at, _told(one, names)) for one in reversed(entries))
    return list(islice(((at, text) for at, text in told if text is not None), LINES))


def session_names(entries: Iterable[HistoryEntry]) -> dict[str, str]:
    """Return a name to show for each pseudonym, in the order in which they appear: ``session 1``, ``session 2``."""
    names: dict[str, str] = {}
    for one in entries:
        known = one.facts.get("session")
        if isinstance(known, str) and known not in names:
            names[known] = f"session {len(names) + 1}"
    return names


_SESSIONS = {
    "session_created": "{session} was connected.",
    "session_expired": "{session} reached its end and expired.",
    "session_error": "The wallet reported an error for {session}: {message}",
}

_DELETED = {
    "user": "{session} was disconnected on this page.",
    "wallet": "The wallet ended {session}.",
    "tab": "{session} was ended in another tab of this site.",
    "client": "The wallet client no longer had {session}, and did not say why.",
}

_CONNECTION = {
    "connected": "The connection to the relay was there.",
    "waiting": "The connection to the relay was lost. {error}",
    "failed": "Attempts to bring the connection back were given up. {error}",
    "offline": "The browser had no network.",
    "stopped": "RenVault was stopped by the page.",
}

_OTHERS = {
    "page_started": "The page was opened or loaded again.",
    "problem": "A part of RenVault did not work: {problem}",
    "migration": "Sessions of an older version were taken over.",
    "import": "Sessions were read from a file.",
}


def _told(one: HistoryEntry, names: Mapping[str, str]) -> str | None:
    facts = one.facts
    if one.kind == "session_deleted":
        line = _DELETED.get(str(facts.get("by")))
    elif one.kind == "connection":
        line = _CONNECTION.get(str(facts.get("state")))
    else:
        line = _SESSIONS.get(one.kind) or _OTHERS.get(one.kind)
    if line is None:
        return None
    session = names.get(str(facts.get("session")), "a session")
    told = line.format(
        session=session,
        message=facts.get("message") or "no more is known.",
        error=facts.get("error") or "",
        problem=facts.get("problem") or "no more is known.",
    ).strip()
    return told[:1].upper() + told[1:]


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "Just now"


def _parsed(item: Any) -> HistoryEntry | None:
    match item:
        case [int() | float() as at, str() as kind, dict() as facts] if not isinstance(at, bool):
            return entry(float(at), kind, facts)
    return None


def _short(text: object) -> str:
    return anonymous_text(str(text)[:_NAME])


def _plain(value: object) -> Fact:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if -_MOST < value < _MOST else None  # JSON has no NaN, and Python writes no number without end
    return anonymous_text(str(value))
