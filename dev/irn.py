"""The relay protocol ``irn`` without its sockets: JSON-RPC text in, JSON-RPC text out.

A relay passes sealed messages between clients that know a topic. What a client publishes goes at once to the other
clients subscribed to the topic, and waits in the topic's mailbox until one of them acknowledges it or its ttl ends;
each subscription delivers what waits. A client, told by its id and not by its socket, never receives what it
published itself. ``wc_proposeSession`` and ``wc_approveSession`` publish and subscribe in one call.

The relay is for development: it keeps all in memory, checks the form of everything, and trusts nobody's clock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

TOPICS_A_CLIENT = 10_000
TOPICS_A_CALL = 500  # the SDK's own batch size
MESSAGES_A_TOPIC = 1_000
MESSAGES_IN_ALL = 50_000
IN_FLIGHT_A_CLIENT = 10_000
LONGEST_TTL = 2_592_000  # 30 days, s: the real relay's limit
PROPOSAL_TTL = 300  # s

TAG_PROPOSAL, TAG_PROPOSAL_RESPONSE, TAG_SETTLEMENT = 1100, 1101, 1102

Answer: TypeAlias = tuple[Any, Callable[[], None]]
"""The result of a call, and what is to be sent once the caller has it."""

_TOPIC = re.compile(r"[0-9a-f]{64}")


class RefusedError(Exception):
    """A request is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(eq=False, slots=True)
class _Message:
    topic: str
    text: str
    tag: int
    published_at: int  # ms
    expires: float  # epoch s
    publisher: str
    attestation: str | None = None

    def data(self) -> dict[str, Any]:
        data = {"topic": self.topic, "message": self.text, "publishedAt": self.published_at, "tag": self.tag}
        if self.attestation is not None:
            data["attestation"] = self.attestation
        return data


@dataclass(eq=False, slots=True)
class Client:
    """One open socket of a client. Two tabs of a page are two of these with one ``client_id``."""

    client_id: str
    send: Callable[[str], None]
    subscriptions: dict[str, str] = field(default_factory=dict)
    in_flight: dict[str, _Message] = field(default_factory=dict)


