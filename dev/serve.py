"""``dev serve``: ``dist/`` on the loopback with the headers that a real host should send, and a relay beside it.

``Site`` is the web server, in threads of its own, for tests too: ``with Site(dist, relay_url=…) as site: site.url``.
It keeps what browsers report against the page's policy in ``site.reports``, and answers them under ``/csp-reports``.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

from dev import build
from dev.relay import HOST, RelayThread
from dev.steps import DevError, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

DEFAULT_PORT = 8080
REPORT_PATH, REPORTS_PATH = "/csp-report", "/csp-reports"
REPORTS_KEPT = 1_000
LONGEST_REPORT = 64 * 1024  # bytes
IDLE_LIMIT = 60  # s: a connection that asks nothing

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".zip": "application/zip",
}

# Where WalletConnect's client has the page attested once there is a project id (TRUSTED_VERIFY_URLS of its core).
VERIFIERS = "https://verify.walletconnect.org https://verify.walletconnect.com"

_Service = TypeVar("_Service")

HASHED = re.compile(r"chunk-[A-Z0-9]{8}\.js(\.map)?")
FOR_EVER = "public, max-age=31536000, immutable"  # the name says the content
ASK_AGAIN = "no-cache"  # kept, and shown after the server has said that it is still the same


def policy(relay_url: str, project_id: str = "") -> str:
    """Return the page's Content-Security-Policy: itself, the relay to talk to, and who attests a project's page."""
    relay = urlsplit(relay_url)
    plain = {"ws": "http", "wss": "https"}[relay.scheme]
    directives = {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {relay.scheme}://{relay.netloc} {plain}://{relay.netloc}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
        "report-uri": REPORT_PATH,
    }
    if project_id:
        directives["connect-src"] += f" {VERIFIERS}"
        directives["frame-src"] = VERIFIERS
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def headers(relay_url: str, project_id: str = "") -> dict[str, str]:
    """Return what every answer carries."""
    return {
        "Content-Security-Policy": policy(relay_url, project_id),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


class Site:
    """One folder, served on the loopback. ``OSError`` on entering where the port is taken."""

    def __init__(
        self, dist: Path, *, relay_url: str, project_id: str = "", port: int = 0, verbose: bool = False
    ) -> None:
        self.reports: deque[dict[str, Any]] = deque(maxlen=REPORTS_KEPT)
        self.dist = dist
        self.headers: Mapping[str, str] = headers(relay_url, project_id)
        self.made = {f"/{build.CONFIG}": build.page_config(relay_url, project_id)}
        self._port = port
        self._verbose = verbose
        self._etags: dict[tuple[Path, int, int], str] = {}
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server((HOST, self._port), self)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="site", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.end()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._port}/"

    def etag(self, content: Path | bytes) -> str:
        """Return a strong entity tag of a file or of bytes; a file is read once a change."""
        if isinstance(content, bytes):
            return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        state = content.stat()
        key = (content, state.st_size, state.st_mtime_ns)
        if key not in self._etags:
            self._etags[key] = self.etag(content.read_bytes())
        return self._etags[key]

    def take_report(self, report: dict[str, Any]) -> None:
        """Keep a browser's report that the page broke its policy."""
        self.reports.append(report)
        if self._verbose:
            broken, blocked = report.get("violated-directive"), report.get("blocked-uri")
            say(f"policy broken: {broken!r} blocked {blocked!r} in {report.get('source-file')!r}")


class _Server(ThreadingHTTPServer):
    """Threads that can be told to end: browsers keep connections open."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], site: Site) -> None:
        super().__init__(address, _Handler)
        self.site = site
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "renvault-dev"
    sys_version = ""
    timeout = IDLE_LIMIT
    server: _Server

    def do_GET(self) -> None:
        if not self._asked_by_name():
            return
        path = unquote(urlsplit(self.path).path)
        if path == REPORTS_PATH:
            self._send(json.dumps(list(self.server.site.reports)).encode(), ".json", "no-store")
        elif path in self.server.site.made:
            self._send(self.server.site.made[path], PurePosixPath(path).suffix, ASK_AGAIN)
        elif file := self._file(path):
            self._send(file, file.suffix, FOR_EVER if HASHED.fullmatch(file.name) else ASK_AGAIN)
        else:
            self._send(b"not found\n", ".txt", "no-store", HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._asked_by_name():
            return
        if self.path != REPORT_PATH or not length.isdigit() or int(length) > LONGEST_REPORT:
            self.close_connection = True  # the body is not read
            self._send(b"not taken\n", ".txt", "no-store", HTTPStatus.BAD_REQUEST)
            return
        try:
            report = json.loads(self.rfile.read(int(length)))["csp-report"]
        except (ValueError, LookupError, TypeError, RecursionError):
            report = None
        if isinstance(report, dict):
            self.server.site.take_report(report)
        self._send(b"", ".txt", "no-store", HTTPStatus.OK)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing: the browser's own tools show each request."""

    def _asked_by_name(self) -> bool:
        """Return whether the request names us; a foreign name that was made to lead here gets no answer."""
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if name in (HOST, "localhost"):
            return True
        self.close_connection = True
        self._send(b"wrong host\n", ".txt", "no-store", HTTPStatus.MISDIRECTED_REQUEST)
        return False

    def _file(self, path: str) -> Path | None:
        parts = PurePosixPath(path).parts[1:]
        if ".." in parts or "\0" in path or "\\" in path:
            return None
        file = self.server.site.dist.joinpath(*(parts or ("index.html",)))
        return file if file.suffix in TYPES and file.is_file() else None

    def _send(self, content: Path | bytes, suffix: str, caching: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        site = self.server.site
        etag = site.etag(content) if status is HTTPStatus.OK and caching != "no-store" else None
        if etag is not None and etag in self.headers.get("If-None-Match", ""):
            status, content = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", caching)
        if etag is not None:
            self.send_header("ETag", etag)
        body = content.read_bytes() if isinstance(content, Path) else content
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", TYPES[suffix])
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main(
    port: int | None,
    relay_port: int | None,
    control_port: int | None,
    relay_url: str | None,
    project_id: str | None,
) -> int:
    """Build, start what is to be started, say where it is, and stay until told to end."""
    dist = build.build()
    project_id = project_id or ""
    with ExitStack() as running:
        if relay_url is None:
            relay = _start(running, RelayThread(relay_port or 0, control_port or 0), "the relay")
            relay_url = relay.url
            say(f"relay: {relay.url}, its control port: {relay.control_url}")
        try:
            wanted = DEFAULT_PORT if port is None else port
            served = Site(dist, relay_url=relay_url, project_id=project_id, port=wanted, verbose=True)
            site = _start(running, served, "the page")
        except DevError:
            if port is not None:
                raise
            say(f"port {DEFAULT_PORT} is taken: the page gets a free one")
            served = Site(dist, relay_url=relay_url, project_id=project_id, verbose=True)
            site = _start(running, served, "the page")
        print(f"ready: {site.url}", flush=True)
        while True:  # a signal may reach any thread, and the main one acts on it when it next wakes
            time.sleep(0.2)


def _start(running: ExitStack, service: AbstractContextManager[_Service], what: str) -> _Service:
    try:
        return running.enter_context(service)
    except OSError as error:
        raise DevError(f"{what} cannot use its port: {error.strerror}. Choose another, or 0 for a free one.") from error
