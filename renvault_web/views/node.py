"""Nodes: the trees that views return and ``web/src/render.ts`` patches into the page.

A node is a nested list, ``[tag, attributes, *children]``; a child is a node or a text. Tags and attributes are
allow-listed here and once more in ``render.ts``, no text becomes markup on the way, and what a wallet sends passes
``clean`` or ``link`` first. Times and numbers are nodes of their own (``until``, ``ago``, ``when``, ``number``,
``size``): the browser words them by ``Intl`` and lets them tick without Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Node: TypeAlias = list[Any]
"""``[tag, attributes, *children]``."""

Child: TypeAlias = "Node | str | None"
"""A node, a text, or None for nothing."""

Value: TypeAlias = str | int | float | bool | None
"""An attribute's value; None leaves the attribute out."""

# fmt: off
TAGS = frozenset([
    "a", "bdi", "button", "dd", "details", "div", "dl", "dt", "footer", "h2", "h3", "header", "li", "meter", "p",
    "path", "progress", "section", "span", "strong", "summary", "svg", "ul",
    "rv-ago", "rv-bytes", "rv-number", "rv-until", "rv-when",
])

ATTRIBUTES = frozenset([
    "at", "class", "d", "dir", "hidden", "href", "id", "key", "lang", "max", "n", "rel", "role", "target", "type",
    "unit", "value", "viewBox",
])
# fmt: on

TEXT_LIMIT = 200
"""Characters of a foreign text that are shown (DSH-5)."""

URL_LIMIT = 2_000
"""Characters of an address that is still shown as a link; longer ones are no addresses of a wallet's home page."""

_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00"
    "-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LINK = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:[/?#][!-~]*)?", re.IGNORECASE)


def h(tag: str, attrs: Mapping[str, Value] | None = None, *children: Child) -> Node:
    """Return a node.

    ``data-*`` and ``aria-*`` attributes are allowed beside ``ATTRIBUTES``; in them True and False are words. Elsewhere
    True sets the attribute and False leaves it out. ``key`` names a node among its siblings. A tag or attribute that
    is not allow-listed raises ``ValueError``: it is a mistake of the view, not of the data.
    """
    if tag not in TAGS:
        raise ValueError(f"<{tag}> is not a tag that a view may use.")
    given: dict[str, str | int | float | bool] = {}
    for name, value in (attrs or {}).items():
        if name.startswith(("data-", "aria-")):
            if value is not None:
                given[name] = str(value).lower() if isinstance(value, bool) else value
        elif name not in ATTRIBUTES:
            raise ValueError(f"{name} is not an attribute that a view may use.")
        elif value is not None and value is not False:
            given[name] = value
    return [tag, given, *(child for child in children if child is not None)]


def clean(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return a foreign text fit for display: one line, nothing invisible in it, ``limit`` characters at most.

    Lone surrogates become U+FFFD, control characters and line ends a space; bidi overrides and other characters
    without a shape are removed. What is not a text gives an empty one.
    """
    if not isinstance(text, str):
        return ""
    cut = text[: 4 * limit + 4]  # a name of 10 MB costs no more than one of a line
    shown = _BLANK.sub(" ", _INVISIBLE.sub("", _LONE_SURROGATE.sub("\ufffd", cut))).strip()
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def link(url: object, attrs: Mapping[str, Value] | None = None) -> Node | None:
    """Return a link to a foreign ``url``, whose text is the address itself; None unless it is plain https."""
    if not isinstance(url, str) or len(url) > URL_LIMIT or not _LINK.fullmatch(url):
        return None
    target: dict[str, Value] = {"href": url, "target": "_blank", "rel": "noopener noreferrer"}
    return h("a", target | dict(attrs or {}), clean(url.removeprefix("https://").removesuffix("/"), 80))


def until(at: float) -> Node:
    """Return the time left until ``at`` (epoch seconds), counting down: "3 s", "6 d 4 h"."""
    return h("rv-until", {"at": _ms(at)})


def ago(at: float) -> Node:
    """Return the time since ``at`` (epoch seconds), counting up: "4 s"."""
    return h("rv-ago", {"at": _ms(at)})


def when(at: float) -> Node:
    """Return the date and time of ``at`` (epoch seconds)."""
    return h("rv-when", {"at": _ms(at)})


def number(n: float, unit: str | None = None) -> Node:
    """Return a number in the reader's notation; ``unit`` is one of ``Intl``'s: "millisecond", "percent"."""
    return h("rv-number", {"n": n, "unit": unit})


def size(n: int) -> Node:
    """Return a size of ``n`` bytes in the reader's notation."""
    return h("rv-bytes", {"n": n})


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
