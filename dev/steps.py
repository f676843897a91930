"""What every command stands on: messages, programs run with care, steps that are done once, one at a time.

A step is skipped while the fingerprint of its inputs is the one under which it last succeeded, and what it makes is
still there. The fingerprints lie in ``.cache/stamps``; one lock keeps two commands from building into each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
STAMPS = CACHE / "stamps"

PROGRAM_LIMIT = 900.0  # s: a slow line's download of everything
LINES_SHOWN = 20  # of a program that failed


class DevError(Exception):
    """A command cannot go on; the message says why and what to do."""


def say(message: str) -> None:
    """Tell the person at the terminal what goes on; results go to standard output, this does not."""
    print(message, file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """Return the environment without what would change how our own Python, pip, node and npm work.

    What reaches a registry from behind a company's wall (index, proxy, certificates) stays.
    """
    kept_pip = {"INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "TRUSTED_HOST", "CERT", "CLIENT_CERT", "PROXY"}
    kept_pip |= {"DEFAULT_TIMEOUT", "RETRIES", "CONFIG_FILE", "CACHE_DIR", "KEYRING_PROVIDER"}
    kept_npm = {"registry", "proxy", "https_proxy", "noproxy", "cafile", "ca", "userconfig", "globalconfig", "cache"}

    def harmless(name: str) -> bool:
        if name.startswith("PIP_"):
            return name[4:] in kept_pip
        if name.lower().startswith("npm_config_"):
            return name.lower()[11:] in kept_npm
        return not name.startswith(("PYTHON", "NODE_", "VIRTUAL_ENV", "COVERAGE_", "PYTEST_")) or name in (
            "NODE_EXTRA_CA_CERTS",
        )

    return {name: value for name, value in os.environ.items() if harmless(name)}


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    advice: str = "",
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    limit: float = PROGRAM_LIMIT,
) -> str:
    """Run a program and return what it printed; ``DevError`` with its last lines where it fails."""
    environment = clean_environment() if environment is None else environment
    try:
        # A session of its own: so that what the program starts can be ended with it.
        program = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise DevError(f"{what}: {command[0]} cannot be run: {error.strerror}. {advice}".rstrip()) from error
    with program:
        try:
            printed, _ = program.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            _kill(program)
            raise DevError(f"{what}: no end after {limit:.0f} s. {advice}".rstrip()) from error
        except BaseException:
            _kill(program)
            raise
    if program.returncode != 0:
        lines = "\n".join("  " + line for line in printed.rstrip().splitlines()[-LINES_SHOWN:])
        raise DevError(f"{what} failed (exit code {program.returncode}):\n{lines}\n{advice}".rstrip())
    return printed


def _kill(program: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


def fingerprint(*inputs: Path | str) -> str:
    """Return a hash of texts, and of files and folders with the names and bytes of all that lies in them."""
    digest = hashlib.sha256()

    def add(data: bytes) -> None:
        digest.update(len(data).to_bytes(8, "big") + data)

    for given in inputs:
        if isinstance(given, str):
            add(given.encode())
            continue
        for path in files(given):
            add(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
            add(path.read_bytes())
    return digest.hexdigest()


def files(path: Path) -> list[Path]:
    """Return ``path`` itself, or all files below it, sorted; without what Python leaves behind."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def once(name: str, stamp: str, makes: Iterable[Path], work: Callable[[], None], message: str = "") -> bool:
    """Do ``work`` unless it was done with the same ``stamp`` and all it ``makes`` is there; return whether it was.

    A step that breaks off has no stamp and is done again.
    """
    path = STAMPS / name
    if path.is_file() and path.read_text() == stamp and all(made.exists() for made in makes):
        return False
    path.unlink(missing_ok=True)
    if message:
        say(message)
    started = time.monotonic()
    work()
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, stamp.encode())
    if message and (took := time.monotonic() - started) >= 1:
        say(f"  {took:.0f} s")
    return True


def write(path: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(data)
    aside.replace(path)


def fresh_folder(path: Path) -> Path:
    """Return ``path`` as an empty folder."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep every other ``python3 dev`` of this folder from setting up or building meanwhile."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another `python3 dev` is setting up or building here: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
