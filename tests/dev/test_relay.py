import base64
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from dev.relay import RelayThread
from dev.trouble import CommandError

TOPIC = "ab" * 32
DAPP = "did:key:z6Mk" + "d" * 44
WALLET = "did:key:z6Mk" + "w" * 44
PATIENCE = 0.2  # s: how long "nothing comes" is watched


def token(**changed: Any) -> str:
    claims = {"iss": DAPP, "sub": "ab" * 32, "aud": "ws://127.0.0.1", "iat": 1_800_000_000, "exp": 1_800_086_400}
    parts = [{"alg": "EdDSA", "typ": "JWT"}, claims | changed]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2ln"])


def join(relay: RelayThread, client_id: str = DAPP, open_timeout: float = 5) -> ClientConnection:
    url = f"{relay.url}/?auth={token(iss=client_id)}&projectId=&ua=wc-2&useOnCloseEvent=true"
    return connect(url, open_timeout=open_timeout, close_timeout=1, ping_interval=None, proxy=None, legacy=True)


def call(client: ClientConnection, method: str, **params: Any) -> Any:
    client.send(json.dumps({"id": "1798765432109876543", "jsonrpc": "2.0", "method": method, "params": params}))
    return receive(client)["result"]


def receive(client: ClientConnection, limit: float = 5) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(client.recv(timeout=limit))
    return reply


@pytest.fixture
def relay() -> Iterator[RelayThread]:
    with RelayThread() as relay:
        yield relay


def test_a_message_crosses_and_is_gone_once_acknowledged(relay: RelayThread) -> None:
    with join(relay) as dapp, join(relay, WALLET) as wallet:
        call(wallet, "irn_subscribe", topic=TOPIC)
        assert call(dapp, "irn_publish", topic=TOPIC, message="sealed", ttl=300, tag=1108) is True
        push = receive(wallet)
        assert push["params"]["data"]["message"] == "sealed"
        assert relay.control("stats") == {"mode": "up", "sockets": 2, "subscriptions": 1, "mailbox": 1}
        wallet.send(json.dumps({"id": push["id"], "jsonrpc": "2.0", "result": True}))
        call(wallet, "irn_subscribe", topic=TOPIC)
        assert relay.control("stats")["mailbox"] == 0


def test_the_log_counts_handshakes_calls_and_publications_until_it_is_cleared(relay: RelayThread) -> None:
    before = time.time()
    with join(relay) as dapp:
        call(dapp, "irn_publish", topic=TOPIC, message="sealed", ttl=300, tag=1108)
        log = relay.control("log")
        (handshake,) = log["handshakes"]
        assert before <= handshake.pop("at") <= time.time()
        assert handshake == {"clientId": DAPP, "accepted": True}
        assert (log["methods"], log["tags"]) == ({"irn_publish": 1}, {"1108": 1})
        assert relay.control("clear") == {}
        assert relay.control("log") == {"handshakes": [], "methods": {}, "tags": {}}


@pytest.mark.parametrize(
    "auth",
    ["", "x", "x.y.z", "x.W10.z", token(iss="me"), token(iss=1), token(exp=1), token(iat=None), token(aud=None)],
)
def test_a_handshake_without_proper_claims_is_closed_with_3000(relay: RelayThread, auth: str) -> None:
    with connect(f"{relay.url}/?auth={auth}", proxy=None) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3000, "JWT Token is invalid: claims")
    assert [entry["accepted"] for entry in relay.control("log")["handshakes"]] == [False]


def test_killed_means_dead_sockets_and_nobody_on_the_port_until_up(relay: RelayThread) -> None:
    with join(relay) as dapp:
        relay.control("kill")
        with pytest.raises(ConnectionClosedError):
            dapp.recv(timeout=5)
        with pytest.raises(ConnectionRefusedError):
            join(relay)
        url = relay.url
        relay.control("up")
        assert relay.url == url
        with join(relay) as again:
            assert isinstance(call(again, "irn_subscribe", topic=TOPIC), str)


