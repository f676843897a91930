import json

import pytest

from dev.bench import boot, storage
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


def kept() -> dict[str, object]:
    contenders = {"product": 2.0, "plain": 1.0, "plain_uncompressed": 0.5, "passworder": 4.0}
    samples = {f"{name}_store_ms": [took, 9.0, 0.1] for name, took in contenders.items()}
    samples |= {f"{name}_load_100_ms": [10 * took, 99.0, 1.0] for name, took in contenders.items()}
    samples |= {"product_open_10_ms": [6.0, 5.0, 7.0], "keys_ms": [2.0, 1.0, 30.0]}
    sizes = [
        {
            "session": label,
            "json_bytes": plain,
            "compressed_bytes": small,
            "smaller_percent": smaller,
            "stored_bytes": 700,
            "stored_as_json_bytes": 2 * plain,
        }
        for label, plain, small, smaller in (
            ("one", 800, 200, 75.0),
            ("two", 1200, 180, 85.0),
            ("three", 1000, 220, 78.0),
        )
    ]
    return storage.figures(samples, [400.0, 390.0, 500.0], sizes)


def test_what_storing_takes_is_told_as_ratios_of_medians_and_shares() -> None:
    figures = kept()
    assert (figures["store_ratio"], figures["load_100_ratio"]) == (2.0, 2.0)
    assert (figures["store_to_uncompressed_ratio"], figures["load_100_to_uncompressed_ratio"]) == (4.0, 4.0)
    assert (figures["store_to_passworder_ratio"], figures["load_100_to_passworder_ratio"]) == (0.5, 0.5)
    assert figures["encryption_share_of_boot"] == 0.02
    assert (figures["smaller_total_percent"], figures["smaller_median_percent"]) == (80.0, 78.0)
    assert figures["passworder_store_ms"] == [4.0, 9.0, 0.1]
    assert json.loads(json.dumps(figures)) == figures


def test_the_table_of_storing_shows_medians_spread_and_each_session() -> None:
    lines = storage.table(kept()).splitlines()
    assert lines[1].split() == ["one", "stored,", "the", "product", "2.000", "0.100", "9.000"]
    assert lines[8].split() == ["100", "loaded,", "browser-passworder", "40.000", "1.000", "99.000"]
    assert lines[13].split() == ["one", "800", "200", "75.0", "%", "700", "1600"]
    assert lines[-2] == "compressed: 80.0 % smaller in all, 78.0 % in the median"
    assert lines[-1] == (
        "PRF-2 product / plain JavaScript: store 2.00, load of 100 2.00 (not compressed: 4.00, 4.00); "
        "encryption's share of boot 2.0 %"
    )


def test_ten_sessions_are_measured_as_json_compressed_and_stored() -> None:
    found = storage.sizes()
    assert len(found) == 10
    for row in found:
        sealed_bytes = 11 + 12 + row["compressed_bytes"] + 16
        assert row["stored_bytes"] == 2 * (len("rv1.") + 22 + -(-sealed_bytes * 4 // 3))
        assert row["stored_as_json_bytes"] == 2 * (len("rv1.") + 22 + row["json_bytes"])


@pytest.mark.long
def test_sessions_are_stored_and_loaded_within_the_promised_part_of_plain_javascript() -> None:
    figures = storage.measure(3)
    assert figures["store_ratio"] <= 4
    assert figures["load_100_ratio"] <= 3
    assert figures["encryption_share_of_boot"] < 0.05
    assert figures["smaller_total_percent"] >= 75


@pytest.mark.long
def test_boot_to_ready_takes_the_promised_part_of_a_bare_one() -> None:
    figures = boot.measure(3)
    assert figures["cold_ratio"] <= 0.60
    assert figures["warm_ratio"] <= 0.75
