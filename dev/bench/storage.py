"""PRF-2: sessions stored and loaded by the product, by plain JavaScript and by MetaMask's browser-passworder.

All run in one page (``web/bench/``), in turn, each beginning as often as the others. Storing is one session after the
other, each compressed, sealed, written and read back; loading is a hundred at once. Plain JavaScript does the same work
with what the browser brings; the browser's only compression is CompressionStream, so the same without any compression
stands beside it. What the product does besides counts against it: it names a record by an HMAC of the topic where
plain JavaScript shows the topic, looks how much room there is, keeps to a time limit and tells the other pages. What
encryption takes of a boot is everything about the stored records: the keys read from IndexedDB and ten records read,
opened, inflated and parsed, though both run beside the loading of the runtime.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

from dev import build, bundle
from dev.bench.boot import LIMIT, PAUSE
from dev.chromium import find_chromium, launch_arguments
from dev.relay import RelayThread
from dev.serve import Site
from dev.steps import CACHE, ROOT, STAMPS, DevError, files, fingerprint, once, one_at_a_time, say
from renvault_web import record
from renvault_web.session import parse_session
from renvault_web.stored import StoredSession, body_of, stored_size

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

SESSIONS = ROOT / "tests" / "fixtures" / "ten-sessions.json"
PAGE = ROOT / "web" / "bench"
PYTHON = ROOT / "dev" / "bench" / "storage_page.py"
OUT = CACHE / "build" / "bench"
SITE = CACHE / "bench" / "storage"

STORAGE_KEY = record.storage_key(bytes(32))
"""One as long as all are."""

CONTENDERS = {
    "product": "the product",
    "plain": "plain JavaScript",
    "plain_uncompressed": "the same, not compressed",
    "passworder": "browser-passworder",
}


def measure(runs: int) -> dict[str, Any]:
    """Return ratios, medians and raw samples of ``runs`` rounds, and the sizes of the ten sessions."""
    from playwright.sync_api import sync_playwright

    ready: list[float] = []
    with ExitStack() as running:
        relay = running.enter_context(RelayThread())
        site = running.enter_context(Site(_site(), relay_url=relay.url))
        chromium = running.enter_context(sync_playwright()).chromium
        profile = running.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        context = chromium.launch_persistent_context(
            profile, executable_path=find_chromium(), args=launch_arguments(), headless=True
        )
        with context:
            page = context.new_page()
            say(f"storing and loading sessions, {runs} rounds")
            samples = _samples(page, f"{site.url}bench/index.html?runs={runs}", runs)
            for turn in range(runs + 1):
                say(f"boot with ten sessions, visit {turn} of {runs}" if turn else "boot with ten sessions")
                page.goto("about:blank")
                page.wait_for_timeout(PAUSE * 1000)
                page.goto(site.url, timeout=LIMIT * 1000)
                ready.append(_ready(page))
    return figures(samples, ready[1:], sizes())  # the first visit is not a warm one


def figures(samples: dict[str, list[float]], ready: list[float], found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the samples come to, and the samples."""
    middle = {name: median(values) for name, values in samples.items()}
    before, after = sum(row["json_bytes"] for row in found), sum(row["compressed_bytes"] for row in found)
    opening = middle["product_open_10_ms"] + middle["keys_ms"]
    return {
        "store_ratio": round(middle["product_store_ms"] / middle["plain_store_ms"], 3),
        "load_100_ratio": round(middle["product_load_100_ms"] / middle["plain_load_100_ms"], 3),
        "encryption_share_of_boot": round(opening / median(ready), 4),
        "store_to_uncompressed_ratio": round(middle["product_store_ms"] / middle["plain_uncompressed_store_ms"], 3),
        "load_100_to_uncompressed_ratio": round(
            middle["product_load_100_ms"] / middle["plain_uncompressed_load_100_ms"], 3
        ),
        "store_to_passworder_ratio": round(middle["product_store_ms"] / middle["passworder_store_ms"], 3),
        "load_100_to_passworder_ratio": round(middle["product_load_100_ms"] / middle["passworder_load_100_ms"], 3),
        "smaller_total_percent": round(100 - 100 * after / before, 1),
        "smaller_median_percent": round(median(row["smaller_percent"] for row in found), 1),
        **{name: [round(value, 4) for value in values] for name, values in samples.items()},
        "ready_with_10_sessions_ms": ready,
        "sessions": found,
        "processors_count": os.cpu_count(),
    }


