"""A relay on the loopback for development and tests: ``dev.irn`` behind real websockets, with a port to make trouble.

The control port takes one JSON object a websocket message and answers with one; ``RelayThread.control`` does the same
within the process. ``{"command": …}`` is one of

- ``up``: works as usual; delay and drop are over. ``kill``: open sockets die, nobody listens on the port. ``reset``:
  open sockets die, each handshake is read, logged and cut off. ``refuse``: a handshake is answered with HTTP 503.
  ``reject`` (``code``, ``reason``): a handshake is answered and the socket closed at once, by default as the real
  relay does with a wrong clock. ``hang``: a handshake is never answered. ``silent``: nothing is read or answered, on
  open sockets too; what came meanwhile is read after ``up``. Each of these replaces the one before; only ``kill`` and
  ``reset`` end open sockets;
- ``close`` (``code``, ``reason``, ``client``): close the open sockets, of one client id or of all; 1006 cuts them off;
- ``delay`` (``ms``): hold each text back before it is sent;
- ``drop`` (``count``, ``ratio``, ``tag``): lose the next ``count`` pushes (all, where absent), or of those that share;
- ``log``: handshakes ``{at, clientId, accepted}`` (epoch seconds), calls by method, publications by tag;
- ``clear``: empty that log; ``stats``: the mode, and how many sockets, subscriptions and waiting messages.

A plain HTTP request is answered too, so that a page can tell a relay that refuses from a host that is away.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import socket
import sys
import threading
import time
import weakref
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from dev import trouble
from dev.irn import Relay
from dev.trouble import Drop, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.http11 import Request, Response
    from websockets.typing import Origin

HOST = "127.0.0.1"
LONGEST_FRAME = 1 << 20  # bytes
TEXTS_WAITING = 10_000  # for one socket, before it is cut off
HANDSHAKES_LOGGED = 10_000
PATIENCE = 10  # seconds: for what takes milliseconds

LOCAL_PAGES: Sequence[Origin | re.Pattern[str] | None] = [None, re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?")]
"""Who may use the control port: programs, and pages of this machine."""

_Texts = asyncio.Queue[tuple[float, str]]

_log = logging.getLogger(__name__)
_log.addFilter(lambda record: "opening handshake failed" not in record.msg)  # clients that hang up are daily bread


class RelayServer:
    """The relay's two ports on one asyncio loop."""

    def __init__(self, port: int = 0, control_port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.port = port
        self.control_port = control_port
        self._clock = clock
        self._drop = Drop()
        self._relay = Relay(clock, lambda tag: self._drop(tag))
        self._mode = Mode.UP
        self._rejection = (0, "")
        self._commanded = asyncio.Lock()
        self._delay = 0.0  # seconds
        self._handshakes: deque[dict[str, Any]] = deque(maxlen=HANDSHAKES_LOGGED)
        self._sockets: weakref.WeakSet[ServerConnection] = weakref.WeakSet()  # each one, from before its handshake
        self._connections: dict[ServerConnection, str] = {}  # those of clients
        self._answering = asyncio.Event()
        self._speaking = asyncio.Event()
        self._address: socket.socket | None = None
        self._server: Server | None = None
        self._control: Server | None = None

    async def start(self) -> None:
        """Listen. ``OSError`` where a port is taken."""
        self._address = _bound(self.port)  # never listens: it keeps the port ours while nobody does
        self.port = self._address.getsockname()[1]
        try:
            await self._enter(Mode.UP)
            self._control = await serve(
                self._serve_control,
                HOST,
                self.control_port,
                origins=LOCAL_PAGES,
                max_size=LONGEST_FRAME,
                open_timeout=1,
                close_timeout=1,
                logger=_log,
            )
        except OSError:
            await self.stop()
            raise
        self.control_port = self._control.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut off everybody and give both ports back."""
        await self._enter(Mode.KILL)
        if self._control is not None:
            self._control.close()
            await self._control.wait_closed()
        if self._address is not None:
            self._address.close()

    async def command(self, value: object) -> dict[str, Any]:
        """Carry out one control command and return its answer; ``CommandError`` where it makes no sense."""
        command = trouble.read(value)
        async with self._commanded:
            return await self._carry_out(command)

    async def _carry_out(self, command: trouble.Command) -> dict[str, Any]:
        match command.name:
            case "close":
                return {"closed": await self._close(command)}
            case "delay":
                self._delay = command.delay
            case "drop":
                self._drop = command.drop or Drop()
            case "log":
                counts = {"methods": dict(self._relay.methods), "tags": dict(self._relay.tags)}
                return {"handshakes": list(self._handshakes), **counts}
            case "clear":
                self._handshakes.clear()
                self._relay.methods.clear()
                self._relay.tags.clear()
            case "stats":
                return {"mode": str(self._mode), **self._relay.stats()}
            case mode:
                self._rejection = (command.code, command.reason)
                await self._enter(Mode(mode))
        return {}

    async def _enter(self, mode: Mode) -> None:
        self._mode = mode
        _set(self._answering, mode is not Mode.HANG)
        _set(self._speaking, mode is not Mode.SILENT)
        if mode is Mode.UP:
            self._drop, self._delay = Drop(), 0.0
        if mode in (Mode.KILL, Mode.RESET):
            for connection in list(self._sockets):
                connection.transport.abort()
        if mode is Mode.KILL:
            server, self._server = self._server, None
            if server is not None:
                server.close(close_connections=False)
                await server.wait_closed()
        elif self._server is None:
            self._server = await self._listen()
        for connection in self._connections:
            if mode is Mode.SILENT:
                connection.transport.pause_reading()
            else:
                connection.transport.resume_reading()

    async def _listen(self) -> Server:
        relay = self

        class Connection(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                relay._sockets.add(self)
                if relay._mode is Mode.KILL:  # accepted in the same turn
                    self.transport.abort()

        return await serve(
            self._serve,
            sock=_bound(self.port),
            process_request=self._handshake,
            create_connection=Connection,
            compression=None,
            max_size=LONGEST_FRAME,
            open_timeout=None,
            ping_interval=None,
            close_timeout=1,
            logger=_log,
        )

    async def _close(self, command: trouble.Command) -> int:
        chosen = [connection for connection, owner in self._connections.items() if command.client in (None, owner)]
        if command.code == trouble.CUT_OFF:
            for connection in chosen:
                connection.transport.abort()
            await asyncio.gather(*(connection.wait_closed() for connection in chosen))
        else:
            await asyncio.gather(*(connection.close(command.code, command.reason) for connection in chosen))
        return len(chosen)

    async def _serve_control(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in connection:
                try:
                    reply = {"ok": True, **await self.command(json.loads(text))}
                except (ValueError, RecursionError) as error:
                    reply = {"ok": False, "error": str(error)}
                except OSError as error:
                    reply = {"ok": False, "error": f"the relay cannot listen again: {error}"}
                await connection.send(json.dumps(reply))

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Log a handshake and answer it as the mode says; None lets it pass."""
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        entry = {"at": self._clock(), "clientId": _client_id(request.path), "accepted": False}
        if upgrade:
            self._handshakes.append(entry)
        await self._answering.wait()
        if self._mode in (Mode.RESET, Mode.KILL):
            connection.transport.abort()
            return None
        if self._mode is Mode.REFUSE:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "refused\n")
        if not upgrade:
            answer = connection.respond(HTTPStatus.OK, "the relay is here\n")
            answer.headers["Access-Control-Allow-Origin"] = "*"
            answer.headers["Cache-Control"] = "no-store"
            return answer
        entry["accepted"] = entry["clientId"] is not None and self._mode is not Mode.REJECT
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        client_id = _client_id(connection.request.path if connection.request else "")
        if self._mode is Mode.REJECT:
            await connection.close(*self._rejection)
            return
        if client_id is None:
            await connection.close(3000, "JWT Token is invalid: claims")
            return
        texts: _Texts = asyncio.Queue(TEXTS_WAITING)

        def send(text: str) -> None:
            try:
                texts.put_nowait((time.monotonic() + self._delay, text))
            except asyncio.QueueFull:
                connection.transport.abort()

        self._connections[connection] = client_id
        if self._mode is Mode.SILENT:
            connection.transport.pause_reading()
        client = self._relay.connect(client_id, send)
        writer = asyncio.create_task(self._write(connection, texts))
        try:
            async for text in connection:
                await self._speaking.wait()
                self._relay.receive(client, text)
        except ConnectionClosed:
            _log.debug("a client went without a close frame")
        finally:
            self._relay.disconnect(client)
            del self._connections[connection]
            writer.cancel()

    async def _write(self, connection: ServerConnection, texts: _Texts) -> None:
        with suppress(ConnectionClosed):
            while True:
                due, text = await texts.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await self._speaking.wait()
                await connection.send(text)


