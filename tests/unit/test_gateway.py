from __future__ import annotations

import json
from typing import Any

from renvault_web.gateway import Gateway
from renvault_web.manager import SessionManager
from renvault_web.testing import (
    FakeCipher,
    FakeNetwork,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

TOPIC = "a" * 64
OTHER = "b" * 64


class Page:
    """What a page sees of its gateway: the state as published so far, events, answers, trees, in their order."""

    def __init__(self, *, sessions: tuple[str, ...] = ()) -> None:
        self.clock = ManualClock()
        self.wallet = FakeWallet(self.clock, [fake_session(topic, self.clock.now() + 86_400.5) for topic in sessions])
        self.network = FakeNetwork()
        self.manager = SessionManager(
            clock=self.clock, storage=MemoryStorage(), cipher=FakeCipher(), network=self.network
        )
        self.messages: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.numbers = 0
        self.gateway = Gateway(manager=self.manager, clock=self.clock, wallet=lambda _: self.wallet, send=self._take)

    async def __aenter__(self) -> Page:
        await self.manager.start()
        self.gateway.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gateway.close()
        await self.manager.destroy()

    async def call(self, method: str, *args: object) -> dict[str, Any]:
        number = self.begin(method, *args)
        await settle()
        return self.answer(number)

    def begin(self, method: str, *args: object) -> int:
        self.numbers += 1
        self.post(type="call", id=self.numbers, method=method, args=json.dumps(args))
        return self.numbers

    def answer(self, number: int) -> dict[str, Any]:
        (answer,) = [one for one in self.messages if one["type"] == "answer" and one["id"] == number]
        return {key: value for key, value in answer.items() if key in ("value", "error")}

    def post(self, **message: object) -> None:
        self.gateway.receive(json.dumps(message))

    def events(self) -> list[tuple[str, str]]:
        return [
            (event["service"], event["name"])
            for message in self.messages
            if message["type"] == "state"
            for event in message["events"]
            if event["name"] != "status"
        ]

    def _take(self, text: str) -> None:
        message = json.loads(text)
        self.messages.append(message)
        if message["type"] == "state":
            self.state |= message["sections"]


async def test_the_first_state_has_every_section() -> None:
    async with Page() as page:
        assert sorted(page.state) == [
            "online",
            "primary",
            "reconnection",
            "reconnectionConfig",
            "sessions",
            "stats",
            "storage",
            "storageConfig",
            "stored",
        ]
        assert page.state["sessions"] == []


async def test_a_client_s_sessions_are_published_with_their_status_and_told() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        assert await page.call("manager.initialize", 1) == {"value": None}
        [session] = page.state["sessions"]
        assert (session["topic"], session["status"]) == (TOPIC, "active")
        assert session["expiry"] == round((page.clock.now() + 86_400.5) * 1000)
        assert page.state["primary"] == TOPIC
        assert ("integration", "session_created") in page.events()
        assert ("manager", "session_restored") in page.events()


async def test_only_what_changed_is_sent_again() -> None:
    async with Page() as page:
        page.messages.clear()
        await page.call("reconnection.updateConfig", {"maxAttempts": 7})
        sent = [set(message["sections"]) for message in page.messages if message["type"] == "state"]
        assert set().union(*sent) == {"reconnection", "reconnectionConfig"}
        assert page.state["reconnectionConfig"]["maxAttempts"] == 7


async def test_the_state_comes_before_the_answer_and_an_event_with_its_state() -> None:
    async with Page() as page:
        await page.call("manager.initialize", 1)
        page.messages.clear()
        number = page.begin("storage.storeSession", OTHER, {"expiry": page.clock.now() + 60, "mine": {"kept": True}})
        await settle()
        kinds = [message["type"] for message in page.messages]
        assert kinds.index("state") < kinds.index("answer")
        assert page.answer(number) == {"value": None}
        assert page.state["sessions"][0]["mine"] == {"kept": True}
        for message in page.messages:
            if message["type"] == "state" and any(event["name"] == "session_created" for event in message["events"]):
                assert "sessions" in message["sections"]


async def test_extend_ping_and_disconnect_reach_the_wallet() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        assert await page.call("integration.extendSession", TOPIC) == {"value": True}
        assert await page.call("integration.pingSession", TOPIC) == {"value": 0}
        assert await page.call("integration.disconnectSession", TOPIC) == {"value": None}
        assert [name for name, _ in page.wallet.calls] == ["extend", "ping", "disconnect"]
        assert page.state["sessions"] == []
        assert page.events()[-1] == ("integration", "session_deleted")


async def test_a_command_that_fails_is_answered_with_code_and_message() -> None:
    async with Page() as page:
        unknown = await page.call("integration.extendSession", TOPIC)
        assert unknown == {"error": {"code": "gone", "message": "There is no session aaaaaaaa."}}
        setting = await page.call("reconnection.updateConfig", {"maxAttempts": 0})
        assert setting["error"]["code"] == "config"
        stored = await page.call("storage.storeSession", TOPIC, "no session")
        assert stored == {"error": {"code": "wallet", "message": "A session must be an object, not str."}}
        missing = await page.call("storage.compressEverything")
        assert missing == {"error": {"code": "config", "message": "There is no command 'storage.compressEverything'."}}


async def test_arguments_out_of_all_bounds_are_answered_too() -> None:
    async with Page() as page:
        page.post(type="call", id=1, method="storage.storeSession", args="[" * 10_000)
        await settle()
        assert page.answer(1)["error"] == {
            "code": "config",
            "message": "What storage.storeSession was given cannot be read. The JSON nests deeper than 100 levels.",
        }


async def test_a_fault_of_ours_is_answered_without_its_inside() -> None:
    async with Page() as page:
        answer = await page.call("storage.storeSession")  # too few arguments
        assert answer == {"error": {"code": "internal", "message": "storage.storeSession failed: TypeError."}}


async def test_the_reconnection_service_may_be_initialized_alone() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        assert await page.call("reconnection.initialize", 1, {"maxAttempts": 3}) == {"value": None}
        assert page.state["reconnectionConfig"]["maxAttempts"] == 3
        assert page.state["reconnection"]["state"] == "connected"
        assert await page.call("integration.initialize", 1) == {"value": None}
        assert page.state["stats"]["activeSessions"] == 1
        assert await page.call("reconnection.reconnect") == {"value": True}


async def test_an_outage_is_told_in_order() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        await page.clock.advance(10)
        page.messages.clear()
        page.wallet.kill_relay()
        await page.clock.advance(1)
        page.wallet.relay_up()
        await page.clock.advance(1.5)
        told = [name for service, name in page.events() if service == "reconnection"]
        assert told == ["reconnecting", "reconnecting", "reconnected"]
        assert page.state["reconnection"]["state"] == "connected"


async def test_an_expired_session_is_told_to_the_manager_s_host() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        page.wallet.expire(TOPIC)
        await settle()
        assert ("integration", "session_expired") in page.events()
        assert ("manager", "session_expired") in page.events()


async def test_several_sessions_are_stored_removed_and_cleared() -> None:
    async with Page() as page:
        given = [{"topic": topic, "expiry": page.clock.now() + 60} for topic in (TOPIC, OTHER)]
        await page.call("storage.storeSessions", given)
        assert page.state["storage"]["totalSessions"] == 2
        await page.call("storage.removeSession", TOPIC)
        assert [session["topic"] for session in page.state["sessions"]] == [OTHER]
        await page.call("storage.clearAllSessions")
        assert page.state["sessions"] == []


async def test_destroy_stops_and_initialize_goes_on_with_what_was_stored() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        assert await page.call("manager.destroy") == {"value": None}
        assert page.state["reconnection"]["state"] == "stopped"
        assert page.wallet.listeners == 0
        await page.call("manager.initialize", 1)
        assert page.state["sessions"][0]["status"] == "active"


async def test_a_service_begun_alone_after_destroy_has_its_storage() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.destroy")
        assert page.state["storage"]["totalSessions"] == 0
        await page.call("integration.initialize", 1)
        assert await page.call("storage.storeSession", OTHER, {"expiry": page.clock.now() + 60}) == {"value": None}
        assert {session["topic"] for session in page.state["sessions"]} == {TOPIC, OTHER}


async def test_mounted_views_are_drawn_and_their_clicks_carried_out() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        page.post(type="mount", mount="d1", kind="dashboard", options={})
        assert await page.call("page.draw") == {"value": None}
        trees = [message for message in page.messages if message["type"] == "tree"]
        assert trees[-1]["mount"] == "d1"
        assert TOPIC in json.dumps(trees[-1]["tree"])
        page.post(type="act", mount="d1", action={"action": "disconnect", "topic": TOPIC})
        await settle()
        assert page.state["sessions"] == []
        page.post(type="unmount", mount="d1")
        page.messages.clear()
        page.network.say(online=False)
        await settle()
        assert [message for message in page.messages if message["type"] == "tree"] == []


async def test_the_state_comes_before_the_tree_of_the_same_change() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        page.post(type="mount", mount="d1", kind="dashboard", options={})
        await page.call("manager.initialize", 1)
        page.messages.clear()
        page.post(type="visible", visible=True)  # has the view drawn in the next turn, before the change is told
        page.wallet.settle_session(fake_session(OTHER, page.clock.now() + 60))
        await settle()
        with_other = [message["type"] for message in page.messages if OTHER in json.dumps(message)]
        assert with_other[0] == "state"
        assert "tree" in with_other


async def test_a_hidden_page_is_not_drawn_until_it_is_seen_again() -> None:
    async with Page() as page:
        page.post(type="visible", visible=False)
        page.post(type="mount", mount="d1", kind="dashboard", options={})
        await settle()
        assert [message for message in page.messages if message["type"] == "tree"] == []
        page.post(type="visible", visible=True)
        await settle()
        assert [message["mount"] for message in page.messages if message["type"] == "tree"] == ["d1"]


async def test_a_banner_s_element_is_told_of_success() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        page.post(type="mount", mount="b1", kind="banner", options={})
        await page.call("manager.initialize", 1)
        await page.clock.advance(10)
        page.wallet.drop()
        await page.clock.advance(2)
        told = [(one["mount"], one["name"]) for one in page.messages if one["type"] == "element"]
        assert told == [("b1", "reconnected")]


async def test_an_unknown_message_changes_nothing() -> None:
    async with Page() as page:
        page.messages.clear()
        page.post(type="nonsense")
        await settle()
        assert page.messages == []


async def test_closed_it_publishes_nothing_and_gives_up_what_runs() -> None:
    async with Page(sessions=(TOPIC,)) as page:
        await page.call("manager.initialize", 1)
        page.wallet.script("ping", "silent")
        page.begin("integration.pingSession", TOPIC)
        page.network.say(online=False)
        page.gateway.close()
        page.messages.clear()
        await settle()
        assert page.messages == []


async def test_what_comes_late_is_shown_from_then_on() -> None:
    async with Page() as page:
        assert not page.state.keys() & {"history", "migration"}
        assert await page.call("page.startLate") == {"value": None}
        assert page.state["migration"]["hasOld"] is False
        assert [entry["kind"] for entry in page.state["history"]] == ["page_started", "connection"]
        page.post(type="visible", visible=False)
        await settle()
        assert page.state["history"][-1]["kind"] == "page_hidden"


async def test_a_late_command_needs_nothing_started_before_it() -> None:
    async with Page() as page:
        assert await page.call("migration.dryRun") == {
            "value": {
                "success": True,
                "migratedCount": 0,
                "failedCount": 0,
                "timestamp": round(page.clock.now() * 1000),
                "details": [],
            }
        }
        refused = await page.call("manager.importSessions", "nonsense")
        assert refused["error"]["code"] == "import"


async def test_what_comes_late_begins_nothing_after_destroy_and_again_with_the_next_client() -> None:
    async with Page() as page:
        await page.call("manager.destroy")
        await page.call("page.startLate")
        assert page.state["history"] == []
        await page.call("reconnection.initialize", 1, {})
        assert page.state["history"][0]["kind"] == "page_started"


async def test_the_storage_s_settings_change_one_by_one() -> None:
    async with Page() as page:
        both = [
            page.begin("storage.updateConfig", {"compressionEnabled": False}),
            page.begin("storage.updateConfig", {"maxStorageSize": 5_000}),
        ]
        await settle()
        assert [page.answer(number) for number in both] == [{"value": None}] * 2
        assert page.state["storageConfig"] == {
            "encryptionEnabled": True,
            "compressionEnabled": False,
            "maxStorageSize": 5_000,
        }
        refused = await page.call("storage.updateConfig", {"maxStorageSize": "5 MB"})
        assert refused["error"]["message"].startswith("maxStorageSize must be a whole number of bytes")