class Relay:
    """All topics, mailboxes and clients of one relay.

    ``clock`` gives epoch seconds; ``drops(tag)`` says whether a push is to be lost on its way.
    """

    def __init__(self, clock: Callable[[], float], drops: Callable[[int], bool] = lambda tag: False) -> None:
        self._clock = clock
        self._drops = drops
        self._clients: dict[Client, None] = {}
        self._subscribers: dict[str, dict[Client, None]] = {}
        self._mailbox: dict[str, list[_Message]] = {}
        self._pushes = 0
        self.methods: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()

    def connect(self, client_id: str, send: Callable[[str], None]) -> Client:
        """Return the new client; ``send`` is called with each text for it, never after ``disconnect``."""
        client = Client(client_id, send)
        self._clients[client] = None
        return client

    def disconnect(self, client: Client) -> None:
        """Forget the client's socket and subscriptions. What it has not acknowledged waits on."""
        self._clients.pop(client, None)
        for topic in list(client.subscriptions):
            self._unsubscribe(client, topic)

    def receive(self, client: Client, text: str | bytes) -> None:
        """Carry out one JSON-RPC text of ``client``. Whatever it holds, this answers and does not raise."""
        try:
            call = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            _answer(client, None, error=RefusedError(-32700, "not JSON"))
            return
        request_id = call.get("id") if isinstance(call, dict) else None
        if not isinstance(request_id, (str, int)) or isinstance(request_id, bool) or len(str(request_id)) > 64:
            _answer(client, None, error=RefusedError(-32600, "not a JSON-RPC request with an id"))
            return
        if "method" not in call:
            self._acknowledge(client, str(request_id), call)
            return
        try:
            result, after = self._call(client, call)
        except RefusedError as error:
            _answer(client, request_id, error=error)
            return
        _answer(client, request_id, result=result)
        after()

    def stats(self) -> dict[str, int]:
        """Return how many sockets, subscriptions and waiting messages there are."""
        for topic in list(self._mailbox):
            self._waiting(topic)
        return {
            "sockets": len(self._clients),
            "subscriptions": sum(len(client.subscriptions) for client in self._clients),
            "mailbox": sum(map(len, self._mailbox.values())),
        }

    def _call(self, client: Client, call: dict[str, Any]) -> Answer:
        method, params = call["method"], call.get("params")
        handler = _METHODS.get(method) if isinstance(method, str) else None
        if handler is None:
            raise RefusedError(-32601, "no such method")
        if not isinstance(params, dict):
            raise RefusedError(-32602, "params is not an object")
        answer = handler(self, client, params)
        self.methods[method] += 1
        return answer

    def _acknowledge(self, client: Client, push_id: str, reply: dict[str, Any]) -> None:
        message = client.in_flight.pop(push_id, None)
        if message is not None and reply.get("result") is True:
            waiting = self._waiting(message.topic)
            if message in waiting:
                waiting.remove(message)

    def _subscribe(self, client: Client, topics: list[str]) -> tuple[list[str], Callable[[], None]]:
        if len(client.subscriptions.keys() | set(topics)) > TOPICS_A_CLIENT:
            raise RefusedError(-32000, f"more than {TOPICS_A_CLIENT} topics for one client")
        for topic in topics:
            client.subscriptions[topic] = hashlib.sha256((topic + client.client_id).encode()).hexdigest()
            self._subscribers.setdefault(topic, {})[client] = None

        def deliver() -> None:
            for topic in topics:
                for message in list(self._waiting(topic)):
                    self._push(client, message)

        return [client.subscriptions[topic] for topic in topics], deliver

    def _unsubscribe(self, client: Client, topic: str) -> None:
        client.subscriptions.pop(topic, None)
        subscribers = self._subscribers.get(topic, {})
        subscribers.pop(client, None)
        if not subscribers:
            self._subscribers.pop(topic, None)

    def _publish(self, messages: list[_Message]) -> Callable[[], None]:
        for message in messages:
            self._store(message)
            self.tags[str(message.tag)] += 1

        def deliver() -> None:
            for message in messages:
                for subscriber in list(self._subscribers.get(message.topic, ())):
                    self._push(subscriber, message)

        return deliver

    def _store(self, message: _Message) -> None:
        waiting = self._waiting(message.topic)
        for same in waiting:
            if same.text == message.text and same.publisher == message.publisher:
                waiting.remove(same)  # published again for want of an answer
                break
        if len(waiting) >= MESSAGES_A_TOPIC or sum(map(len, self._mailbox.values())) >= MESSAGES_IN_ALL:
            raise RefusedError(-32000, "the mailbox is full")
        self._mailbox.setdefault(message.topic, waiting).append(message)

    def _waiting(self, topic: str) -> list[_Message]:
        """Return the mailbox of ``topic`` itself, without what has expired."""
        waiting = self._mailbox.get(topic, [])
        now = self._clock()
        waiting[:] = [message for message in waiting if message.expires > now]
        if not waiting:
            self._mailbox.pop(topic, None)
        return waiting

    def _push(self, client: Client, message: _Message) -> None:
        if client.client_id == message.publisher or client not in self._clients or self._drops(message.tag):
            return
        self._pushes += 1
        push_id = f"{int(self._clock() * 1000)}{self._pushes % 1_000_000:06d}"
        client.in_flight[push_id] = message
        if len(client.in_flight) > IN_FLIGHT_A_CLIENT:
            del client.in_flight[next(iter(client.in_flight))]
        params = {"id": client.subscriptions.get(message.topic), "data": message.data()}
        client.send(_text({"id": push_id, "jsonrpc": "2.0", "method": "irn_subscription", "params": params}))

    def _message(self, client: Client, params: dict[str, Any]) -> _Message:
        return self._new_message(client, params, _topic(params), _string(params, "message"), _number(params, "tag", 0))

    def _new_message(self, client: Client, params: dict[str, Any], topic: str, text: str, tag: int) -> _Message:
        ttl = _number(params, "ttl", PROPOSAL_TTL)
        if not 0 < ttl <= LONGEST_TTL:
            raise RefusedError(-32602, f"ttl is not between 1 and {LONGEST_TTL} seconds")
        now = self._clock()
        return _Message(topic, text, tag, int(now * 1000), now + ttl, client.client_id)

    def _irn_subscribe(self, client: Client, params: dict[str, Any]) -> Answer:
        ids, deliver = self._subscribe(client, [_topic(params)])
        return ids[0], deliver

    def _irn_batch_subscribe(self, client: Client, params: dict[str, Any]) -> Answer:
        return self._subscribe(client, [_checked_topic(topic) for topic in _list(params, "topics")])

    def _irn_unsubscribe(self, client: Client, params: dict[str, Any]) -> Answer:
        self._unsubscribe(client, _topic(params))
        return True, _nothing

    def _irn_batch_unsubscribe(self, client: Client, params: dict[str, Any]) -> Answer:
        for topic in [_topic(entry) for entry in _objects(params, "subscriptions")]:
            self._unsubscribe(client, topic)
        return True, _nothing

    def _irn_publish(self, client: Client, params: dict[str, Any]) -> Answer:
        return True, self._publish([self._message(client, params)])

    def _irn_batch_publish(self, client: Client, params: dict[str, Any]) -> Answer:
        return True, self._publish([self._message(client, entry) for entry in _objects(params, "messages")])

    def _irn_fetch_messages(self, client: Client, params: dict[str, Any]) -> Answer:
        return self._fetched(client, [_topic(params)])

    def _irn_batch_fetch_messages(self, client: Client, params: dict[str, Any]) -> Answer:
        return self._fetched(client, [_checked_topic(topic) for topic in _list(params, "topics")])

    def _fetched(self, client: Client, topics: list[str]) -> Answer:
        messages = [
            message.data()
            for topic in topics
            for message in self._waiting(topic)
            if message.publisher != client.client_id
        ]
        return {"messages": messages, "hasMore": False}, _nothing

    def _propose_session(self, client: Client, params: dict[str, Any]) -> Answer:
        topic = _checked_topic(params.get("pairingTopic"))
        proposal = self._new_message(client, params, topic, _string(params, "sessionProposal"), TAG_PROPOSAL)
        if isinstance(params.get("attestation"), str):
            proposal.attestation = params["attestation"]
        return self._exchange(client, topic, [proposal])

    def _approve_session(self, client: Client, params: dict[str, Any]) -> Answer:
        pairing, session = _checked_topic(params.get("pairingTopic")), _checked_topic(params.get("sessionTopic"))
        response, settlement = _string(params, "sessionProposalResponse"), _string(params, "sessionSettlementRequest")
        messages = [
            self._new_message(client, params, pairing, response, TAG_PROPOSAL_RESPONSE),
            self._new_message(client, params, session, settlement, TAG_SETTLEMENT),
        ]
        return self._exchange(client, session, messages)

    def _exchange(self, client: Client, topic: str, messages: list[_Message]) -> Answer:
        """Subscribe ``client`` to ``topic``, publish ``messages``, deliver both ways."""
        _, deliver_waiting = self._subscribe(client, [topic])
        deliver_published = self._publish(messages)

        def deliver() -> None:
            deliver_waiting()
            deliver_published()

        return True, deliver