def test_a_message_outlives_the_relay_being_killed(relay: RelayThread) -> None:
    with join(relay) as dapp:
        call(dapp, "irn_publish", topic=TOPIC, message="sealed", ttl=300, tag=1108)
    relay.control("kill")
    relay.control("up")
    with join(relay, WALLET) as wallet:
        call(wallet, "irn_subscribe", topic=TOPIC)
        assert receive(wallet)["params"]["data"]["message"] == "sealed"


def test_reset_cuts_off_and_counts_the_attempts(relay: RelayThread) -> None:
    with join(relay) as dapp:
        relay.control("clear")
        relay.control("reset")
        with pytest.raises(ConnectionClosedError):
            dapp.recv(timeout=5)
        for _ in range(3):
            with pytest.raises((InvalidHandshake, OSError, EOFError)), join(relay):
                pass
    assert [entry["clientId"] for entry in relay.control("log")["handshakes"]] == [DAPP] * 3


def test_refuse_answers_503_and_leaves_open_sockets(relay: RelayThread) -> None:
    with join(relay) as dapp:
        relay.control("refuse")
        with pytest.raises(InvalidStatus) as refused:
            join(relay)
        assert refused.value.response.status_code == 503
        assert isinstance(call(dapp, "irn_subscribe", topic=TOPIC), str)
    assert [entry["accepted"] for entry in relay.control("log")["handshakes"]] == [True, False]


def test_reject_closes_as_a_relay_does_that_reads_another_clock(relay: RelayThread) -> None:
    relay.control("reject")
    with join(relay) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3000, "JWT Token is not yet valid: basic claims")


def test_hang_never_answers_a_handshake(relay: RelayThread) -> None:
    relay.control("hang")
    with pytest.raises(TimeoutError):
        join(relay, open_timeout=PATIENCE)
    assert [entry["accepted"] for entry in relay.control("log")["handshakes"]] == [False]
    relay.control("up")
    with join(relay) as client:
        assert isinstance(call(client, "irn_subscribe", topic=TOPIC), str)


def test_silent_answers_nobody_and_reads_on_after_up(relay: RelayThread) -> None:
    with join(relay) as dapp:
        relay.control("silent")
        with join(relay, WALLET) as wallet:
            for client in (dapp, wallet):
                client.send(
                    json.dumps({"id": 1, "jsonrpc": "2.0", "method": "irn_subscribe", "params": {"topic": TOPIC}})
                )
                with pytest.raises(TimeoutError):
                    client.recv(timeout=PATIENCE)
            relay.control("up")
            assert [receive(client)["id"] for client in (dapp, wallet)] == [1, 1]


def test_close_ends_the_sockets_of_one_client_with_code_and_reason(relay: RelayThread) -> None:
    with join(relay) as dapp, join(relay, WALLET) as wallet:
        assert relay.control("close", code=4008, reason="heavy", client=WALLET) == {"closed": 1}
        with pytest.raises(ConnectionClosed) as closed:
            wallet.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4008, "heavy")
        assert isinstance(call(dapp, "irn_subscribe", topic=TOPIC), str)


def test_close_1006_cuts_off_without_a_close_frame(relay: RelayThread) -> None:
    with join(relay) as dapp:
        assert relay.control("close", code=1006) == {"closed": 1}
        with pytest.raises(ConnectionClosedError) as closed:
            dapp.recv(timeout=5)
        assert closed.value.rcvd is None


def test_delay_holds_each_text_back_and_keeps_their_order(relay: RelayThread) -> None:
    with join(relay) as dapp:
        relay.control("delay", ms=300)
        started = time.monotonic()
        for number in (1, 2):
            dapp.send(json.dumps({"id": number, "method": "irn_subscribe", "params": {"topic": TOPIC}}))
        assert [receive(dapp)["id"] for _ in (1, 2)] == [1, 2]
        assert 0.3 <= time.monotonic() - started < 0.6


