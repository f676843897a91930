"""renvault_web.views.session_row: one session in every state, its actions, and hostile names that stay text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from renvault_web.session import SessionStatus, WalletSession
from renvault_web.views.session_row import chain_name, session_row, short_account
from renvault_web.views.shapes import shape
from renvault_web.views.snapshot import Action, SessionRow

NOW = 1_700_000_000.0
DAY = 86_400.0
TOPIC = "ab" * 32
ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"

SESSION = WalletSession(
    topic=TOPIC,
    expiry=NOW + 6 * DAY,
    peer={"metadata": {"name": "Leather", "url": "https://leather.io/"}},
    accounts=(ACCOUNT,),
    chain_id="stacks:1",
)
ACTIVE = SessionStatus.ACTIVE


def draw(
    session: WalletSession,
    status: SessionStatus = ACTIVE,
    *actions: Action,
    details: bool = False,
    primary: bool = False,
) -> list[Any]:
    return session_row(SessionRow(session, status, primary, actions), NOW, 0, details=details)


def part(node: list[Any], name: str) -> list[Any]:
    found = [child for child in node[2:] if child[1].get("class", "").split()[:1] == [name]]
    assert len(found) == 1
    part: list[Any] = found[0]
    return part


def buttons(node: list[Any]) -> dict[str, dict[str, Any]]:
    return {button[2]: button[1] for button in part(node, "buttons")[2:]}


def outcome(node: list[Any]) -> list[Any]:
    return part(node, "outcome")[2:]


def button(action: str, word: str, **attrs: str) -> list[Any]:
    return ["button", {"type": "button", "data-action": action, **attrs}, word]


def test_an_account_known_from_an_older_version_shows_no_end() -> None:
    known = replace(SESSION, topic="local-" + "0f" * 16, expiry=NOW - DAY)
    drawn = draw(known, SessionStatus.NEEDS_RECONNECT)
    assert part(drawn, "expiry") == ["div", {"class": "expiry"}, ["p", {"class": "quiet"}, "from an older version"]]
    assert outcome(drawn) == [["p", {}, "The account is known, its keys are not. Pair it with your wallet once more."]]
    assert [name for name, attrs in buttons(drawn).items() if "aria-disabled" not in attrs] == ["Disconnect"]


def test_an_active_session() -> None:
    assert draw(SESSION) == [
        "li",
        {"class": "session", "key": TOPIC, "data-topic": TOPIC, "data-status": "active"},
        ["span", {"class": "monogram", "aria-hidden": "true"}, "L"],
        [
            "div",
            {"class": "who"},
            ["p", {"class": "name"}, ["bdi", {"id": "name-0"}, "Leather"]],
            ["p", {"class": "quiet"}, ["bdi", {"class": "code"}, "SP2J6…NRV9EJ7"], " · ", ["bdi", {}, "Stacks"]],
        ],
        ["p", {"class": "status"}, shape("ok"), "Active"],
        [
            "div",
            {"class": "expiry"},
            ["p", {}, ["rv-until", {"at": 1_700_518_400_000}], " left"],
            ["p", {"class": "quiet"}, ["rv-when", {"at": 1_700_518_400_000}]],
        ],
        [
            "div",
            {"class": "buttons", "role": "group", "aria-labelledby": "name-0"},
            button("extend", "Extend"),
            button("ping", "Ping"),
            button("disconnect", "Disconnect"),
        ],
        ["div", {"class": "outcome quiet", "id": "note-0", "role": "status"}],
    ]


def test_the_primary_session_has_its_badge() -> None:
    name = part(draw(SESSION, primary=True), "who")[2]
    assert name[3] == ["span", {"class": "badge"}, "Primary"]


@pytest.mark.parametrize(
    ("status", "mark", "word", "note", "able"),
    [
        ("restoring", "trying", "Restoring", "Checking with your wallet…", []),
        ("unknown", "idle", "Not confirmed", "Stored here; your wallet has not confirmed it yet.", ["Disconnect"]),
        (
            "needs_reconnect",
            "attention",
            "Needs reconnect",
            "The account is known, its keys are not. Pair it with your wallet once more.",
            ["Disconnect"],
        ),
        ("expired", "idle", "Expired", "This session has ended. Pair with your wallet once more.", ["Disconnect"]),
    ],
)
def test_what_is_not_active_says_so_and_what_cannot_work_is_disabled_with_the_reason(
    status: str, mark: str, word: str, note: str, able: list[str]
) -> None:
    node = draw(SESSION, SessionStatus(status))
    assert part(node, "status") == ["p", {"class": "status"}, shape(mark), word]
    assert outcome(node) == [["p", {}, note]]
    for name, attrs in buttons(node).items():
        reason = {} if name in able else {"aria-disabled": "true", "aria-describedby": "note-0"}
        assert attrs == {"type": "button", "data-action": name.lower()} | reason


def test_a_session_that_ends_within_a_day_has_a_warning_mark() -> None:
    soon = part(draw(replace(SESSION, expiry=NOW + DAY)), "expiry")
    assert soon[2] == ["p", {}, shape("attention"), ["rv-until", {"at": 1_700_086_400_000}], " left"]


def test_a_session_that_has_ended_says_since_when() -> None:
    ended = part(draw(replace(SESSION, expiry=NOW - 60), SessionStatus.EXPIRED), "expiry")
    assert ended[2] == ["p", {}, "ended ", ["rv-ago", {"at": 1_699_999_940_000}], " ago"]


@pytest.mark.parametrize(
    ("status", "left", "marked"),
    [
        ("active", DAY + 1, False),
        ("active", DAY, True),
        ("restoring", 1, True),
        ("needs_reconnect", 1, False),
        ("unknown", 1, False),
        ("expired", -1, False),
    ],
)
def test_only_a_usable_session_that_ends_soon_has_a_warning_mark(status: str, left: float, marked: bool) -> None:
    line = part(draw(replace(SESSION, expiry=NOW + left), SessionStatus(status)), "expiry")[2]
    assert (shape("attention") in line) is marked


@pytest.mark.parametrize(
    ("action", "mark", "text"),
    [
        (Action("extend", "pending"), "trying", ["Waiting for your wallet…"]),
        (Action("extend", "done"), "ok", ["Extended"]),
        (Action("extend", "failed", "refused"), "failed", ["Your wallet refused."]),
        (Action("extend", "failed", "unknown"), "attention", ["Not confirmed: your wallet has not answered yet."]),
        (Action("extend", "failed", "expired"), "failed", ["The session has ended."]),
        (Action("ping", "pending"), "trying", ["Waiting for an answer…"]),
        (
            Action("ping", "done", latency=0.0484),
            "ok",
            ["Answered in ", ["rv-number", {"n": 48, "unit": "millisecond"}]],
        ),
        (Action("ping", "failed", "unknown"), "attention", ["No answer. Open your wallet, then try again."]),
        (Action("ping", "failed", "unreachable"), "failed", ["No connection to the relay."]),
        (Action("ping", "failed", "gone"), "failed", ["Your wallet no longer knows this session."]),
        (Action("disconnect", "pending"), "trying", ["Ending the session…"]),
        (Action("disconnect", "done"), "ok", ["Ended"]),
        (Action("disconnect", "failed", "unknown"), "attention", ["Not ended: your wallet has not answered."]),
        (Action("disconnect", "failed", "client"), "failed", ["No wallet connection is running on this page."]),
        (Action("disconnect", "failed", "not_started"), "failed", ["Your wallet connection is still starting."]),
        (Action("disconnect", "failed", "weather"), "failed", ["That did not work. Try again."]),
        (Action("disconnect", "failed"), "failed", ["That did not work. Try again."]),
    ],
)
def test_the_outcome_of_an_action_stands_in_its_row(action: Action, mark: str, text: list[Any]) -> None:
    node = draw(SESSION, ACTIVE, action)
    attrs = {"key": action.kind, "data-result": action.kind, "data-phase": action.phase}
    assert outcome(node) == [["p", attrs, shape(mark), *text]]


def test_a_button_under_way_is_busy_and_the_others_work() -> None:
    found = buttons(draw(SESSION, ACTIVE, Action("extend", "pending")))
    assert found["Extend"] == {
        "type": "button",
        "data-action": "extend",
        "aria-disabled": "true",
        "aria-busy": "true",
    }
    assert "aria-disabled" not in found["Ping"]
    assert "aria-disabled" not in found["Disconnect"]


def test_two_actions_have_two_outcomes() -> None:
    said = outcome(draw(SESSION, ACTIVE, Action("extend", "pending"), Action("ping", "done", latency=0.2)))
    assert [line[1]["data-result"] for line in said] == ["extend", "ping"]


def test_details_hold_the_whole_account_the_chain_the_topic_and_the_wallets_page() -> None:
    assert draw(SESSION, details=True)[-1] == [
        "details",
        {},
        ["summary", {}, "Details"],
        [
            "dl",
            {},
            ["dt", {}, "Accounts"],
            ["dd", {}, ["bdi", {"class": "code"}, ACCOUNT]],
            ["dt", {}, "Chain"],
            ["dd", {}, ["bdi", {"class": "code"}, "stacks:1"]],
            ["dt", {}, "Topic"],
            ["dd", {}, ["bdi", {"class": "code"}, TOPIC]],
            ["dt", {}, "Wallet page"],
            [
                "dd",
                {},
                [
                    "a",
                    {"href": "https://leather.io/", "target": "_blank", "rel": "noopener noreferrer"},
                    "leather.io",
                ],
            ],
        ],
    ]


def test_details_leave_out_what_is_not_known() -> None:
    bare = replace(SESSION, accounts=(), chain_id=None, peer={"metadata": {"url": "javascript:alert(1)"}})
    assert [node[0] + ":" + str(node[2]) for node in draw(bare, details=True)[-1][3][2:]] == [
        "dt:Topic",
        f"dd:{['bdi', {'class': 'code'}, TOPIC]}",
    ]


def test_thousands_of_accounts_are_counted_not_listed() -> None:
    many = replace(SESSION, accounts=(ACCOUNT,) * 3000)
    assert part(draw(many), "who")[3][3] == " +2999"
    listed = draw(many, details=True)[-1][3]
    assert [node[2] for node in listed[3:24]] == [["bdi", {"class": "code"}, ACCOUNT]] * 20 + ["and 2980 more"]


def test_without_an_account_the_row_says_so() -> None:
    who = part(draw(replace(SESSION, accounts=(), chain_id=None)), "who")
    assert who[3] == ["p", {"class": "quiet"}, "No account", " · ", ["bdi", {}, "Unknown chain"]]


@pytest.mark.parametrize(
    ("name", "shown", "monogram"),
    [
        ("", "Unnamed wallet", "U"),
        ("\u200b\u3164", "Unnamed wallet", "U"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", "S"),
        ("\u202eexe.gnp", "exe.gnp", "E"),
        ("\ud800x", "\ufffdx", "X"),
        ("x" * 10_000_000, "x" * 199 + "…", "X"),
        ("ßeta", "ßeta", "S"),
        ("🚀", "🚀", "?"),
        ("日本", "日本", "日"),
    ],
)
def test_a_hostile_name_is_a_harmless_one(name: str, shown: str, monogram: str) -> None:
    node = draw(replace(SESSION, peer={"metadata": {"name": name}}))
    assert part(node, "who")[2][2] == ["bdi", {"id": "name-0"}, shown]
    assert part(node, "monogram")[2] == monogram


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        (ACCOUNT, "SP2J6…NRV9EJ7"),
        ("SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7", "SP2J6…NRV9EJ7"),
        ("stacks:1:SHORT", "SHORT"),
        ("stacks:1:12345678901234", "12345678901234"),
        ("stacks:1:123456789012345", "12345…9012345"),
        ("stacks:1:\u202eSP2J6\u202c", "SP2J6"),
    ],
)
def test_an_account_is_shown_by_its_ends(account: str, shown: str) -> None:
    assert short_account(account) == shown


@pytest.mark.parametrize(
    ("chain", "shown"),
    [
        ("stacks:1", "Stacks"),
        ("stacks:2147483648", "Stacks testnet"),
        ("eip155:1", "eip155:1"),
        (None, "Unknown chain"),
        ("", "Unknown chain"),
        ("x" * 100, "x" * 39 + "…"),
    ],
)
def test_a_chain_has_its_name_where_we_know_it(chain: str | None, shown: str) -> None:
    assert chain_name(chain) == shown
