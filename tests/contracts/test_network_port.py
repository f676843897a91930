"""What every Network does: the fake here, the browser's in the page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from renvault_web.testing import FakeNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from renvault_web.ports import Network


class Line:
    """A network, and what fires the browser's events."""

    def __init__(self) -> None:
        self._fake: FakeNetwork | None = None
        if sys.platform == "emscripten":
            import renvault_bridge

            from renvault_web.browser.adapters import BrowserNetwork

            self.network: Network = BrowserNetwork(renvault_bridge)
        else:
            self.network = self._fake = FakeNetwork()

    def fire(self, *, online: bool) -> None:
        """Fire the event alone, as a script can; the network itself stays as it is."""
        if self._fake is not None:
            self._fake.say(online, reachable=True)
        else:
            from js import Event, window

            window.dispatchEvent(Event.new("online" if online else "offline"))


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.fire(online=True)


def test_the_browser_says_online(line: Line) -> None:
    assert line.network.online() is True


async def test_a_check_reaches_our_own_origin(line: Line) -> None:
    assert await line.network.check() is True


async def test_a_check_does_not_take_the_event_s_word(line: Line) -> None:
    line.fire(online=False)
    assert await line.network.check() is True


def test_a_listener_hears_each_event_until_it_unsubscribes(line: Line) -> None:
    heard: list[bool] = []
    stop = line.network.subscribe(heard.append)
    line.fire(online=False)
    line.fire(online=True)
    stop()
    stop()
    line.fire(online=False)
    assert heard == [False, True]


def test_each_listener_hears_for_itself(line: Line) -> None:
    first: list[bool] = []
    second: list[bool] = []
    stop_first = line.network.subscribe(first.append)
    stop_second = line.network.subscribe(second.append)
    stop_first()
    line.fire(online=False)
    stop_second()
    assert (first, second) == ([], [False])


def test_a_listener_may_unsubscribe_while_it_is_told(line: Line) -> None:
    heard: list[bool] = []

    def once(online: bool) -> None:
        heard.append(online)
        stop()

    stop = line.network.subscribe(once)
    line.fire(online=False)
    line.fire(online=True)
    assert heard == [False]
