from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import ConfigError
from renvault_web.events import Emitter, Listeners

if TYPE_CHECKING:
    from collections.abc import Callable


def test_listeners_are_told_in_order_until_they_unsubscribe() -> None:
    heard: list[str] = []
    listeners = Listeners[[str]]()
    first = listeners.add(lambda word: heard.append(f"first {word}"))
    listeners.add(lambda word: heard.append(f"second {word}"))
    listeners.call("a")
    first()
    first()
    listeners.call("b")
    assert heard == ["first a", "second a", "second b"]
    assert len(listeners) == 1


def test_a_listener_that_raises_is_logged_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    listeners = Listeners[[]]()

    def fail() -> None:
        raise ValueError("broken")

    listeners.add(fail)
    listeners.add(lambda: heard.append("told"))
    with caplog.at_level(logging.ERROR):
        listeners.call()
    assert heard == ["told"]
    assert "A listener raised" in caplog.text


def test_a_listener_removed_while_others_are_told_is_not_told() -> None:
    heard: list[str] = []
    listeners = Listeners[[]]()
    removals: list[Callable[[], None]] = []
    listeners.add(lambda: removals[0]())
    removals.append(listeners.add(lambda: heard.append("told")))
    listeners.call()
    assert heard == []


def test_one_function_can_listen_twice_and_remove_takes_both() -> None:
    heard: list[int] = []
    listeners = Listeners[[int]]()
    listeners.add(heard.append)
    listeners.add(heard.append)
    listeners.call(1)
    listeners.remove(heard.append)
    listeners.call(2)
    assert heard == [1, 1]


def test_an_emitter_tells_by_name() -> None:
    heard: list[str] = []
    emitter = Emitter[[str]](["came", "went"])
    emitter.on("came", heard.append)
    stop = emitter.on("went", heard.append)
    emitter.emit("came", "a")
    emitter.emit("went", "b")
    stop()
    emitter.off("came", heard.append)
    emitter.emit("came", "c")
    emitter.emit("went", "d")
    assert heard == ["a", "b"]


@pytest.mark.parametrize("name", ["", "CAME", "__proto__", ["came"]])
def test_an_unknown_event_name_is_refused_with_the_known_ones(name: str) -> None:
    emitter = Emitter[[]](["came", "went"])
    with pytest.raises(ConfigError, match=r"There is no event .*; there are: came, went\."):
        emitter.on(name, lambda: None)
