"""What every Tabs does: the fake here, a BroadcastChannel in the page."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.testing import FakeTabs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from renvault_web.ports import Json, Tabs

TRIES = 200  # of 10 ms each: messages cross processes


class Pages:
    """This page's tabs, and another page of the origin."""

    def __init__(self) -> None:
        self._other: Any
        if sys.platform == "emscripten":
            import renvault_bridge
            from js import BroadcastChannel
            from pyodide.ffi import create_proxy

            from renvault_web.browser.adapters import BrowserTabs

            self.tabs: Tabs = BrowserTabs(renvault_bridge)
            self._channel = BroadcastChannel.new("renvault")
            self._receive = create_proxy(lambda event: self.heard.append(json.loads(event.data)))
            self._channel.addEventListener("message", self._receive)
            self.post_text = self._channel.postMessage
        else:
            self.tabs = fake = FakeTabs()
            other = fake.another()
            other.subscribe(lambda message: self.heard.append(message))
            self.post_text = fake.receive
        self.heard: list[Json] = []

    def post(self, message: Json) -> None:
        self.post_text(json.dumps(message))

    def close(self) -> None:
        if sys.platform == "emscripten":
            self._channel.close()
            self._receive.destroy()


@pytest.fixture
def pages() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


async def until_heard(heard: list[Json], count: int) -> None:
    for _ in range(TRIES):
        if len(heard) >= count:
            return
        await asyncio.sleep(0.01)


async def test_a_message_reaches_the_other_page_and_not_its_sender(pages: Pages) -> None:
    own: list[Json] = []
    stop = pages.tabs.subscribe(own.append)
    pages.tabs.post({"kind": "test", "topic": "é \U0001f600", "list": [1, None]})
    await until_heard(pages.heard, 1)
    assert pages.heard == [{"kind": "test", "topic": "é \U0001f600", "list": [1, None]}]
    assert own == []
    stop()


async def test_messages_of_another_page_come_in_order_until_the_unsubscribe(pages: Pages) -> None:
    heard: list[Json] = []
    stop = pages.tabs.subscribe(heard.append)
    for number in range(3):
        pages.post({"number": number})
    await until_heard(heard, 3)
    stop()
    stop()
    later: list[Json] = []
    stop_later = pages.tabs.subscribe(later.append)
    pages.post({"number": 3})
    await until_heard(later, 1)
    stop_later()
    assert (heard, later) == ([{"number": 0}, {"number": 1}, {"number": 2}], [{"number": 3}])


async def test_what_was_posted_is_a_copy(pages: Pages) -> None:
    message = {"list": [1]}
    pages.tabs.post(message)
    message["list"].append(2)
    await until_heard(pages.heard, 1)
    assert pages.heard == [{"list": [1]}]


@pytest.mark.parametrize("text", ["", "no json", "[1]", "null", "1"])
async def test_what_is_not_a_json_object_is_dropped(pages: Pages, text: str) -> None:
    heard: list[Json] = []
    stop = pages.tabs.subscribe(heard.append)
    pages.post_text(text)
    pages.post({"after": "it"})
    await until_heard(heard, 1)
    assert heard == [{"after": "it"}]
    stop()
