import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cli import parser
from dev.serve import Site, policy
from dev.steps import ROOT, write

RELAY = "ws://127.0.0.1:7777"
CONTENT = {
    "index.html": b"<!doctype html>",
    "wallet.html": b"<!doctype html><title>wallet</title>",
    "renvault.js": b"export {}",
    "chunk-ABCD1234.js": b"export {};",
    "page.css": b"",
    "icons/renvault.svg": b"<svg/>",
    "runtime/pyodide.mjs": b"",
    "runtime/pyodide.asm.wasm": b"\0asm",
    "runtime/stdlib.zip": b"PK",
    "renvault_web-0.1.0-py3-none-any.whl": b"PK",
    "secret.pem": b"not a type that pages have",
}


class Asker:
    """One connection to a site."""

    def __init__(self, site: Site) -> None:
        self.port = int(site.url.rstrip("/").rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    for name, content in CONTENT.items():
        write(tmp_path / "dist" / name, content)
    write(tmp_path / "outside.html", b"outside")
    with Site(tmp_path / "dist", relay_url=RELAY) as site:
        yield site


@pytest.mark.parametrize(
    ("path", "kind", "caching"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/wallet.html?x=1", "text/html; charset=utf-8", "no-cache"),
        ("/renvault.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/chunk-ABCD1234.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/page.css", "text/css; charset=utf-8", "no-cache"),
        ("/icons/renvault.svg", "image/svg+xml", "no-cache"),
        ("/runtime/pyodide.mjs", "text/javascript; charset=utf-8", "no-cache"),
        ("/runtime/pyodide.asm.wasm", "application/wasm", "no-cache"),
        ("/runtime/stdlib.zip", "application/zip", "no-cache"),
        ("/renvault_web-0.1.0-py3-none-any.whl", "application/zip", "no-cache"),
        ("/renvault.config.json", "application/json", "no-cache"),
    ],
)
def test_each_file_has_its_type_and_is_asked_for_again_unless_its_name_is_its_hash(
    site: Site, path: str, kind: str, caching: str
) -> None:
    status, headers, _ = Asker(site).ask("GET", path)
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, kind, caching)


def test_every_answer_carries_the_policy(site: Site) -> None:
    for path in ("/", "/renvault.js", "/missing"):
        _, headers, _ = Asker(site).ask("GET", path)
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self' ws://127.0.0.1:7777 http://127.0.0.1:7777; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp-report"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_relay_out_in_the_world_is_let_through_by_name() -> None:
    assert "connect-src 'self' wss://relay.example.org https://relay.example.org;" in policy(
        "wss://relay.example.org/x"
    )


def test_a_projects_page_may_also_reach_and_frame_who_attests_it() -> None:
    verifiers = "https://verify.walletconnect.org https://verify.walletconnect.com"
    directives = policy("wss://relay.example.org", "0123abcdEF").split("; ")
    assert f"connect-src 'self' wss://relay.example.org https://relay.example.org {verifiers}" in directives
    assert f"frame-src {verifiers}" in directives
    rest = [one for one in directives if "verify" not in one]
    assert rest == [one for one in policy("wss://relay.example.org").split("; ") if not one.startswith("connect-src")]


def test_the_configuration_and_the_policy_follow_the_project_id(tmp_path: Path) -> None:
    with Site(tmp_path, relay_url=RELAY, project_id="0123abcdEF") as site:
        _, headers, body = Asker(site).ask("GET", "/renvault.config.json")
    assert json.loads(body)["projectId"] == "0123abcdEF"
    assert headers["Content-Security-Policy"] == policy(RELAY, "0123abcdEF")


@pytest.mark.parametrize("text", ["", "a" * 65, "a b", "a;", "a\n", "ä", "٣"])
def test_a_project_id_is_letters_and_digits(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["serve", "--project-id", text])
    assert "a project id is 1 to 64 letters and digits" in capsys.readouterr().err


def test_a_file_that_is_the_same_is_not_sent_again(site: Site) -> None:
    status, headers, body = Asker(site).ask("GET", "/")
    assert (status, body) == (200, CONTENT["index.html"])
    status, again, body = Asker(site).ask("GET", "/", If_None_Match=headers["ETag"])
    assert (status, again["ETag"], body) == (304, headers["ETag"], b"")
    write(site.dist / "index.html", b"<!doctype html>new")
    status, changed, body = Asker(site).ask("GET", "/", If_None_Match=headers["ETag"])
    assert (status, body) == (200, b"<!doctype html>new")
    assert changed["ETag"] != headers["ETag"]


def test_head_tells_as_much_as_get_but_the_body(site: Site) -> None:
    status, headers, body = Asker(site).ask("HEAD", "/")
    assert (status, headers["Content-Length"], body) == (200, "15", b"")
    assert "Date" in headers


