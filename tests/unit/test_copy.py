"""renvault_web.views.copy: every word from one table, with times and numbers in their places."""

from __future__ import annotations

import pytest

from renvault_web.views.copy import ENGLISH, known, plural, say, word
from renvault_web.views.node import until


def test_a_text_without_places_is_one_child() -> None:
    assert say("banner.retry") == ["Retry now"]


def test_a_node_stands_where_the_language_wants_it() -> None:
    time = until(1_700_000_000.0)
    assert say("light.relay.proved", time=time) == ["proved ", time, " ago"]
    assert say("session.expires", time=time) == [time, " left"]
    assert say("pill.waiting", time=time) == ["Trying again in ", time]


def test_texts_and_numbers_join_the_text_around_them() -> None:
    time = until(1_700_000_000.0)
    assert say("banner.waiting", cause="No relay.", time=time) == ["No relay. Trying again in ", time, "."]
    assert say("banner.attempt", n=2, max=5) == ["attempt 2 of 5"]


def test_plain_text_has_its_parts_too() -> None:
    assert word("banner.attempt", n=2, max=5) == "attempt 2 of 5"
    assert word("banner.retry") == "Retry now"


def test_a_part_is_never_read_as_a_place() -> None:
    assert word("details.more", n="{n}") == "and {n} more"
    assert say("details.more", n="{max}") == ["and {max} more"]


def test_an_unknown_key_or_a_missing_part_is_a_mistake_of_the_view() -> None:
    with pytest.raises(KeyError):
        word("no.such.text")
    with pytest.raises(KeyError):
        say("banner.attempt", n=1)


def test_one_and_other() -> None:
    assert [plural("storage.quarantined", n) for n in (0, 1, 2)] == [
        "storage.quarantined.other",
        "storage.quarantined.one",
        "storage.quarantined.other",
    ]


def test_a_key_is_known_or_not() -> None:
    assert known("chain.stacks:1")
    assert not known("chain.eip155:1")


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_a_text_says_something_and_fits_a_line(key: str) -> None:
    assert ENGLISH[key].strip() == ENGLISH[key]
    assert 0 < len(ENGLISH[key]) <= 100