class RelayThread:
    """A relay in a thread of its own, for tests and for ``serve``: ``with RelayThread() as relay: relay.url``."""

    def __init__(self, port: int = 0, control_port: int = 0) -> None:
        self._ports = (port, control_port)
        self._started: Future[tuple[RelayServer, asyncio.AbstractEventLoop]] = Future()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        loop = self._started.result()[1]
        loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=PATIENCE)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{HOST}:{self._running.port}"

    @property
    def control_url(self) -> str:
        """Where another process sends commands."""
        return f"ws://{HOST}:{self._running.control_port}"

    def control(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a control command and return its answer."""
        server, loop = self._started.result(timeout=0)
        call = server.command({"command": command, **arguments})
        return asyncio.run_coroutine_threadsafe(call, loop).result(timeout=PATIENCE)

    @property
    def _running(self) -> RelayServer:
        return self._started.result(timeout=0)[0]

    async def _live(self) -> None:
        server = RelayServer(*self._ports)
        try:
            await server.start()
        except (OSError, OverflowError) as error:
            self._started.set_exception(error)
            return
        self._started.set_result((server, asyncio.get_running_loop()))
        await self._ended.wait()
        await server.stop()
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest, timeout=1)  # sockets that were cut off in their first turn


def _bound(port: int) -> socket.socket:
    """Return a socket bound to ``port``; several of ours may be, of which one listens."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "darwin":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _client_id(path: str) -> str | None:
    """Return the client id (``iss``) of the handshake's JWT, None where its claims are not in order.

    Neither the signature nor the time is checked: tests move clocks about.
    """
    try:
        payload = parse_qs(urlsplit(path).query)["auth"][0].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issuer = claims["iss"]
        proper = claims["exp"] > claims["iat"] and isinstance(claims["aud"], str) and isinstance(claims["sub"], str)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return issuer if proper and isinstance(issuer, str) and re.fullmatch(r"did:key:z\w{40,80}", issuer) else None


def _set(event: asyncio.Event, value: bool) -> None:
    if value:
        event.set()
    else:
        event.clear()
