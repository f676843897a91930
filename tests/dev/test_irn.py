import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.irn import MESSAGES_A_TOPIC, Client, Relay

TOPIC = "ab" * 32
OTHER = "cd" * 32
NOW = 1_800_000_000.25


class Desk:
    """A relay with a clock that stands still, and clients whose mail is kept."""

    def __init__(self) -> None:
        self.now = NOW
        self.lost: set[int] = set()
        self.relay = Relay(lambda: self.now, lambda tag: tag in self.lost)
        self.mail: dict[int, list[dict[str, Any]]] = {}

    def connect(self, client_id: str) -> Client:
        mail: list[dict[str, Any]] = []
        client = self.relay.connect(client_id, lambda text: mail.append(json.loads(text)))
        self.mail[id(client)] = mail
        return client

    def got(self, client: Client) -> list[dict[str, Any]]:
        mail, self.mail[id(client)][:] = list(self.mail[id(client)]), []
        return mail

    def call(self, client: Client, method: str, **params: Any) -> Any:
        """Call, and return the result; pushes that came with it stay in the mail."""
        before = len(self.mail[id(client)])
        self.relay.receive(client, json.dumps({"id": "1" * 19, "jsonrpc": "2.0", "method": method, "params": params}))
        reply = self.mail[id(client)].pop(before)
        return reply.get("result", reply.get("error"))

    def publish(self, client: Client, message: str, topic: str = TOPIC, ttl: int = 300, tag: int = 1108) -> None:
        assert self.call(client, "irn_publish", topic=topic, message=message, ttl=ttl, tag=tag, prompt=True) is True

    def messages(self, client: Client) -> list[str]:
        return [push["params"]["data"]["message"] for push in self.got(client)]

    def acknowledge(self, client: Client, push: dict[str, Any]) -> None:
        self.relay.receive(client, json.dumps({"id": push["id"], "jsonrpc": "2.0", "result": True}))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_19_digit_id_comes_back_as_the_text_it_was(desk: Desk) -> None:
    client = desk.connect("dapp")
    desk.relay.receive(
        client,
        '{"id":"1798765432109876543","jsonrpc":"2.0","method":"irn_subscribe","params":{"topic":"' + TOPIC + '"}}',
    )
    subscription = hashlib.sha256((TOPIC + "dapp").encode()).hexdigest()
    assert desk.got(client) == [{"id": "1798765432109876543", "jsonrpc": "2.0", "result": subscription}]