def test_the_configuration_names_the_relay(site: Site) -> None:
    _, _, body = Asker(site).ask("GET", "/renvault.config.json")
    config = json.loads(body)
    assert list(config) == ["relayUrl", "projectId", "metadata", "debug"]
    assert (config["relayUrl"], config["projectId"], config["debug"]) == (RELAY, "", False)
    assert config["metadata"]["name"] == "RenVault"


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.html",
        "/%2e%2e/outside.html",
        "/icons/..%2f..%2foutside.html",
        "//outside.html",
        "/index.html%00",
        "/icons",
        "/secret.pem",
        "/..%5coutside.html",
    ],
)
def test_nothing_but_the_pages_files_is_served(site: Site, path: str) -> None:
    status, _, _ = Asker(site).ask("GET", path)
    assert status == 404


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example:1", 421), ("", 421)]
)
def test_a_foreign_name_that_leads_here_gets_no_answer(site: Site, host: str, status: int) -> None:
    assert Asker(site).ask("GET", "/", Host=host)[0] == status


def test_reports_against_the_policy_are_kept_for_the_tests(site: Site) -> None:
    report = {"violated-directive": "img-src", "blocked-uri": "http://evil.example/x.png"}
    asker = Asker(site)
    assert asker.ask("POST", "/csp-report", json.dumps({"csp-report": report}).encode())[0] == 200
    assert list(site.reports) == [report]
    assert json.loads(asker.ask("GET", "/csp-reports")[2]) == [report]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[" * 60_000, b"[]", b'{"csp-report": 1}', b"\xff"])
def test_a_report_that_is_none_is_forgotten(site: Site, body: bytes) -> None:
    assert Asker(site).ask("POST", "/csp-report", body)[0] == 200
    assert list(site.reports) == []


@pytest.mark.parametrize(("path", "length"), [("/csp-report", "65537"), ("/csp-report", "-1"), ("/", "1")])
def test_anything_else_posted_is_not_taken(site: Site, path: str, length: str) -> None:
    assert Asker(site).ask("POST", path, b"x", Content_Length=length)[0] == 400


def test_a_closed_site_lets_go_of_browsers_that_keep_their_connection(tmp_path: Path) -> None:
    write(tmp_path / "index.html", b"")
    with Site(tmp_path, relay_url=RELAY) as site:
        connection = http.client.HTTPConnection("127.0.0.1", Asker(site).port, timeout=5)
        connection.request("GET", "/")
        connection.getresponse().read()
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        Asker(site).ask("GET", "/")


class Served:
    """``python3 dev serve`` as a person starts it."""

    def __init__(self, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        self.started = time.monotonic()
        self.program = subprocess.Popen(
            [sys.executable, str(ROOT / "dev"), "serve", *arguments],
            cwd="/",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ready(self) -> str:
        assert self.program.stdout is not None
        line = self.program.stdout.readline()
        assert line.startswith("ready: http://127.0.0.1:"), self.program.communicate()
        return line.removeprefix("ready: ").strip()

    def end(self, how: signal.Signals) -> float:
        """End it; return how long that took, s."""
        started = time.monotonic()
        os.killpg(self.program.pid, how)
        self.program.communicate(timeout=10)
        return time.monotonic() - started

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: Any) -> None:
        if self.program.poll() is None:
            os.killpg(self.program.pid, signal.SIGKILL)
        self.program.communicate()


def refused(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_is_ready_within_five_seconds_and_gone_within_two(how: signal.Signals) -> None:
    ports = [free_port() for _ in range(3)]
    port, relay_port, control_port = map(str, ports)
    with Served("--port", port, "--relay-port", relay_port, "--relay-control-port", control_port) as served:
        assert served.ready() == f"http://127.0.0.1:{port}/"
        assert time.monotonic() - served.started < 5
        assert [refused(number) for number in ports] == [False, False, False]
        assert served.end(how) < 2
    assert [refused(number) for number in ports] == [True, True, True]


def test_serve_with_another_relay_starts_none() -> None:
    project = "a" * 64
    with Served("--port", "0", "--relay-url", "wss://relay.example.org", "--project-id", project) as served:
        url = served.ready()
        connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=5)
        connection.request("GET", "/renvault.config.json")
        config = json.loads(connection.getresponse().read())
        assert (config["relayUrl"], config["projectId"]) == ("wss://relay.example.org", project)
        connection.close()
        served.end(signal.SIGTERM)


def test_serve_says_when_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Served("--port", str(taken.getsockname()[1])) as served:
        _, told = served.program.communicate(timeout=10)
        assert served.program.returncode == 1
        assert "the page cannot use its port: Address already in use. Choose another, or 0 for a free one." in told
