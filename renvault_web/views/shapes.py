"""The five shapes of a state, drawn: a state is told by shape, word and colour together, never by colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .node import h

if TYPE_CHECKING:
    from .node import Node

SHAPES = {  # paths in a box of 12 by 12, even-odd
    "ok": "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z",
    "trying": "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Zm0 1.5a3.5 3.5 0 0 1 0 7Z",
    "idle": "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Zm0 1.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z",
    "attention": "M6.7 1.3 11.5 9.8A.8.8 0 0 1 10.8 11H1.2A.8.8 0 0 1 .5 9.8L5.3 1.3a.8.8 0 0 1 1.4 0Z",
    "failed": "M2.9 1.5 6 4.6l3.1-3.1 1.4 1.4L7.4 6l3.1 3.1-1.4 1.4L6 7.4l-3.1 3.1-1.4-1.4L4.6 6 1.5 2.9Z",
}


def shape(name: str) -> Node:
    """Return the shape ``name``; the word beside it is its text."""
    path = h("path", {"d": SHAPES[name]})
    return h("svg", {"class": "shape", "data-shape": name, "viewBox": "0 0 12 12", "aria-hidden": True}, path)
