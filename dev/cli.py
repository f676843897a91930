"""The command line of ``python3 dev``: what can be said, then set-up, then the command under ``.venv``'s Python."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dev import setup
from dev.steps import ROOT, DevError, one_at_a_time, say

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = """\
examples:
  python3 dev serve                       build, start a local relay, serve the page
  python3 dev serve --port 9000 --relay-url wss://relay.example.org --project-id 0123abcd
  python3 dev test                        all checks and tests, as CI runs them
  python3 dev test tests/unit -k expiry   some of them; what follows goes to pytest
  python3 dev check                       format, lint and types alone

Everything else that is needed (Python packages, node, a browser for the tests) is installed on the way:
into .venv, web/node_modules and .cache, all below this folder, the browser by the system's package manager.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python3 dev",
        description="Build, serve and test renvault_web. Needs Python 3.11 or newer and nothing else beforehand.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="serve|test|build|bench|check")

    serve = commands.add_parser("serve", help="build what changed, start a relay, serve the page on the loopback")
    serve.add_argument("--port", type=_port, help="the page's port (default 8080, or a free one where that is taken)")
    serve.add_argument("--relay-port", type=_port, help="the relay's port (default: a free one)")
    serve.add_argument("--relay-control-port", type=_port, help="the port that makes trouble (default: a free one)")
    serve.add_argument("--relay-url", type=_relay_url, help="use this relay (ws:// or wss://) and start none")
    serve.add_argument("--project-id", type=_project_id, help="what the public relay knows your project by")

    test = commands.add_parser("test", help="check, build, then every test; the arguments left over go to pytest")
    test.add_argument("--all", action="store_true", help="the long tests too (90 minutes at most)")

    commands.add_parser("build", help="write dist/, a static site that can be put anywhere")

    bench = commands.add_parser("bench", help="measure, side by side with what we compare ourselves to")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write every figure and raw sample there too")
    bench.add_argument("--runs", type=_runs, default=5, help="measure each thing this often (default 5)")

    commands.add_parser("check", help="format, lint and types, of Python and TypeScript")
    return top


def main(arguments: Sequence[str]) -> int:
    """Carry out the command line; return the exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    options, rest = parser().parse_known_args(arguments)
    if rest and options.command != "test":
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        with one_at_a_time():
            setup.prepare()
        if not setup.in_venv():
            command = [str(setup.PYTHON), "-I", str(ROOT / "dev"), *arguments]
            os.execv(command[0], command)  # noqa: S606 - the same program, under the Python that has the packages
        return _run(options, rest)
    except DevError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    match options.command:
        case "serve":
            from dev import serve

            ports = options.port, options.relay_port, options.relay_control_port
            return serve.main(*ports, options.relay_url, options.project_id)
        case "test":
            from dev import tests

            return tests.main(rest, everything=options.all)
        case "build":
            from dev import build

            return build.main()
        case "bench":
            from dev import bench

            return bench.main(options.runs, options.json)
        case _:
            from dev import check

            return check.main()


def _terminate(*_: object) -> None:
    sys.exit(143)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 (any free one) to 65535")
    return int(text)


def _runs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("a number from 1 to 100")
    return int(text)


def _relay_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or any(c in text for c in " ;,'\"<>\\"):
        raise argparse.ArgumentTypeError("a relay's URL begins with ws:// or wss:// and names a host")
    return text


def _project_id(text: str) -> str:
    if not re.fullmatch(r"[0-9a-zA-Z]{1,64}", text):
        raise argparse.ArgumentTypeError("a project id is 1 to 64 letters and digits")
    return text
