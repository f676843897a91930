import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dev import build, bundle, runtime, setup
from dev.steps import CACHE, ROOT, DevError, clean_environment, files, fresh_folder, run, write


@pytest.fixture(scope="module")
def dist() -> Path:
    return build.build()


def test_dist_holds_all_that_hosts_and_pages_ask_for(dist: Path) -> None:
    names = {str(path.relative_to(dist)) for path in files(dist)}
    assert names >= {
        "index.html",
        "wallet.html",
        "renvault.js",
        "renvault.d.ts",
        "status.js",
        "renvault.config.json",
        "renvault_web-0.1.0-py3-none-any.whl",
        "runtime/pyodide.mjs",
        "runtime/pyodide.asm.mjs",
        "runtime/pyodide.asm.wasm",
        "runtime/stdlib.zip",
        "runtime/stdlib-full.zip",
        "runtime/renvault_web.zip",
    }
    assert list(json.loads((dist / "renvault.config.json").read_text())) == [
        "relayUrl",
        "projectId",
        "metadata",
        "debug",
    ]


def test_a_build_without_changes_does_nothing(dist: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in files(dist)}
    capfd.readouterr()
    build.build()
    assert capfd.readouterr().err == ""
    assert {path: path.stat().st_mtime_ns for path in files(dist)} == before


def test_dist_is_mended_and_rid_of_what_is_no_part_of_it(dist: Path) -> None:
    write(dist / "old" / "chunk-00000000.js", b"")
    (dist / "index.html").unlink()
    write(dist / "renvault.config.json", b"{}")
    build.build()
    assert not (dist / "old").exists()
    assert (dist / "index.html").read_bytes() == (ROOT / "web" / "index.html").read_bytes()
    assert (dist / "renvault.config.json").read_bytes() != b"{}"


def test_pages_name_their_files_relative_to_themselves(dist: Path) -> None:
    for page in build.PAGES:
        named = re.findall(r"""(?:src|href)="([^"]*)\"""", (dist / page).read_text())
        assert named
        for name in named:
            assert not name.startswith(("/", "http:", "https:"))
            assert (dist / name).is_file()


def test_the_same_sources_give_the_same_bytes() -> None:
    staged = CACHE / "build" / "package"
    again = fresh_folder(CACHE / "build" / "again")
    runtime.compile_python(staged, runtime.ARCHIVE, again / "renvault_web.zip")
    assert (again / "renvault_web.zip").read_bytes() == runtime.OURS.read_bytes()
    bundled = fresh_folder(CACHE / "build" / "bundle-again")
    bundle.bundle(bundle.ENTRIES, bundled, *bundle.MODULES)
    for path in files(bundled):
        assert path.read_bytes() == (bundle.OUT / path.name).read_bytes()
    (wheel,) = files(runtime.WHEEL)
    first = wheel.read_bytes()
    runtime.make_wheel()
    assert wheel.read_bytes() == first


def test_the_bytecode_is_stored_dated_alike_and_never_checked_against_a_source(dist: Path) -> None:
    for name in ("stdlib.zip", "stdlib-full.zip", "renvault_web.zip"):
        with zipfile.ZipFile(dist / "runtime" / name) as archive:
            entries = archive.infolist()
            assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
            assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
            assert {Path(entry.filename).suffix for entry in entries} == {".pyc"}
            flags = {archive.read(entry)[4:8] for entry in entries}
            assert flags == {b"\x01\x00\x00\x00"}  # PEP 552: hash-based, check_source not set


def test_the_product_is_without_its_fakes_and_the_wheel_has_them(dist: Path) -> None:
    with zipfile.ZipFile(dist / "runtime" / "renvault_web.zip") as archive:
        product = set(archive.namelist())
    with zipfile.ZipFile(dist / "renvault_web-0.1.0-py3-none-any.whl") as archive:
        wheel = set(archive.namelist())
    assert "renvault_web/browser/runtime.pyc" in product
    assert not [name for name in product if "testing" in name]
    assert {"renvault_web/testing.py", "renvault_web/browser/runtime.py"} <= wheel


def test_the_trimmed_library_carries_the_whole_product(tmp_path: Path) -> None:
    """Every import of the product is done again on the trimmed library alone."""
    needed = CACHE / "build" / "needed-trimmed.json"
    runtime.trace(runtime.STDLIB, needed)
    first = set(json.loads((CACHE / "build" / "needed.json").read_text()))
    assert set(json.loads(needed.read_text())) == first | {"sitecustomize.pyc"}


def test_a_module_that_was_left_out_says_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def main(argument):\n    import sqlite3\n")
    command = [setup.node(), ROOT / "dev" / "pyodide.mjs", ROOT, runtime.STDLIB, script, ""]
    done = subprocess.run(
        [str(part) for part in command],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ModuleNotFoundError: sqlite3 is not in runtime/stdlib.zip" in done.stderr
    assert "All of it is in runtime/stdlib-full.zip" in done.stderr


def test_a_host_compiles_against_the_types(dist: Path, tmp_path: Path) -> None:
    host = tmp_path / "host.ts"
    host.write_text(
        f'import {{ sessionManager, createSdkStorage, type Session }} from "{dist}/renvault.js";\n'
        "const sessions: readonly Session[] = sessionManager.getActiveSessions();\n"
        "export const [first, storage] = [sessions[0]?.expiry, createSdkStorage()];\n"
    )
    tsc = ROOT / "web" / "node_modules" / "typescript" / "bin" / "tsc"
    options = [
        "--ignoreConfig",
        "--strict",
        "--noEmit",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    run([str(setup.node()), str(tsc), *options, str(host)], what="tsc")


def test_a_missing_entry_is_an_error() -> None:
    with pytest.raises(DevError, match=r"^missing in web/: src/nothing\.ts$"):
        bundle.bundle({"nothing": "src/nothing.ts"}, CACHE / "build" / "nothing")


def test_the_command_works_from_any_folder_whatever_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('the wrong argparse')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(ROOT / "dev"), "--help"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "serve|test|build|bench|check" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "70000"],
        ["serve", "--relay-url", "http://x"],
        ["build", "--fast"],
        ["bench", "--runs", "0"],
        [],
    ],
)
def test_what_makes_no_sense_is_refused_with_the_usage(arguments: list[str]) -> None:
    command = [sys.executable, str(ROOT / "dev"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python3 dev")
