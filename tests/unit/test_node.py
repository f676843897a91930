"""renvault_web.views.node: only listed tags and attributes, and foreign text that is harmless."""

from __future__ import annotations

import json

import pytest

from renvault_web.views.node import ago, clean, h, link, number, size, until, when


def test_a_node_is_its_tag_its_attributes_and_its_children() -> None:
    assert h("p", {"class": "line"}, "Saved ", h("strong", None, "now")) == [
        "p",
        {"class": "line"},
        "Saved ",
        ["strong", {}, "now"],
    ]


def test_none_is_no_child_and_no_attribute() -> None:
    assert h("p", {"id": None}, None, "a", None) == ["p", {}, "a"]


def test_a_flag_is_set_or_left_out_but_a_word_in_aria_and_data() -> None:
    node = h("button", {"hidden": True, "aria-disabled": False, "aria-busy": True, "data-open": False})
    assert node == ["button", {"hidden": True, "aria-disabled": "false", "aria-busy": "true", "data-open": "false"}]
    assert h("button", {"hidden": False}) == ["button", {}]


@pytest.mark.parametrize("tag", ["script", "iframe", "img", "style", "form", "input", "P", ""])
def test_a_tag_that_is_not_listed_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="is not a tag that a view may use"):
        h(tag)


@pytest.mark.parametrize(
    "name", ["onclick", "style", "src", "srcdoc", "innerHTML", "dangerouslySetInnerHTML", "ref", "children"]
)
def test_an_attribute_that_is_not_listed_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not an attribute that a view may use"):
        h("p", {name: "x"})


def test_a_tree_is_json() -> None:
    tree = h("li", {"key": "a"}, h("rv-number", {"n": 1.5}), "Ünïcode \ud800")
    assert json.loads(json.dumps(tree)) == tree


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Leather", "Leather"),
        ("  two\r\n\tlines  ", "two lines"),
        ("nul\x00 bell\x07 c1\x85 end", "nul bell c1 end"),
        ("line\u2028paragraph\u2029end", "line paragraph end"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066isolate\u2069 \u200fmark \u061carabic", "isolate mark arabic"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u3164", ""),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\udc00", "\ufffd"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("עברית", "עברית"),
        ("👩\u200d🚀 ❤\ufe0f", "👩\u200d🚀 ❤\ufe0f"),
        ("tag\U000e0041", "tag"),
    ],
)
def test_foreign_text_becomes_one_visible_line(given: str, shown: str) -> None:
    assert clean(given) == shown


@pytest.mark.parametrize("given", [None, 7, ["x"], {"name": "x"}, b"x"])
def test_what_is_no_text_is_shown_as_nothing(given: object) -> None:
    assert clean(given) == ""


def test_a_long_text_is_cut_with_an_ellipsis_within_the_limit() -> None:
    assert clean("x" * 200) == "x" * 200
    assert clean("x" * 201) == "x" * 199 + "…"
    assert clean("abc def", 5) == "abc…"


def test_ten_megabytes_are_cut_before_they_are_read() -> None:
    assert clean("x" * 10_000_000) == "x" * 199 + "…"
    assert clean("\u200b" * 10_000_000) == ""


def test_an_https_address_is_a_link_that_tells_nothing_about_us() -> None:
    assert link("https://leather.io/") == [
        "a",
        {"href": "https://leather.io/", "target": "_blank", "rel": "noopener noreferrer"},
        "leather.io",
    ]
    assert link("https://leather.io:8443/a?b=c#d", {"class": "quiet"}) == [
        "a",
        {
            "href": "https://leather.io:8443/a?b=c#d",
            "target": "_blank",
            "rel": "noopener noreferrer",
            "class": "quiet",
        },
        "leather.io:8443/a?b=c#d",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://leather.io",
        "//leather.io",
        "https://",
        "https://user:secret@leather.io",
        "https://leather.io@evil.example",
        "https://leather.io\\@evil.example",
        "https://leather.io/\u202egnp",
        "https://leather.io/a b",
        "\nhttps://leather.io",
        "https://leather.io\n",
        "https://" + "a" * 2_000 + ".io",
        None,
        42,
    ],
)
def test_any_other_address_is_no_link(url: object) -> None:
    assert link(url) is None


def test_a_long_address_is_shown_cut_but_linked_whole() -> None:
    url = "https://leather.io/" + "a" * 100
    node = link(url)
    assert node is not None
    assert node[1]["href"] == url
    assert node[2] == "leather.io/" + "a" * 68 + "…"


def test_times_cross_in_milliseconds() -> None:
    assert until(1_700_000_000.25) == ["rv-until", {"at": 1_700_000_000_250}]
    assert ago(1_700_000_000.0) == ["rv-ago", {"at": 1_700_000_000_000}]
    assert when(1_700_000_000.0) == ["rv-when", {"at": 1_700_000_000_000}]


def test_numbers_and_sizes_are_worded_by_the_browser() -> None:
    assert number(48, "millisecond") == ["rv-number", {"n": 48, "unit": "millisecond"}]
    assert number(3) == ["rv-number", {"n": 3}]
    assert size(1_024) == ["rv-bytes", {"n": 1_024}]
