"""The Chromium that the tests and the bench drive: found, or installed where that is possible."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from dev.setup import PYTHON, install_by_apt
from dev.steps import DevError, run, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

ADVICE = "Install Chromium or Chrome, or name the program in the environment variable RENVAULT_CHROMIUM."


def find_chromium() -> str | None:
    """Return the path of a Chromium; None where Playwright has one of its own; ``DevError`` where there is none.

    Looked for in this order: ``RENVAULT_CHROMIUM``, the system's, Playwright's. Where there is none, it is installed:
    on Debian and its kin as root by apt-get, else by ``playwright install``.
    """
    if named := os.environ.get("RENVAULT_CHROMIUM"):
        if path := shutil.which(named):
            return path
        raise DevError(f"RENVAULT_CHROMIUM names {named}, which is no program.")
    if path := _of_the_system():
        return path
    if _of_playwright():
        return None
    if shutil.which("apt-get") and os.geteuid() == 0:
        try:
            install_by_apt("chromium")
        except DevError as error:
            say(f"{error}")
        if path := _of_the_system():
            return path
    say("installing a Chromium for the tests by Playwright")
    run([PYTHON, "-I", "-m", "playwright", "install", "chromium"], what="playwright install chromium", advice=ADVICE)
    return None


def launch_arguments() -> list[str]:
    """Return how Chromium is to be started: quiet, alone, and as root without the sandbox that root cannot have."""
    arguments = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
    ]
    return ["--no-sandbox", *arguments] if os.geteuid() == 0 else arguments


def _of_the_system() -> str | None:
    found = [path for name in NAMES if (path := shutil.which(name))]
    if sys.platform == "darwin":
        found += [path for path in MAC_APPLICATIONS if Path(path).exists()]
    return found[0] if found else None


def _of_playwright() -> bool:
    ask = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    return Path(run([PYTHON, "-I", "-c", ask], what="asking Playwright for its Chromium").strip()).exists()
