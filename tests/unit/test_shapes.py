"""renvault_web.views.shapes: a state has a shape of its own, and the word beside it is its text."""

from __future__ import annotations

from renvault_web.views.shapes import SHAPES, shape


def test_a_shape_is_drawn_and_silent() -> None:
    assert shape("ok") == [
        "svg",
        {"class": "shape", "data-shape": "ok", "viewBox": "0 0 12 12", "aria-hidden": "true"},
        ["path", {"d": SHAPES["ok"]}],
    ]


def test_no_two_states_look_the_same() -> None:
    assert sorted(SHAPES) == ["attention", "failed", "idle", "ok", "trying"]
    assert len(set(SHAPES.values())) == 5
