"""The TypeScript side of ``dist/``: bundles by esbuild, type declarations by tsc."""

from __future__ import annotations

import re
from pathlib import Path

from dev import setup
from dev.steps import CACHE, ROOT, STAMPS, DevError, fingerprint, fresh_folder, once, run

WEB = ROOT / "web"
OUT = CACHE / "build" / "bundle"
TYPES = CACHE / "build" / "types"
TYPES_CONFIG = ROOT / "dev" / "tsconfig.types.json"

ENTRIES = {"renvault": "src/index.ts", "dapp": "demo/dapp.ts", "wallet": "demo/wallet.ts"}
"""The modules that pages import, by the name they have in ``dist/``. What they share lies in chunks beside them."""

CLASSIC = {"status": "src/status.ts"}
"""Scripts that run while the page is parsed, before any module."""

# Chunks lie beside the entries: a module finds its neighbours by its own address wherever it was put.
MODULES = ("--format=esm", "--splitting", "--chunk-names=chunk-[hash]")

IMPORT = re.compile(r"""from "(\.{1,2}/[^"]+)\.ts\"""")

OPTIONS = (
    "--bundle",
    "--minify",
    "--sourcemap",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=linked",
    "--define:global=globalThis",  # the WalletConnect SDKs expect it
    "--alias:@walletconnect/keyvaluestorage=./demo/no-key-value-storage.ts",  # which says why
    "--log-level=warning",
)


def build() -> None:
    """Bring the bundles and the types up to date."""
    common = [STAMPS / "npm", WEB / "tsconfig.json", WEB / "src", ROOT / "dev" / "bundle.py"]
    once("bundle", fingerprint(*common, WEB / "demo"), [OUT], _bundle, "bundling TypeScript")
    once("types", fingerprint(*common, TYPES_CONFIG), [TYPES], _declare, "writing the type declarations")


def bundle(entries: dict[str, str], out: Path, *options: str) -> None:
    """Bundle ``entries`` (name: source below web/) into the folder ``out``."""
    if missing := [source for source in entries.values() if not (WEB / source).is_file()]:
        raise DevError(f"missing in web/: {', '.join(missing)}")
    # The program itself: the script that npm puts before it buries what it says under a trace of its own.
    (esbuild,) = (WEB / "node_modules" / "@esbuild").glob("*/bin/esbuild")
    named = [f"{name}={source}" for name, source in entries.items()]
    run([str(esbuild), *named, f"--outdir={out}", *OPTIONS, *options], what="esbuild", cwd=WEB)


def _bundle() -> None:
    fresh_folder(OUT)
    bundle(ENTRIES, OUT, *MODULES)
    bundle(CLASSIC, OUT, "--format=iife")


def _declare() -> None:
    """Write ``renvault.d.ts`` and what it refers to, as a host's compiler looks for them beside ``renvault.js``."""
    emitted = fresh_folder(TYPES) / "types"
    tsc = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    command = [setup.node(), tsc, "-p", TYPES_CONFIG, "--outDir", emitted]
    run([str(part) for part in command], what="tsc")
    needed, waiting = set[Path](), [emitted / "index.d.ts"]
    while waiting:
        declaration = waiting.pop()
        text = declaration.read_text()
        needed.add(declaration)
        declaration.write_text(IMPORT.sub(r'from "\1.js"', text))
        found = [(declaration.parent / f"{name}.d.ts").resolve() for name in IMPORT.findall(text)]
        waiting += [path for path in found if path not in needed]
    for inner in set(emitted.rglob("*.d.ts")) - needed:
        inner.unlink()
    (TYPES / "renvault.d.ts").write_text('export * from "./types/index.js";\n')
