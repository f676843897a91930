import os
import signal
import sys
import time
from pathlib import Path

import pytest

from dev import steps
from dev.steps import DevError, clean_environment, files, fingerprint, fresh_folder, once, run, write


@pytest.fixture
def name() -> str:
    """A step of this test alone, undone before and after."""
    return "of-a-test"


@pytest.fixture(autouse=True)
def _no_stamp(name: str) -> None:
    (steps.STAMPS / name).unlink(missing_ok=True)


def test_a_step_is_done_once_and_again_when_its_stamp_changes(name: str, tmp_path: Path) -> None:
    done: list[str] = []
    made = tmp_path / "made"

    def work() -> None:
        done.append("done")
        made.touch()

    assert [once(name, stamp, [made], work) for stamp in ("a", "a", "b", "b")] == [True, False, True, False]
    made.unlink()
    assert once(name, "b", [made], work) is True
    assert len(done) == 3


def test_a_step_that_breaks_off_is_done_again(name: str) -> None:
    def broken() -> None:
        raise DevError("half way")

    assert once(name, "a", [], lambda: None) is True
    with pytest.raises(DevError):
        once(name, "b", [], broken)
    assert once(name, "a", [], lambda: None) is True


def test_a_fingerprint_tells_names_from_bytes_and_one_file_from_two(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("bc")
    first = fingerprint(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x").write_text("x")
    assert fingerprint(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "ab")
    (tmp_path / "ab").write_text("c")
    assert fingerprint(tmp_path) != first
    assert fingerprint("a", "b") != fingerprint("ab") != fingerprint("b", "a")


def test_files_are_sorted_and_without_what_python_leaves_behind(tmp_path: Path) -> None:
    for path in ("b", "a/c", "a/__pycache__/d"):
        write(tmp_path / path, b"")
    assert [str(path.relative_to(tmp_path)) for path in files(tmp_path)] == ["a/c", "b"]


def test_writing_leaves_no_trace_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path / "new" / "file", b"one")
    write(tmp_path / "new" / "file", b"two")
    assert [(path.name, path.read_bytes()) for path in files(tmp_path)] == [("file", b"two")]


def test_a_fresh_folder_is_empty(tmp_path: Path) -> None:
    write(tmp_path / "folder" / "old", b"")
    assert list(fresh_folder(tmp_path / "folder").iterdir()) == []


def test_a_program_that_fails_is_told_with_its_last_lines_and_advice() -> None:
    program = "import sys\nfor n in range(30): print('line', n, flush=True)\nprint('why', file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(DevError) as told:
        run([sys.executable, "-c", program], what="counting", advice="Count less.")
    assert str(told.value).splitlines()[0] == "counting failed (exit code 3):"
    assert str(told.value).splitlines()[1:] == [*(f"  line {n}" for n in range(11, 30)), "  why", "Count less."]


def test_a_program_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(DevError, match=r"^counting: /no/such/program cannot be run: No such file"):
        run(["/no/such/program"], what="counting")


def test_a_program_that_does_not_end_is_ended_with_all_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(DevError, match="no end after 1 s"):
        run(["sh", "-c", f"sleep 600 & echo $! > {pid}; wait"], what="sleeping", limit=1)
    _wait_until_gone(int(pid.read_text()))


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the program's child went on")


def test_the_environment_keeps_the_way_to_a_registry_and_drops_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = ["PYTHONPATH", "PIP_TARGET", "PIP_USER", "NODE_OPTIONS", "NODE_ENV", "npm_config_omit", "PYTEST_ADDOPTS"]
    kept = [
        "PIP_INDEX_URL",
        "PIP_CERT",
        "npm_config_registry",
        "NPM_CONFIG_CAFILE",
        "NODE_EXTRA_CA_CERTS",
        "HTTPS_PROXY",
    ]
    for variable in (*dropped, *kept):
        monkeypatch.setenv(variable, "x")
    environment = clean_environment()
    assert [variable for variable in (*dropped, *kept) if variable in environment] == kept
