"""The TypeScript side of ``dist/``: bundles by esbuild, type declarations by tsc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev import setup
from dev.steps import CACHE, ROOT, STAMPS, DevError, fingerprint, fresh_folder, once, run

if TYPE_CHECKING:
    from pathlib import Path

WEB = ROOT / "web"
OUT = CACHE / "build" / "bundle"

ENTRIES = {"renvault": "src/index.ts", "dapp": "demo/dapp.ts", "wallet": "demo/wallet.ts"}
"""The modules that pages import, by the name they have in ``dist/``. What they share lies in chunks beside them."""

CLASSIC = {"status": "src/status.ts"}
"""Scripts that run while the page is parsed, before any module."""

OPTIONS = (
    "--bundle",
    "--minify",
    "--sourcemap",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=linked",
    "--define:global=globalThis",  # the WalletConnect SDKs expect it
    "--log-level=warning",
)


def build() -> None:
    """Bring the bundles and the types up to date."""
    sources = [STAMPS / "npm", WEB / "tsconfig.json", WEB / "src", WEB / "demo", ROOT / "dev" / "bundle.py"]
    once("bundle", fingerprint(*sources), [OUT], _bundle, "bundling TypeScript")


def bundle(entries: dict[str, str], out: Path, *options: str) -> None:
    """Bundle ``entries`` (name: source below web/) into the folder ``out``."""
    if missing := [source for source in entries.values() if not (WEB / source).is_file()]:
        raise DevError(f"missing in web/: {', '.join(missing)}")
    esbuild = WEB / "node_modules" / "esbuild" / "bin" / "esbuild"
    named = [f"{name}={source}" for name, source in entries.items()]
    command = [setup.node(), esbuild, *named, f"--outdir={out}", *OPTIONS, *options]
    run([str(part) for part in command], what="esbuild", cwd=WEB)


def _bundle() -> None:
    # Chunks lie beside the entries: a module finds its neighbours by its own address wherever it was put.
    fresh_folder(OUT)
    bundle(ENTRIES, OUT, "--format=esm", "--splitting", "--chunk-names=chunk-[hash]")
    bundle(CLASSIC, OUT, "--format=iife")