def test_a_message_reaches_the_other_subscribers_with_all_it_carries(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    subscription = desk.call(wallet, "irn_subscribe", topic=TOPIC)
    desk.publish(dapp, "sealed")
    data = {"topic": TOPIC, "message": "sealed", "publishedAt": 1_800_000_000_250, "tag": 1108}
    assert desk.got(wallet) == [
        {
            "id": "1800000000250000001",
            "jsonrpc": "2.0",
            "method": "irn_subscription",
            "params": {"id": subscription, "data": data},
        }
    ]


def test_the_answer_comes_before_what_it_sets_off(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.publish(dapp, "sealed")
    desk.relay.receive(
        wallet, json.dumps({"id": 7, "jsonrpc": "2.0", "method": "irn_subscribe", "params": {"topic": TOPIC}})
    )
    assert [mail.get("method", mail["id"]) for mail in desk.got(wallet)] == [7, "irn_subscription"]


def test_a_client_never_gets_its_own_message_in_any_of_its_tabs(desk: Desk) -> None:
    tab, other_tab = desk.connect("dapp"), desk.connect("dapp")
    desk.call(tab, "irn_subscribe", topic=TOPIC)
    desk.call(other_tab, "irn_subscribe", topic=TOPIC)
    desk.publish(tab, "sealed")
    desk.call(other_tab, "irn_subscribe", topic=TOPIC)
    assert desk.got(tab) == []
    assert desk.got(other_tab) == []


def test_messages_wait_in_order_until_someone_subscribes(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.publish(dapp, "first")
    desk.publish(dapp, "second", topic=OTHER)
    desk.publish(dapp, "third")
    ids = desk.call(wallet, "irn_batchSubscribe", topics=[TOPIC, OTHER])
    assert ids == [hashlib.sha256((topic + "wallet").encode()).hexdigest() for topic in (TOPIC, OTHER)]
    assert desk.messages(wallet) == ["first", "third", "second"]


def test_a_message_leaves_the_mailbox_when_its_ttl_ends(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.publish(dapp, "short", ttl=10)
    desk.publish(dapp, "long", ttl=11)
    desk.now = NOW + 10
    assert desk.relay.stats()["mailbox"] == 1
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    assert desk.messages(wallet) == ["long"]


def test_what_was_not_acknowledged_is_delivered_again(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    desk.publish(dapp, "acknowledged")
    desk.publish(dapp, "lost on the way")
    desk.acknowledge(wallet, desk.got(wallet)[0])
    desk.relay.disconnect(wallet)
    back = desk.connect("wallet")
    desk.call(back, "irn_subscribe", topic=TOPIC)
    assert desk.messages(back) == ["lost on the way"]


def test_an_error_is_no_acknowledgement(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    desk.publish(dapp, "sealed")
    (push,) = desk.got(wallet)
    desk.relay.receive(wallet, json.dumps({"id": push["id"], "jsonrpc": "2.0", "error": {"code": 1}}))
    assert desk.relay.stats()["mailbox"] == 1


def test_a_message_published_again_waits_once(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.publish(dapp, "sealed")
    desk.publish(dapp, "sealed")
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    assert desk.messages(wallet) == ["sealed"]


def test_a_lost_push_waits_for_the_next_subscription(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    desk.lost = {1108}
    desk.publish(dapp, "sealed")
    assert desk.got(wallet) == []
    desk.lost = set()
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    assert desk.messages(wallet) == ["sealed"]


def test_unsubscribed_means_no_push_and_the_message_waits(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    subscription = desk.call(wallet, "irn_subscribe", topic=TOPIC)
    assert desk.call(wallet, "irn_unsubscribe", topic=TOPIC, id=subscription) is True
    desk.publish(dapp, "sealed")
    assert desk.got(wallet) == []
    assert desk.relay.stats() == {"sockets": 2, "subscriptions": 0, "mailbox": 1}


def test_batches_do_what_their_single_calls_do(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    messages = [{"topic": topic, "message": topic[:2], "ttl": 60, "tag": 1} for topic in (TOPIC, OTHER)]
    assert desk.call(dapp, "irn_batchPublish", messages=messages) is True
    desk.call(wallet, "irn_batchSubscribe", topics=[TOPIC, OTHER])
    assert desk.messages(wallet) == ["ab", "cd"]
    gone = [{"topic": TOPIC, "id": "x"}, {"topic": OTHER, "id": "y"}]
    assert desk.call(wallet, "irn_batchUnsubscribe", subscriptions=gone) is True
    assert desk.relay.stats()["subscriptions"] == 0


def test_fetching_gives_what_waits_and_leaves_it(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    desk.publish(dapp, "sealed")
    data = {"topic": TOPIC, "message": "sealed", "publishedAt": 1_800_000_000_250, "tag": 1108}
    expected = {"messages": [data], "hasMore": False}
    assert desk.call(wallet, "irn_fetchMessages", topic=TOPIC) == expected
    assert desk.call(wallet, "irn_batchFetchMessages", topics=[OTHER, TOPIC]) == expected
    assert desk.call(dapp, "irn_fetchMessages", topic=TOPIC) == {"messages": [], "hasMore": False}


def test_a_proposal_subscribes_its_sender_and_an_approval_answers_on_both_topics(desk: Desk) -> None:
    dapp, wallet = desk.connect("dapp"), desk.connect("wallet")
    proposal = {"pairingTopic": TOPIC, "sessionProposal": "proposal", "ttl": 300, "attestation": "jwt"}
    assert desk.call(dapp, "wc_proposeSession", **proposal) is True
    desk.call(wallet, "irn_subscribe", topic=TOPIC)
    (push,) = desk.got(wallet)
    assert push["params"]["data"] == {
        "topic": TOPIC,
        "message": "proposal",
        "publishedAt": 1_800_000_000_250,
        "tag": 1100,
        "attestation": "jwt",
    }
    desk.acknowledge(wallet, push)
    approval = {"sessionProposalResponse": "response", "sessionSettlementRequest": "settlement", "ttl": 300}
    assert desk.call(wallet, "wc_approveSession", sessionTopic=OTHER, pairingTopic=TOPIC, **approval) is True
    desk.call(dapp, "irn_subscribe", topic=OTHER)
    assert [
        (push["params"]["data"]["topic"], push["params"]["data"]["message"], push["params"]["data"]["tag"])
        for push in desk.got(dapp)
    ] == [(TOPIC, "response", 1101), (OTHER, "settlement", 1102)]
    desk.publish(dapp, "ping", topic=OTHER, tag=1114)
    assert desk.messages(wallet) == ["ping"]
    assert desk.relay.tags == {"1100": 1, "1101": 1, "1102": 1, "1114": 1}
    assert desk.relay.methods == {"wc_proposeSession": 1, "wc_approveSession": 1, "irn_subscribe": 2, "irn_publish": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", -32700),
        ("[" * 100_000, -32700),
        ('{"id":' + "9" * 5_000 + "}", -32700),
        ('{"id":NaN}', -32700),
        (b"\xff", -32700),
        ("[]", -32600),
        ('{"id":null,"method":"irn_publish"}', -32600),
        ('{"id":true,"method":"irn_publish"}', -32600),
        ('{"id":"' + "1" * 65 + '","method":"irn_publish"}', -32600),
        ('{"id":1,"method":"irn_nothing","params":{}}', -32601),
        ('{"id":1,"method":["irn_publish"],"params":{}}', -32601),
        ('{"id":1,"method":"irn_publish"}', -32602),
        ('{"id":1,"method":"irn_publish","params":[]}', -32602),
        ('{"id":1,"method":"irn_subscribe","params":{"topic":"short"}}', -32602),
        ('{"id":1,"method":"irn_batchSubscribe","params":{"topics":[1]}}', -32602),
        ('{"id":1,"method":"irn_batchPublish","params":{"messages":[1]}}', -32602),
    ],
)
def test_hostile_text_is_answered_with_an_error(desk: Desk, text: str | bytes, code: int) -> None:
    client = desk.connect("dapp")
    desk.relay.receive(client, text)
    assert [reply["error"]["code"] for reply in desk.got(client)] == [code]


@pytest.mark.parametrize(
    "wrong", [{"message": ""}, {"message": 1}, {"ttl": 0}, {"ttl": 2_592_001}, {"ttl": 1.5}, {"tag": -1}, {"tag": True}]
)
def test_a_publication_out_of_form_is_refused_and_not_kept(desk: Desk, wrong: dict[str, Any]) -> None:
    client = desk.connect("dapp")
    params = {"topic": TOPIC, "message": "sealed", "ttl": 300, "tag": 1, **wrong}
    assert desk.call(client, "irn_publish", **params)["code"] == -32602
    assert desk.relay.stats()["mailbox"] == 0


def test_a_full_mailbox_refuses_and_keeps_what_it_has(desk: Desk) -> None:
    client = desk.connect("dapp")
    for number in range(MESSAGES_A_TOPIC):
        desk.publish(client, str(number))
    assert desk.call(client, "irn_publish", topic=TOPIC, message="more", ttl=300) == {
        "code": -32000,
        "message": "the mailbox is full",
    }
    assert desk.relay.stats()["mailbox"] == MESSAGES_A_TOPIC


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_methods = st.sampled_from(
    ["irn_subscribe", "irn_batchSubscribe", "irn_publish", "irn_batchPublish", "irn_fetchMessages", "wc_approveSession"]
)
_params = st.dictionaries(
    st.sampled_from(["topic", "topics", "message", "messages", "ttl", "tag", "pairingTopic", "sessionTopic"]),
    _json | st.just(TOPIC) | st.just([TOPIC]) | st.just([{"topic": TOPIC, "message": "m"}]),
)


@settings(deadline=None)
@given(st.lists(st.builds(lambda method, params: {"id": 1, "method": method, "params": params}, _methods, _params)))
def test_no_sequence_of_calls_raises_and_each_has_one_answer(calls: list[dict[str, Any]]) -> None:
    desk = Desk()
    client = desk.connect("dapp")
    for call in calls:
        desk.relay.receive(client, json.dumps(call))
    assert [reply["id"] for reply in desk.got(client)] == [1 if is_json(call) else None for call in calls]


def is_json(call: dict[str, Any]) -> bool:
    """Whether the call can be written as JSON, which has no NaN and no Infinity."""
    try:
        json.dumps(call, allow_nan=False)
    except ValueError:
        return False
    return True
