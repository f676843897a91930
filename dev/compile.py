"""Runs inside Pyodide, see ``pyodide.mjs``: Python sources in, a zip of ``.pyc`` files out.

Bytecode has to come from the very Python that will run it. The files are stored uncompressed and are of the kind that
is never checked against a source, so that importing one is reading it; names are sorted and dates are fixed, so that
the same sources give the same bytes.
"""

import importlib._bootstrap_external as bootstrap
import importlib.util
import json
import zipfile
from pathlib import Path

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say


def compiled(source: bytes, filename: str) -> bytes:
    """Return the ``.pyc`` bytes of ``source``; ``filename`` is what tracebacks show."""
    code = compile(source, filename, "exec", dont_inherit=True)
    pyc: bytes = bootstrap._code_to_hash_pyc(code, importlib.util.source_hash(source), False)  # type: ignore[attr-defined] # noqa: FBT003 - private
    return pyc


def sources(path: Path) -> dict[str, bytes]:
    """Return every Python source of a zip or a folder by its path in there."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*.py")}


def main(argument: str) -> None:
    """Compile ``source`` as if it lay in the archive ``shown``, into the archive ``target``."""
    job = json.loads(argument)
    with zipfile.ZipFile(job["target"], "w", zipfile.ZIP_STORED) as archive:
        for name, source in sorted(sources(Path(job["source"])).items()):
            archive.writestr(zipfile.ZipInfo(name + "c", DATE), compiled(source, f"{job['shown']}/{name}"))