def sizes() -> list[dict[str, Any]]:
    """Return what each of the ten sessions takes as JSON, compressed, and stored."""
    found = []
    for given in json.loads(SESSIONS.read_text()):
        body = body_of(StoredSession(parse_session(given["session"]), given["created"], given["used"]))
        plain = len(record.pack(body, compress=False)[1])
        flags, small = record.pack(body)
        sealed = bytes(record.IV_SIZE) + small + bytes(record.TAG_SIZE)
        item = record.Record(purpose=1, flags=flags, key_id=bytes(record.KEY_ID_SIZE), sealed=sealed)
        found.append(
            {
                "session": given["label"],
                "json_bytes": plain,
                "compressed_bytes": len(small),
                "smaller_percent": round(100 - 100 * len(small) / plain, 1),
                "stored_bytes": stored_size(STORAGE_KEY, record.encode_record(item)),
                "stored_as_json_bytes": 2 * (len(STORAGE_KEY) + plain),
            }
        )
    return found


def table(found: dict[str, Any]) -> str:
    """Return the figures for a person to read, the spread of the samples with them."""
    lines = ["sessions kept, ms                  median      least       most"]
    for what, name in (("store_ms", "one stored"), ("load_100_ms", "100 loaded")):
        lines += [
            f"  {f'{name}, {label}':<36}{_spread(found[f'{contender}_{what}'])}"
            for contender, label in CONTENDERS.items()
        ]
    for key, label in (
        ("product_open_10_ms", "10 opened, the product"),
        ("keys_ms", "keys read"),
        ("ready_with_10_sessions_ms", "renvault:ready with 10, warm"),
    ):
        lines.append(f"  {label:<36}{_spread(found[key])}")
    lines.append("ten sessions, bytes                       JSON  compressed  smaller   stored  stored as JSON")
    for row in found["sessions"]:
        lines.append(
            f"  {row['session']:<38}{row['json_bytes']:>6}{row['compressed_bytes']:>12}"
            f"{row['smaller_percent']:>7.1f} %{row['stored_bytes']:>9}{row['stored_as_json_bytes']:>16}"
        )
    lines.append(
        f"compressed: {found['smaller_total_percent']:.1f} % smaller in all, "
        f"{found['smaller_median_percent']:.1f} % in the median"
    )
    lines.append(
        f"PRF-2 product / plain JavaScript: store {found['store_ratio']:.2f}, load of 100 "
        f"{found['load_100_ratio']:.2f} (not compressed: {found['store_to_uncompressed_ratio']:.2f}, "
        f"{found['load_100_to_uncompressed_ratio']:.2f}); encryption's share of boot "
        f"{100 * found['encryption_share_of_boot']:.1f} %"
    )
    return "\n".join(lines)


def _spread(samples: list[float]) -> str:
    return f"{median(samples):>11.3f}{min(samples):>11.3f}{max(samples):>11.3f}"


def _site() -> Path:
    dist = build.build()
    with one_at_a_time():
        sources = [ROOT / "web" / "src", PAGE, SESSIONS, ROOT / "dev" / "bench" / "storage.py"]
        once("bench", fingerprint(STAMPS / "npm", *sources), [OUT / "storage.js"], _bundle, "bundling the bench's page")
        parts: dict[str, Path | bytes] = {str(path.relative_to(dist)): path for path in files(dist)}
        parts |= {f"bench/runtime/{path.name}": path for path in files(dist / "runtime")}
        parts |= {f"bench/{path.name}": path for path in files(OUT)}
        parts |= {"bench/index.html": PAGE / "index.html"}
        parts |= {"bench/python.json": json.dumps(PYTHON.read_text()).encode()}
        build.mirror(parts, SITE)
    return SITE


def _bundle() -> None:
    bundle.bundle({"storage": "bench/storage.ts"}, OUT, "--format=esm")


def _samples(page: Page, url: str, runs: int) -> dict[str, list[float]]:
    page.goto(url, timeout=LIMIT * 1000)
    result = page.locator("#result:not(:empty)")
    result.wait_for(state="attached", timeout=LIMIT * 1000 * max(runs, 1))
    told: dict[str, Any] = json.loads(result.text_content() or "{}")
    if "samples" not in told:
        raise DevError(f"the bench's page failed: {told.get('error')}")
    samples: dict[str, list[float]] = told["samples"]
    return samples


def _ready(page: Page) -> float:
    page.locator("html[data-renvault=ready]").wait_for(state="attached", timeout=LIMIT * 1000)
    found: float = page.evaluate("() => performance.getEntriesByName('renvault:ready')[0].startTime")
    sessions = page.evaluate("() => Object.keys(localStorage).filter((key) => key.startsWith('rv1.')).length")
    if sessions < 10:
        raise DevError(f"{sessions} records are stored where ten should be")
    return round(found, 1)
