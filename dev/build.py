"""``dev build``: writes ``dist/``, a static site that works from any folder of any server.

Each part is made in its own folder below ``.cache/build`` and only when its inputs changed; then ``dist/`` is made to
hold exactly these parts. A file that did not change is not touched, one that did is replaced whole, so that a server
may go on serving meanwhile.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

from dev import bundle, runtime
from dev.steps import ROOT, DevError, files, one_at_a_time, say, write

if TYPE_CHECKING:
    from pathlib import Path

DIST = ROOT / "dist"
WEB = ROOT / "web"
PAGES = ("index.html", "wallet.html")
STATIC = ("*.html", "*.css", "icons/**/*")
CONFIG = "renvault.config.json"


def main() -> int:
    """Build, and say what there is now."""
    started = time.monotonic()
    build()
    size = sum(file.stat().st_size for file in files(DIST)) / 1e6
    say(f"dist/ is up to date: {len(files(DIST))} files, {size:.1f} MB ({time.monotonic() - started:.1f} s)")
    return 0


def build() -> Path:
    """Bring ``dist/`` up to date and return it."""
    with one_at_a_time():
        runtime.build()
        bundle.build()
        mirror(_parts(), DIST)
    return DIST


def page_config(relay_url: str, project_id: str = "") -> bytes:
    """Return the page's configuration as served: its names are fixed, the README says what they do."""
    metadata = {"name": "RenVault", "description": "Micro-savings on Stacks", "url": "", "icons": []}
    config = {"relayUrl": relay_url, "projectId": project_id, "metadata": metadata, "debug": False}
    return json.dumps(config, indent=2).encode() + b"\n"


def mirror(parts: dict[str, Path | bytes], target: Path) -> None:
    """Make the folder ``target`` hold ``parts`` (path in it: file or content) and nothing else."""
    for name, part in parts.items():
        place = target / name
        if isinstance(part, bytes):
            if not place.is_file() or place.read_bytes() != part:
                write(place, part)
        elif not _same(part, place):
            place.parent.mkdir(parents=True, exist_ok=True)
            aside = place.with_name(f".{place.name}.new")
            shutil.copy2(part, aside)
            aside.replace(place)
    wanted = {target / name for name in parts}
    for file in target.rglob("*"):
        if file.is_file() and file not in wanted:
            file.unlink()
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _parts() -> dict[str, Path | bytes]:
    if missing := [page for page in PAGES if not (WEB / page).is_file()]:
        raise DevError(f"missing in web/: {', '.join(missing)}")
    parts: dict[str, Path | bytes] = {}
    for pattern in STATIC:
        parts |= {str(path.relative_to(WEB)): path for path in sorted(WEB.glob(pattern)) if path.is_file()}
    for folder in (bundle.OUT, bundle.TYPES):
        parts |= {str(path.relative_to(folder)): path for path in files(folder)}
    parts |= {f"runtime/{path.name}": path for path in files(runtime.OUT)}
    parts |= {path.name: path for path in files(runtime.WHEEL)}
    parts[CONFIG] = page_config("wss://relay.walletconnect.org")
    return parts


def _same(one: Path, other: Path) -> bool:
    if not other.is_file():
        return False
    a, b = one.stat(), other.stat()
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)
