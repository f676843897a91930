from __future__ import annotations

import json

import pytest

from renvault_web.jsontext import MAX_DEPTH, parse_json, write_json


@pytest.mark.parametrize("text", ["{}", "[1, 2.5, null, true]", '"a"', '{"a": {"b": ["é", "\\ud800"]}}', "  5 "])
def test_json_is_read_as_ever(text: str) -> None:
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nonsense", '{"a"}', "\ud800"])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="column"):
        parse_json(text)


def test_the_deepest_text_allowed_is_read() -> None:
    for opening, inner, closing in (("[", "", "]"), ('{"a":', "1", "}")):
        assert parse_json(opening * MAX_DEPTH + inner + closing * MAX_DEPTH) is not None
        with pytest.raises(ValueError, match="deeper than 100 levels"):
            parse_json(opening * (MAX_DEPTH + 1) + inner + closing * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        "[{}," * 100_000,
        '["\\"",' * 100_000,
        '["\\\\",' * 100_000,
    ],
    ids=["lists", "objects", "mixed", "escaped quotes", "escaped backslashes"],
)
def test_hostile_depth_is_refused_before_it_is_parsed(hostile: str) -> None:
    with pytest.raises(ValueError, match="deeper than"):
        parse_json(hostile)


def test_wide_texts_are_not_deep() -> None:
    wide: list[object] = [[{"a": []}] for _ in range(1000)]
    assert parse_json(json.dumps(wide)) == wide


def test_brackets_within_strings_do_not_count() -> None:
    texts = ["[" * 1000, '"' + "{" * 1000, "\\" + "[" * 1000, '\\"' + "[" * 1000, "\n[" * 1000]
    assert parse_json(json.dumps(texts)) == texts


@pytest.mark.parametrize(
    "text", ['"' * 300_001 + "[" * 101, '"' + '\\"' * 300_000 + "[" * 101, "\\" * 300_000 + "[" * 101]
)
def test_a_text_made_to_slow_the_check_down_ends_soon(text: str) -> None:
    with pytest.raises(ValueError, match=r"column|deeper"):
        parse_json(text)


def test_what_is_written_is_compact_ascii() -> None:
    assert write_json({"a": ["é", "\ud800", 1.5, None]}) == '{"a":["\\u00e9","\\ud800",1.5,null]}'


def test_what_could_not_be_read_is_not_written() -> None:
    deep: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert parse_json(write_json(deep)) == deep
    with pytest.raises(ValueError, match="deeper than"):
        write_json([deep])
    for _ in range(1_500):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper than"):
        write_json(deep)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(float("nan"))
    with pytest.raises(TypeError):
        write_json({1, 2})
