import json

import pytest

from dev.bench import boot
from dev.bench.boot import Visits


def samples() -> dict[str, object]:
    ours = Visits(
        "http://ours/", "renvault:ready", cold=[500.0, 900.0, 600.0], warm=[400.0, 300.0, 500.0], painted=[90.0, 110.0]
    )
    bare = Visits("http://bare/", "bare:ready", cold=[1000.0, 1200.0, 3000.0], warm=[800.0, 900.0, 700.0])
    return boot.figures(ours, bare)


def test_the_figures_are_ratios_of_medians_with_every_sample_beside_them() -> None:
    figures = samples()
    assert (figures["cold_ratio"], figures["warm_ratio"], figures["status_painted_median_ms"]) == (0.5, 0.5, 100.0)
    assert figures["ours_cold_ms"] == [500.0, 900.0, 600.0]
    assert figures["bare_warm_ms"] == [800.0, 900.0, 700.0]
    assert {name.rpartition("_")[2] for name in figures} == {"ratio", "ms", "count"}
    assert json.loads(json.dumps(figures)) == figures


def test_the_table_shows_medians_and_their_spread() -> None:
    lines = boot.table(samples()).splitlines()
    assert lines[1].split() == ["renvault:ready,", "cold", "600", "500", "900"]
    assert lines[-1] == "PRF-1 boot / bare: cold 0.50, warm 0.50"


@pytest.mark.long
def test_boot_to_ready_takes_the_promised_part_of_a_bare_one() -> None:
    figures = boot.measure(3)
    assert figures["cold_ratio"] <= 0.60
    assert figures["warm_ratio"] <= 0.75