@pytest.mark.parametrize(
    ("arguments", "arrived"),
    [
        ({"count": 2}, ["2", "3", "4", "5"]),
        ({"ratio": 0.5}, ["0", "2", "4"]),
        ({"tag": 1}, ["0", "2", "4"]),
        ({"tag": 1, "count": 1}, ["0", "2", "3", "4", "5"]),
        ({}, []),
    ],
)
def test_drop_loses_the_pushes_it_was_told_to(
    relay: RelayThread, arguments: dict[str, Any], arrived: list[str]
) -> None:
    with join(relay) as dapp, join(relay, WALLET) as wallet:
        call(wallet, "irn_subscribe", topic=TOPIC)
        relay.control("drop", **arguments)
        for number in range(6):
            call(dapp, "irn_publish", topic=TOPIC, message=str(number), ttl=300, tag=number % 2)
        wallet.send('{"id":"end","method":"irn_fetchMessages","params":{"topic":"' + "cd" * 32 + '"}}')
        texts = []
        while (text := receive(wallet))["id"] != "end":
            texts.append(text["params"]["data"]["message"])
        assert texts == arrived


def test_a_frame_over_the_limit_ends_that_socket_alone(relay: RelayThread) -> None:
    with join(relay) as dapp, join(relay, WALLET) as wallet:
        dapp.send("x" * ((1 << 20) + 1))
        with pytest.raises(ConnectionClosed) as closed:
            dapp.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert isinstance(call(wallet, "irn_subscribe", topic=TOPIC), str)


def test_a_plain_request_tells_that_the_host_is_there(relay: RelayThread) -> None:
    url = relay.url.replace("ws:", "http:")
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.read() == b"the relay is here\n"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    relay.control("refuse")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=5)
    refused.value.close()
    assert refused.value.code == 503
    assert relay.control("log")["handshakes"] == []


def test_the_control_port_takes_commands_from_another_process(relay: RelayThread) -> None:
    with connect(relay.control_url, proxy=None) as control:
        control.send('{"command": "refuse"}')
        assert json.loads(control.recv(timeout=5)) == {"ok": True}
        control.send('{"command": "stats"}')
        assert json.loads(control.recv(timeout=5)) == {
            "ok": True,
            "mode": "refuse",
            "sockets": 0,
            "subscriptions": 0,
            "mailbox": 0,
        }
        for nonsense in ("no json", "[" * 100_000, "[]", '{"command": "fly"}', b"\xff"):
            control.send(nonsense)
            assert json.loads(control.recv(timeout=5))["ok"] is False


def test_the_control_port_turns_foreign_pages_away(relay: RelayThread) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(relay.control_url, origin=Origin("http://evil.example"), proxy=None, legacy=True)
    assert refused.value.response.status_code == 403
    with connect(relay.control_url, origin=Origin("http://127.0.0.1:8000"), proxy=None) as control:
        control.send('{"command": "stats"}')
        assert json.loads(control.recv(timeout=5))["ok"] is True


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("close", {"code": 1005}),
        ("close", {"code": 200}),
        ("close", {"reason": "é" * 62}),
        ("reject", {"reason": "\ud800"}),
        ("close", {"code": "1001"}),
        ("delay", {"ms": -1}),
        ("delay", {"ms": True}),
        ("delay", {"ms": float("nan")}),
        ("drop", {"ratio": 2}),
        ("drop", {"count": -1}),
        ("up", {"now": 1}),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(relay: RelayThread, command: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        relay.control(command, **arguments)


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        RelayThread(port=taken.getsockname()[1]).__enter__()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        RelayThread(control_port=taken.getsockname()[1]).__enter__()


@pytest.mark.parametrize("mode", ["up", "kill", "hang", "silent"])
def test_it_ends_at_once_in_every_mode(mode: str) -> None:
    with RelayThread() as relay:
        client = join(relay)
        relay.control(mode)
        waiting = socket.create_connection(("127.0.0.1", int(relay.url.rpartition(":")[2]))) if mode == "hang" else None
        started = time.monotonic()
    assert time.monotonic() - started < 1
    client.close()
    if waiting is not None:
        waiting.close()
