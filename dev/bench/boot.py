"""PRF-1: from navigation to a page that is ready, beside a bare ``loadPyodide()`` of the stock package.

Cold is the first visit of a new browser profile, warm the second visit in it. Both pages come from the same kind of
server with the same headers; they take turns, and so does who begins.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from dev import build
from dev.chromium import find_chromium, launch_arguments
from dev.relay import RelayThread
from dev.runtime import PYODIDE
from dev.serve import Site
from dev.steps import CACHE, DevError, say

if TYPE_CHECKING:
    from playwright.sync_api import BrowserType, Page

LIMIT = 120.0  # s, for one visit
PAUSE = 1.0  # s between two visits, in which the browser writes its caches

BARE_PAGE = b'<!doctype html><meta charset="utf-8"><title>bare</title><script type="module" src="./bare.js"></script>\n'
BARE_SCRIPT = b"""\
import { loadPyodide } from "./stock/pyodide.mjs";
await loadPyodide({ indexURL: new URL("./stock/", import.meta.url).href });
performance.mark("bare:ready");
document.documentElement.dataset.renvault = "ready";
"""
STOCK = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")


@dataclass(slots=True)
class Visits:
    """What the visits of one page took, ms."""

    url: str
    mark: str
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)


def measure(runs: int) -> dict[str, Any]:
    """Return ratios, medians and raw samples of ``runs`` cold and ``runs`` warm visits of each page."""
    from playwright.sync_api import sync_playwright

    dist = build.build()
    stock = {f"stock/{name}": PYODIDE / name for name in STOCK}
    bare_folder = CACHE / "bench" / "bare"
    build.mirror({"index.html": BARE_PAGE, "bare.js": BARE_SCRIPT, **stock}, bare_folder)
    with ExitStack() as running:
        relay = running.enter_context(RelayThread())
        sites = [running.enter_context(Site(folder, relay_url=relay.url)) for folder in (dist, bare_folder)]
        chromium = running.enter_context(sync_playwright()).chromium
        ours, bare = Visits(sites[0].url, "renvault:ready"), Visits(sites[1].url, "bare:ready")
        for turn in range(runs):
            say(f"boot, visit {turn + 1} of {runs}")
            for visits in (ours, bare) if turn % 2 == 0 else (bare, ours):
                _visit(chromium, visits)
    return figures(ours, bare)


def figures(ours: Visits, bare: Visits) -> dict[str, Any]:
    """Return what the samples come to, and the samples."""
    return {
        "cold_ratio": round(median(ours.cold) / median(bare.cold), 3),
        "warm_ratio": round(median(ours.warm) / median(bare.warm), 3),
        "status_painted_median_ms": round(median(ours.painted), 1),
        "ours_cold_ms": ours.cold,
        "ours_warm_ms": ours.warm,
        "bare_cold_ms": bare.cold,
        "bare_warm_ms": bare.warm,
        "status_painted_ms": ours.painted,
        "processors_count": os.cpu_count(),
    }


def table(found: dict[str, Any]) -> str:
    """Return the figures for a person to read, the spread of the samples with them."""
    lines = ["boot, ms from navigation     median      least       most"]
    for name, key in (
        ("renvault:ready, cold", "ours_cold_ms"),
        ("bare loadPyodide, cold", "bare_cold_ms"),
        ("renvault:ready, warm", "ours_warm_ms"),
        ("bare loadPyodide, warm", "bare_warm_ms"),
        ("status painted", "status_painted_ms"),
    ):
        samples = found[key]
        lines.append(f"  {name:<24}{median(samples):>9.0f}{min(samples):>11.0f}{max(samples):>11.0f}")
    lines.append(f"PRF-1 boot / bare: cold {found['cold_ratio']:.2f}, warm {found['warm_ratio']:.2f}")
    return "\n".join(lines)


def _visit(chromium: BrowserType, visits: Visits) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        context = chromium.launch_persistent_context(
            profile, executable_path=find_chromium(), args=launch_arguments(), headless=True
        )
        with context:
            page = context.new_page()
            for samples in (visits.cold, visits.warm):
                page.goto(visits.url, timeout=LIMIT * 1000)
                samples.append(_time_of(page, visits.mark))
                if visits.mark == "renvault:ready":
                    visits.painted.append(_time_of(page, "renvault:status-painted"))
                page.goto("about:blank")
                page.wait_for_timeout(PAUSE * 1000)


def _time_of(page: Page, mark: str) -> float:
    page.locator("html:is([data-renvault=ready], [data-renvault=failed])").wait_for(
        state="attached", timeout=LIMIT * 1000
    )
    found: float | None = page.evaluate("(name) => performance.getEntriesByName(name)[0]?.startTime ?? null", mark)
    if found is None:
        raise DevError(f"the page at {page.url} set no mark {mark}")
    return round(found, 1)
