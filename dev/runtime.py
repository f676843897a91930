"""The Python side of ``dist/``: Pyodide, the standard library as bytecode, whole and trimmed, our package, the wheel.

Pyodide spends most of its start importing the standard library from source. So ``runtime/stdlib-full.zip`` holds the
library compiled, and ``runtime/stdlib.zip`` only those of its modules that the product imports: they are traced in
Pyodide itself (``trace.py``), not guessed; importing another one says that it was left out (``trimmed/``).
``runtime/renvault_web.zip`` is our package, compiled, without its fakes for tests.
"""

from __future__ import annotations

import ast
import json
import shutil
import zipfile
from typing import TYPE_CHECKING

from dev import setup
from dev.steps import CACHE, ROOT, STAMPS, clean_environment, files, fingerprint, fresh_folder, once, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEV = ROOT / "dev"
TRIMMED = DEV / "trimmed"
PACKAGE = ROOT / "renvault_web"
PYODIDE = ROOT / "web" / "node_modules" / "pyodide"
LIBRARY = "/lib/python314.zip"  # where Pyodide puts the standard library
ARCHIVE = "/lib/renvault_web.zip"  # where web/src/boot.ts puts our package

ENCODINGS = ("__init__", "aliases", "ascii", "idna", "latin_1", "utf_8")
"""What Python looks up by name when a text names its encoding."""

STRINGPREP = "stringprep.pyc"  # idna's, imported when a host name is not ASCII

LOADER = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
"""What a page takes of the npm package as it is."""

OUT = CACHE / "build" / "runtime"
WHEEL = CACHE / "build" / "wheel"
STDLIB_FULL = OUT / "stdlib-full.zip"
STDLIB = OUT / "stdlib.zip"
OURS = OUT / "renvault_web.zip"

DATE_OF_WHEEL = "315532800"  # 1980-01-01, s: the first that a zip can say


def build() -> None:
    """Bring everything of the runtime up to date."""
    pyodide = fingerprint(STAMPS / "npm", DEV / "pyodide.mjs", DEV / "compile.py")
    once("pyodide", pyodide, [OUT / name for name in LOADER], _copy_pyodide)
    once("stdlib", pyodide, [STDLIB_FULL], _compile_library, "compiling Python's standard library for the browser")
    product = fingerprint(pyodide, TRIMMED, DEV / "trace.py", DEV / "runtime.py", *product_sources())
    once("package", product, [OURS, STDLIB], _compile_package, "compiling renvault_web for the browser")
    sources = [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"]
    once("wheel", fingerprint(STAMPS / "pip", PACKAGE, *sources), [WHEEL], make_wheel, "making the wheel")


def compile_python(source: Path, shown: str, target: Path) -> None:
    """Compile a zip or a folder of Python sources into the zip ``target``; tracebacks show it as lying at ``shown``."""
    library = STDLIB_FULL if STDLIB_FULL.exists() else None
    job = {"source": _inside(source), "shown": shown, "target": _inside(target)}
    _in_pyodide(DEV / "compile.py", job, library, f"compiling {source.name}")
    target.chmod(0o644)


def trace(library: Path, target: Path) -> None:
    """Import all of the product in Pyodide with ``library``; write which of its files that took to ``target``."""
    job = {"package": _inside(OURS), "imports": _imports(), "library": LIBRARY, "target": _inside(target)}
    _in_pyodide(DEV / "trace.py", job, library, "importing renvault_web in Pyodide")


def _in_pyodide(script: Path, job: object, library: Path | None, what: str) -> None:
    command = [setup.node(), DEV / "pyodide.mjs", ROOT, library or "", script, json.dumps(job)]
    run([str(part) for part in command], what=what)


def _inside(path: Path) -> str:
    return f"/project/{path.relative_to(ROOT)}"


def _copy_pyodide() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name in LOADER:
        shutil.copyfile(PYODIDE / name, OUT / name)


def _compile_library() -> None:
    STDLIB_FULL.unlink(missing_ok=True)
    compile_python(PYODIDE / "python_stdlib.zip", LIBRARY, STDLIB_FULL)


def _compile_package() -> None:
    staged = fresh_folder(CACHE / "build" / "package")
    for source in product_sources():
        target = staged / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    compile_python(staged, ARCHIVE, OURS)
    needed = CACHE / "build" / "needed.json"
    trace(STDLIB_FULL, needed)
    kept = {*json.loads(needed.read_text()), *(f"encodings/{name}.pyc" for name in ENCODINGS), STRINGPREP}
    added = CACHE / "build" / "trimmed.zip"
    compile_python(TRIMMED, LIBRARY, added)
    with zipfile.ZipFile(STDLIB, "w", zipfile.ZIP_STORED) as trimmed:
        _copy_entries(STDLIB_FULL, trimmed, kept)
        _copy_entries(added, trimmed, {"sitecustomize.pyc"})


def _copy_entries(source: Path, target: zipfile.ZipFile, names: set[str]) -> None:
    with zipfile.ZipFile(source) as archive:
        for entry in archive.infolist():
            if entry.filename in names:
                target.writestr(zipfile.ZipInfo(entry.filename, entry.date_time), archive.read(entry))


def product_sources() -> list[Path]:
    """Return the package's sources without the fakes, which are for hosts' tests and in the wheel."""
    return [path for path in files(PACKAGE) if path.suffix == ".py" and not path.name.startswith("testing")]


def _imports() -> list[tuple[str, list[str]]]:
    """Return every module of ours, and every import statement in them outside ``if TYPE_CHECKING``."""
    found: dict[tuple[str, tuple[str, ...]], None] = {}
    for source in product_sources():
        module = ".".join(source.relative_to(ROOT).with_suffix("").parts)
        found[module.removesuffix(".__init__"), ("*",)] = None
        for node in _running_code(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                found.update({(alias.name, ("*",)): None for alias in node.names})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module, tuple(alias.name for alias in node.names)] = None
    return [(name, list(names)) for name, names in found]


def _running_code(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _running_code(node)


def make_wheel() -> None:
    """Make the wheel anew, by the packaging tools and the settings that anyone would use."""
    staged = fresh_folder(CACHE / "build" / "wheel-source")
    shutil.copytree(PACKAGE, staged / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, staged / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", fresh_folder(WHEEL)]
    environment = {**clean_environment(), "SOURCE_DATE_EPOCH": DATE_OF_WHEEL}
    command = [setup.PYTHON, "-I", "-m", "pip", "wheel", *options, staged]
    run([str(part) for part in command], what="making the wheel", environment=environment)
