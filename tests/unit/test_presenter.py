"""renvault_web.presenter: the real services over fakes, what is drawn when, and what clicks come to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.errors import WalletError
from renvault_web.manager import SessionManager
from renvault_web.presenter import Presenter
from renvault_web.reconnect import ConnectionState
from renvault_web.session import SessionStats, SessionStatus, parse_session
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)
from renvault_web.views.snapshot import Action, SessionRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOPIC = "a" * 64
DAY = 86_400.0
SESSION = fake_session(TOPIC, START + 6 * DAY)


@dataclass
class World:
    clock: ManualClock
    network: FakeNetwork
    wallet: FakeWallet
    manager: SessionManager
    trees: list[tuple[str, Any]] = field(default_factory=list)  # mount, tree
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    presenter: Presenter = field(init=False)

    def __post_init__(self) -> None:
        self.presenter = Presenter(
            manager=self.manager,
            clock=self.clock,
            render=lambda mount, text: self.trees.append((mount, json.loads(text))),
            emit=lambda mount, name, detail: self.events.append((mount, name, detail)),
        )

    def tree(self, mount: str) -> Any:
        return [tree for drawn, tree in self.trees if drawn == mount][-1]

    def banner(self) -> str | None:
        """What the banner is about: "reconnecting", …, None while it is hidden."""
        state: str | None = self.tree("b")[1].get("data-state")
        return state

    def actions(self) -> tuple[Action, ...]:
        (session,) = self.presenter.snapshot().sessions
        return session.actions

    async def mount(self, *kinds: str) -> None:
        for kind in kinds:
            self.presenter.mount(kind[0], kind, {})
        await settle()
        self.trees.clear()

    async def lose_relay(self) -> None:
        self.wallet.kill_relay()
        await settle()


@asynccontextmanager
async def world(*sessions: Any, adopt: bool = True) -> AsyncIterator[World]:
    clock, network = ManualClock(), FakeNetwork()
    wallet = FakeWallet(clock, sessions or [SESSION])
    manager = SessionManager(
        clock=clock, storage=MemoryStorage(), cipher=FakeCipher(), network=network, random=lambda: 0.0
    )
    here = World(clock, network, wallet, manager)
    await manager.start()
    if adopt:
        await manager.initialize(wallet)
    await manager.history.flush()  # its size is drawn
    await settle()
    try:
        yield here
    finally:
        here.presenter.close()
        await manager.destroy()
        await settle()
        assert clock.sleeping == 0


# Seeing


async def test_the_snapshot_is_what_the_services_know() -> None:
    async with world() as here:
        snapshot = here.presenter.snapshot()
        assert snapshot.now == START
        assert snapshot.sessions == (SessionRow(parse_session(SESSION), SessionStatus.ACTIVE, primary=True),)
        assert snapshot.stats == SessionStats(total_sessions=1, active_sessions=1)
        assert snapshot.connection is here.manager.get_reconnection_status()
        assert snapshot.connection.state is ConnectionState.CONNECTED
        assert snapshot.online
        assert snapshot.storage == here.manager.get_storage_stats()
        assert snapshot.problems == ()


async def test_the_snapshot_tells_of_a_client_that_keeps_its_keys_in_the_clear() -> None:
    async with world() as here:
        assert not here.presenter.snapshot().keys_in_clear
    async with world(adopt=False) as here:
        here.wallet.keeps_keys_sealed = False
        await here.manager.initialize(here.wallet)
        assert here.presenter.snapshot().keys_in_clear
        await here.manager.destroy()
        assert not here.presenter.snapshot().keys_in_clear, "there is no client"


async def test_the_snapshot_tells_of_the_network() -> None:
    async with world() as here:
        here.network.say(online=False)
        await settle()
        snapshot = here.presenter.snapshot()
        assert (snapshot.connection.state, snapshot.online) == (ConnectionState.OFFLINE, False)


async def test_what_does_not_work_is_in_the_snapshot() -> None:
    class Deaf(FakeWallet):
        def sessions(self) -> list[Any]:
            raise WalletError("The client cannot list its sessions.", code="client")

    async with world(adopt=False) as here:
        await here.manager.initialize(Deaf(here.clock))
        assert here.presenter.snapshot().problems == ("The client cannot list its sessions.",)


# Drawing


async def test_a_mounted_view_is_drawn_at_the_loops_next_turn() -> None:
    async with world() as here:
        here.presenter.mount("b", "banner", {})
        here.presenter.mount("d", "dashboard", {})
        assert here.trees == []
        await asyncio.sleep(0)
        assert [mount for mount, _ in here.trees] == ["b", "d"]
        assert here.banner() is None
        assert here.tree("d")[1]["class"] == "dashboard"


async def test_many_changes_in_a_turn_are_drawn_once() -> None:
    async with world() as here:
        await here.mount("dashboard")
        for _ in range(5):
            here.presenter.refresh()
        here.wallet.settle_session(fake_session("b" * 64, START + DAY))
        await settle()
        assert len(here.trees) <= 3  # the list, then what storing it changed
        here.trees.clear()
        for _ in range(5):
            here.presenter.refresh()
        await settle()
        assert here.trees == []


async def test_what_has_not_changed_is_not_sent_again() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        await here.clock.advance(12)
        assert here.trees == []


async def test_new_options_are_drawn() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.presenter.mount("d", "dashboard", {"enabled": False})
        await settle()
        assert here.tree("d")[1]["hidden"] is True


async def test_an_unknown_kind_of_view_is_logged_and_not_mounted(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:
        here.presenter.mount("x", "popup", {})
        await settle()
        assert here.trees == []
        assert "There is no view 'popup'" in caplog.text


async def test_the_dashboard_looks_again_by_itself() -> None:
    async with world(fake_session(TOPIC, START + DAY + 7)) as here:
        await here.mount("dashboard")
        await here.clock.advance(10)
        assert json.dumps(here.tree("d")).count('"attention"') == 2  # the figure's and the session's


async def test_a_hidden_page_is_neither_drawn_nor_woken() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        sleeping = here.clock.sleeping
        here.presenter.set_visible(False)
        await settle()
        assert here.clock.sleeping == sleeping - 1
        await here.lose_relay()
        await here.clock.advance(60)
        assert here.trees == []
        here.presenter.set_visible(True)
        await settle()
        assert here.banner() == "failed"


async def test_without_views_it_listens_to_nothing() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        here.presenter.unmount("b")
        here.presenter.unmount("d")
        here.presenter.unmount("d")
        await here.lose_relay()
        await here.clock.advance(60)
        assert not here.trees
        assert not here.events
        here.presenter.mount("b", "banner", {})
        await here.clock.advance(2)
        assert here.banner() == "failed"


# The banner's time


async def test_a_short_loss_is_never_shown() -> None:
    async with world() as here:
        await here.mount("banner")
        await here.lose_relay()
        here.wallet.relay_up()
        await here.clock.advance(10)
        assert here.trees == []


async def test_a_loss_shows_after_the_grace_and_its_good_end_leaves() -> None:
    async with world() as here:
        await here.mount("banner")
        await here.lose_relay()
        await here.clock.advance(1.9)
        assert here.trees == []
        await here.clock.advance(0.1)
        assert here.banner() == "reconnecting"
        here.wallet.relay_up()
        await here.clock.advance(2)
        assert here.banner() == "reconnected"
        await here.clock.advance(3.4)  # the second attempt brought it back, 2.5 s after the loss
        assert here.banner() == "reconnected"
        await here.clock.advance(0.1)
        assert here.banner() is None


async def test_a_ping_into_the_loss_shows_it_at_once() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        await here.lose_relay()
        await here.presenter.act("d", {"action": "ping", "topic": TOPIC})
        await settle()
        assert here.banner() == "reconnecting"
        assert here.actions() == (Action("ping", "failed", code="unreachable"),)


async def test_dismiss_makes_a_pill_that_opens_again() -> None:
    async with world() as here:
        await here.mount("banner")
        await here.lose_relay()
        await here.clock.advance(3)
        await here.presenter.act("b", {"action": "dismiss"})
        await settle()
        assert here.tree("b")[1]["class"] == "banner pill"
        await here.presenter.act("b", {"action": "open"})
        await settle()
        assert here.tree("b")[1]["class"] == "banner card"


async def test_dismiss_and_open_are_the_affair_of_their_own_banner() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        here.presenter.mount("b2", "banner", {})
        await here.lose_relay()
        await here.clock.advance(3)
        here.trees.clear()
        await here.presenter.act("b2", {"action": "dismiss"})
        await settle()
        assert [(mount, tree[1]["class"]) for mount, tree in here.trees] == [("b2", "banner pill")]
        await here.presenter.act("b", {"action": "open"})
        await settle()
        assert [mount for mount, _ in here.trees] == ["b2"]


@pytest.mark.parametrize("mount", ["d", "gone"])
async def test_what_is_no_banner_cannot_be_dismissed(mount: str, caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:
        await here.mount("dashboard")
        await here.presenter.act(mount, {"action": "dismiss"})
        await settle()
        assert here.trees == []
        assert "A view asked for what cannot be done: 'dismiss'." in caplog.text


async def test_retry_tries_at_once() -> None:
    async with world() as here:
        await here.mount("banner")
        await here.lose_relay()
        await here.clock.advance(3)
        here.wallet.relay_up()
        await here.presenter.act("b", {"action": "retry"})
        await settle()
        assert here.banner() == "reconnected"


async def test_retry_before_anything_has_started_does_no_harm() -> None:
    async with world() as here:
        await here.manager.destroy()
        await here.presenter.act("b", {"action": "retry"})


async def test_the_element_is_told_of_the_end_good_or_bad() -> None:
    async with world() as here:
        await here.mount("banner", "dashboard")
        here.presenter.mount("off", "banner", {"enabled": False})
        await here.lose_relay()
        await here.clock.advance(30)
        assert [(mount, name, detail["attemptCount"]) for mount, name, detail in here.events] == [("b", "failed", 5)]
        here.events.clear()
        here.wallet.relay_up()
        await here.presenter.act("b", {"action": "retry"})
        await settle()
        assert [(mount, name, detail["restoredTopics"]) for mount, name, detail in here.events] == [
            ("b", "reconnected", [TOPIC])
        ]


# Actions


async def test_an_extend_is_pending_until_the_wallet_has_answered() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.wallet.approves_extend = False
        acting = asyncio.ensure_future(here.presenter.act("d", {"action": "extend", "topic": TOPIC}))
        await settle()
        assert here.actions() == (Action("extend", "pending"),)
        await here.clock.advance(15)
        await acting
        assert here.actions() == (Action("extend", "failed", code="unknown"),)


async def test_an_outcome_fades_after_six_seconds() -> None:
    async with world() as here:
        await here.mount("dashboard")
        await here.presenter.act("d", {"action": "extend", "topic": TOPIC})
        assert here.actions() == (Action("extend", "done"),)
        await here.clock.advance(5.9)
        assert here.actions() == (Action("extend", "done"),)
        await here.clock.advance(0.1)
        assert here.actions() == ()
        assert "Extended" not in json.dumps(here.tree("d"))


async def test_a_ping_tells_how_long_it_took() -> None:
    async with world() as here:
        await here.mount("dashboard")
        await here.presenter.act("d", {"action": "ping", "topic": TOPIC})
        assert here.actions() == (Action("ping", "done", latency=0.0),)


async def test_a_second_press_while_the_first_is_pending_does_nothing() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.wallet.script("ping", "silent")
        acting = asyncio.ensure_future(here.presenter.act("d", {"action": "ping", "topic": TOPIC}))
        await settle()
        await here.presenter.act("d", {"action": "ping", "topic": TOPIC})
        assert here.wallet.calls == [("ping", TOPIC)]
        await here.clock.advance(10)
        await acting


async def test_different_actions_of_a_session_stand_side_by_side() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.wallet.approves_extend = False
        acting = asyncio.ensure_future(here.presenter.act("d", {"action": "extend", "topic": TOPIC}))
        await settle()
        await here.presenter.act("d", {"action": "ping", "topic": TOPIC})
        assert here.actions() == (Action("extend", "pending"), Action("ping", "done", latency=0.0))
        await here.clock.advance(15)
        await acting


async def test_disconnect_ends_the_session() -> None:
    async with world() as here:
        await here.mount("dashboard")
        await here.presenter.act("d", {"action": "disconnect", "topic": TOPIC})
        await settle()
        assert here.presenter.snapshot().sessions == ()
        assert here.tree("d")[4][1]["class"] == "empty"


async def test_an_error_that_is_not_ours_leaves_no_button_pending() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.wallet.script("ping", RuntimeError("the SDK is broken"))
        with pytest.raises(RuntimeError):
            await here.presenter.act("d", {"action": "ping", "topic": TOPIC})
        assert here.actions() == (Action("ping", "failed"),)


async def test_a_page_that_goes_while_an_action_runs_leaves_nothing() -> None:
    async with world() as here:
        await here.mount("dashboard")
        here.wallet.script("ping", "silent")
        acting = asyncio.ensure_future(here.presenter.act("d", {"action": "ping", "topic": TOPIC}))
        await settle()
        here.presenter.close()
        here.trees.clear()
        acting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await acting
        await here.clock.advance(20)
        assert here.trees == []


@pytest.mark.parametrize(
    "given",
    [
        None,
        "extend",
        [],
        {},
        {"action": "extend"},
        {"action": "extend", "topic": "unknown"},
        {"action": "extend", "topic": 7},
        {"action": "extend", "topic": [TOPIC]},
        {"action": "destroy", "topic": TOPIC},
        {"action": ["extend"], "topic": TOPIC},
        {"action": "__class__", "topic": TOPIC},
    ],
)
async def test_an_action_that_makes_no_sense_is_logged_and_ignored(
    given: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as here:
        await here.mount("dashboard")
        await here.presenter.act("d", given)
        assert (here.wallet.calls, here.actions()) == ([], ())
        assert "A view asked for what cannot be done" in caplog.text
        assert TOPIC not in caplog.text
