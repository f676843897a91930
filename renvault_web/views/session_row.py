"""One known session in the dashboard: who, in which state, for how long, and what can be done with it.

Pure. The outcome of an action stands beside the button that was pressed. A button that cannot work now stays in its
place, ``aria-disabled``, and the row says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..session import USABLE, SessionStatus, expires_soon, is_expired, is_local
from .copy import known, say, word
from .node import ago, clean, h, link, number, until, when
from .shapes import shape

if TYPE_CHECKING:
    from ..session import WalletSession
    from .node import Child, Node
    from .snapshot import Action, SessionRow

MOST_ACCOUNTS = 20
"""Accounts listed in a session's details; a hostile wallet sends thousands."""

_SHAPES = {
    SessionStatus.ACTIVE: "ok",
    SessionStatus.RESTORING: "trying",
    SessionStatus.UNKNOWN: "idle",
    SessionStatus.NEEDS_RECONNECT: "attention",
    SessionStatus.EXPIRED: "idle",
}


def session_row(row: SessionRow, now: float, index: int, *, details: bool) -> Node:
    """Draw ``row``, the list's entry number ``index``."""
    session, status = row.session, row.status.value
    name = clean(session.wallet_name) or word("session.unnamed")
    return h(
        "li",
        {"class": "session", "key": session.topic, "data-topic": session.topic, "data-status": status},
        h("span", {"class": "monogram", "aria-hidden": True}, _monogram(name)),
        h(
            "div",
            {"class": "who"},
            h(
                "p",
                {"class": "name"},
                h("bdi", {"id": f"name-{index}"}, name),
                h("span", {"class": "badge"}, word("session.primary")) if row.primary else None,
            ),
            h("p", {"class": "quiet"}, *_account(session)),
        ),
        h("p", {"class": "status"}, shape(_SHAPES[row.status]), word(f"status.{status}")),
        _expiry(row, now),
        _buttons(row, index),
        _outcome(row, index),
        _details(session) if details else None,
    )


def _monogram(name: str) -> str:
    return next((character for character in name if character.isalnum()), "?").upper()[:1]


def _account(session: WalletSession) -> list[Child]:
    if not session.accounts:
        return [word("session.no_account"), " · ", h("bdi", None, chain_name(session.chain_id))]
    more = len(session.accounts) - 1
    return [
        h("bdi", {"class": "code"}, short_account(session.accounts[0])),
        f" {word('session.more_accounts', n=more)}" if more else None,
        " · ",
        h("bdi", None, chain_name(session.chain_id)),
    ]


def short_account(account: str) -> str:
    """Return the address of a CAIP-10 account as its first five and last seven characters."""
    address = clean(account, 400).rpartition(":")[2]
    return address if len(address) <= 14 else f"{address[:5]}…{address[-7:]}"


def chain_name(chain: str | None) -> str:
    """Return the name of a CAIP-2 chain where we know it, else the id itself."""
    shown = clean(chain, 40)
    if not shown:
        return word("chain.unknown")
    key = f"chain.{shown}"
    return word(key) if known(key) else shown


def _expiry(row: SessionRow, now: float) -> Node:
    session = row.session
    if is_local(session):  # its old session's end says nothing any more
        return h("div", {"class": "expiry"}, h("p", {"class": "quiet"}, word("session.local")))
    left = (
        say("session.expired", time=ago(session.expiry))
        if is_expired(session, now)
        else say("session.expires", time=until(session.expiry))
    )
    soon = shape("attention") if row.status in USABLE and expires_soon(session, now) else None
    return h("div", {"class": "expiry"}, h("p", None, soon, *left), h("p", {"class": "quiet"}, when(session.expiry)))


def _buttons(row: SessionRow, index: int) -> Node:
    active = row.status is SessionStatus.ACTIVE
    pending = {action.kind for action in row.actions if action.phase == "pending"}
    able = {
        "extend": active,
        "ping": active,
        "disconnect": row.status is not SessionStatus.RESTORING,  # what needs reconnect or has ended can be put away
    }
    return h(
        "div",
        {"class": "buttons", "role": "group", "aria-labelledby": f"name-{index}"},
        *(
            h(
                "button",
                {
                    "type": "button",
                    "data-action": kind,
                    "aria-disabled": None if can and kind not in pending else True,
                    "aria-busy": True if kind in pending else None,
                    "aria-describedby": None if can else f"note-{index}",
                },
                word(kind),
            )
            for kind, can in able.items()
        ),
    )


def _outcome(row: SessionRow, index: int) -> Node:
    """Return the line under the buttons: what became of them, else why they cannot be used."""
    if row.actions:
        said = [_told(action) for action in row.actions]
    elif row.status is not SessionStatus.ACTIVE:
        said = [h("p", None, word(f"note.{row.status.value}"))]
    else:
        said = []
    return h("div", {"class": "outcome quiet", "id": f"note-{index}", "role": "status"}, *said)


def _told(action: Action) -> Node:
    attrs = {"key": action.kind, "data-result": action.kind, "data-phase": action.phase}
    if action.phase == "failed":
        return h("p", attrs, shape("attention" if action.code == "unknown" else "failed"), _failure(action))
    if action.kind == "ping" and action.phase == "done":
        return h(
            "p",
            attrs,
            shape("ok"),
            *say("ping.done", time=number(round((action.latency or 0.0) * 1000), "millisecond")),
        )
    return h("p", attrs, shape("ok" if action.phase == "done" else "trying"), word(f"{action.kind}.{action.phase}"))


def _failure(action: Action) -> str:
    if action.code == "unknown":  # no answer in time; it may still come
        return word(f"{action.kind}.unknown")
    key = f"failed.{action.code}"
    return word(key if known(key) else "failed.other")


def _details(session: WalletSession) -> Node:
    shown = session.accounts[:MOST_ACCOUNTS]
    more = len(session.accounts) - len(shown)
    page = link(session.wallet_url)
    return h(
        "details",
        None,
        h("summary", None, word("details")),
        h(
            "dl",
            None,
            *_detail("accounts", *(_code(account) for account in shown), _more(more)),
            *_detail("chain", _code(session.chain_id)),
            *_detail("topic", _code(session.topic)),
            *(_detail("wallet", page) if page is not None else ()),
        ),
    )


def _detail(name: str, *values: Child) -> tuple[Node, ...]:
    found = [h("dd", None, value) for value in values if value is not None]
    return (h("dt", None, word(f"details.{name}")), *found) if found else ()


def _code(text: str | None) -> Node | None:
    shown = clean(text)
    return h("bdi", {"class": "code"}, shown) if shown else None


def _more(n: int) -> str | None:
    return word("details.more", n=n) if n else None
