"""``dev bench``: our figures beside those of what we compare ourselves to, measured in one run, in turn.

Machines differ and are noisy: only ratios are promised (docs/promises.md, PRF), and the spread of the samples is shown
with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dev.bench import boot, storage
from dev.steps import say, write

if TYPE_CHECKING:
    from pathlib import Path


def main(runs: int, target: Path | None) -> int:
    """Measure everything ``runs`` times; print it, and write it to ``target`` as JSON where one is given."""
    figures = {}
    for promise, bench in {"PRF-1": boot, "PRF-2": storage}.items():
        figures[promise] = bench.measure(runs)
        print(bench.table(figures[promise]), flush=True)
    if target is not None:
        write(target.resolve(), json.dumps(figures, indent=2).encode() + b"\n")
        say(f"every sample: {target}")
    return 0
