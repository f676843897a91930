"""The Python tests inside Pyodide: a site with them beside ``dist/``'s runtime, and Chromium to open it.

The package that is tested there is compiled as the product is, with the fakes, which the product leaves out.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dev import build, bundle, runtime, setup
from dev.chromium import find_chromium, launch_arguments
from dev.relay import RelayThread
from dev.serve import Site
from dev.steps import CACHE, ROOT, STAMPS, files, fingerprint, fresh_folder, once, one_at_a_time, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TESTS = ROOT / "tests"
PAGE = TESTS / "page"
OUT = CACHE / "build" / "inpage"
SITE = CACHE / "testsite"
ARCHIVES = OUT / "tests"

LIBRARIES = ("_pytest", "pytest", "pluggy", "iniconfig", "packaging", "pygments", "py.py")
LEXERS = ("__init__", "_mapping", "diff", "python")  # of pygments' hundreds, those that pytest imports

UNPACKED = ("conftest.py", "unit", "contracts", "fixtures", "page/run_tests.py")
"""What of tests/ is taken into the page."""

LIMIT = 300.0  # s, for all tests in the page
DATE = (1980, 1, 1, 0, 0, 0)


def run(arguments: Sequence[str]) -> dict[str, Any]:
    """Run the tests in Chromium; ``arguments`` go to pytest there.

    Return ``passed``, ``skipped``, and ``failures`` by test; or ``error`` where the page did not come that far.
    """
    from playwright.sync_api import TimeoutError as NoEnd
    from playwright.sync_api import sync_playwright

    site_folder = build_testsite()
    with (
        RelayThread() as relay,
        Site(site_folder, relay_url=relay.url) as site,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_chromium(), args=launch_arguments()) as browser,
    ):
        page = browser.new_page()
        page.on("pageerror", lambda error: say(f"in the page: {error}"))
        page.expose_function("relayControl", relay.control)
        asked = [("relay", relay.url), *(("argument", argument) for argument in arguments)]
        page.goto(f"{site.url}tests.html?{urlencode(asked)}")
        result = page.locator("#result:not(:empty)")
        try:
            result.wait_for(state="attached", timeout=LIMIT * 1000)
        except NoEnd:
            told: dict[str, Any] = {"error": f"no end after {LIMIT:.0f} s"}
        else:
            told = json.loads(result.text_content() or "{}")
        print(page.locator("#log").text_content() or "", end="", flush=True)
        return told


def build_testsite() -> Path:
    """Bring ``dist/`` and the test site up to date; return the latter's folder."""
    build.build()
    with one_at_a_time():
        compiler = fingerprint(STAMPS / "stdlib", runtime.DEV / "compile.py", ROOT / "dev" / "inpage.py")
        libraries = fingerprint(compiler, STAMPS / "pip")
        once("page-libraries", libraries, [ARCHIVES / "libraries.zip"], _compile_libraries, "compiling pytest")
        package = fingerprint(compiler, runtime.PACKAGE)
        once("page-package", package, [ARCHIVES / "renvault_web.zip"], _compile_package)
        sources = [ROOT / "pyproject.toml", *(TESTS / name for name in UNPACKED)]
        once("page-tests", fingerprint(compiler, *sources), [ARCHIVES / "tests.zip"], lambda: _pack(sources))
        harness = fingerprint(compiler, STAMPS / "npm", ROOT / "web" / "src", ROOT / "web" / "demo", PAGE)
        once("page-harness", harness, [OUT / "harness.js"], _bundle_harness)
        build.mirror(_parts(), SITE)
    return SITE


def _parts() -> dict[str, Path | bytes]:
    parts: dict[str, Path | bytes] = {f"runtime/{path.name}": path for path in files(build.DIST / "runtime")}
    parts |= {str(path.relative_to(OUT)): path for path in files(OUT)}
    parts["tests.html"] = PAGE / "tests.html"
    return parts


def _compile_libraries() -> None:
    staged = fresh_folder(CACHE / "build" / "page-libraries")
    (packages,) = (setup.VENV / "lib").glob("python3.*/site-packages")
    for name in LIBRARIES:
        if name.endswith(".py"):
            shutil.copyfile(packages / name, staged / name)
        else:
            shutil.copytree(packages / name, staged / name, ignore=_other_lexers)
    _compile(staged, "libraries.zip")
    (metadata,) = packages.glob("pluggy-*.dist-info/METADATA")  # pytest's first line tells pluggy's version
    with zipfile.ZipFile(ARCHIVES / "libraries.zip", "a") as archive:
        archive.writestr(zipfile.ZipInfo(str(metadata.relative_to(packages)), DATE), metadata.read_bytes())


def _other_lexers(folder: str, names: list[str]) -> set[str]:
    if not folder.endswith("pygments/lexers"):
        return {"__pycache__"}
    return {name for name in names if name.removesuffix(".py") not in LEXERS}


def _compile_package() -> None:
    staged = fresh_folder(CACHE / "build" / "page-package")
    shutil.copytree(runtime.PACKAGE, staged / runtime.PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(staged, "renvault_web.zip")


def _compile(staged: Path, name: str) -> None:
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    runtime.compile_python(staged, f"/lib/{name}", ARCHIVES / name)


def _pack(sources: Iterable[Path]) -> None:
    """Zip the tests as source: pytest rewrites their assertions."""
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(ARCHIVES / "tests.zip", "w") as archive:
        for path in (file for source in sources for file in files(source)):
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(ROOT)), DATE), path.read_bytes())


def _bundle_harness() -> None:
    bundle.bundle({"harness": "../tests/page/harness.ts"}, OUT, "--format=esm")