_METHODS: dict[str, Callable[[Relay, Client, dict[str, Any]], Answer]] = {
    "irn_subscribe": Relay._irn_subscribe,
    "irn_batchSubscribe": Relay._irn_batch_subscribe,
    "irn_unsubscribe": Relay._irn_unsubscribe,
    "irn_batchUnsubscribe": Relay._irn_batch_unsubscribe,
    "irn_publish": Relay._irn_publish,
    "irn_batchPublish": Relay._irn_batch_publish,
    "irn_fetchMessages": Relay._irn_fetch_messages,
    "irn_batchFetchMessages": Relay._irn_batch_fetch_messages,
    "wc_proposeSession": Relay._propose_session,
    "wc_approveSession": Relay._approve_session,
}


def _nothing() -> None:
    """Follow an answer with nothing."""


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _answer(client: Client, request_id: Any, result: Any = None, error: RefusedError | None = None) -> None:
    if error is None:
        client.send(_text({"id": request_id, "jsonrpc": "2.0", "result": result}))
    else:
        body = {"code": error.code, "message": str(error)}
        client.send(_text({"id": request_id, "jsonrpc": "2.0", "error": body}))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _checked_topic(value: Any) -> str:
    if not isinstance(value, str) or not _TOPIC.fullmatch(value):
        raise RefusedError(-32602, "a topic is 64 hexadecimal digits")
    return value


def _topic(params: dict[str, Any]) -> str:
    return _checked_topic(params.get("topic"))


def _string(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError(-32602, f"{name} is not a text")
    return value


def _number(params: dict[str, Any], name: str, default: int) -> int:
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RefusedError(-32602, f"{name} is not a whole number")
    return value


def _list(params: dict[str, Any], name: str) -> list[Any]:
    value = params.get(name)
    if not isinstance(value, list) or len(value) > TOPICS_A_CALL:
        raise RefusedError(-32602, f"{name} is not a list of at most {TOPICS_A_CALL}")
    return value


def _objects(params: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = _list(params, name)
    if not all(isinstance(value, dict) for value in values):
        raise RefusedError(-32602, f"{name} does not hold objects")
    return values
