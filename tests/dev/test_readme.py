"""README's examples run as they stand, and what it names is there."""

from __future__ import annotations

import ast
import asyncio
import re
from typing import TYPE_CHECKING

from dev import setup
from dev.steps import ROOT, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

README = (ROOT / "README.md").read_text("utf-8")


def block(language: str) -> str:
    """All examples in the language, one after the other."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL))


def test_the_python_example_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    code = compile(block("python"), "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    scope: dict[str, object] = {}

    async def example() -> None:
        await eval(code, scope)
        await scope["manager"].destroy()  # type: ignore[attr-defined]

    asyncio.run(example())
    assert "WalletSession(topic='aaaa" in capsys.readouterr().out


def test_the_typescript_examples_compile_against_the_types(tmp_path: Path) -> None:
    web = ROOT / "web" / "node_modules"
    host = tmp_path / "host.ts"
    code = block("ts").replace('"./renvault.js"', f'"{ROOT}/dist/renvault.js"')
    sign_client = f"{web}/@walletconnect/sign-client"
    given = "declare const relayUrl: string, projectId: string, passphrase: string;\n"
    given += "declare const metadata: { name: string; description: string; url: string; icons: string[] };\n"
    host.write_text(given + code.replace('"@walletconnect/sign-client"', f'"{sign_client}"') + "export {};\n")
    options = ["--ignoreConfig", "--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--noUncheckedIndexedAccess"]
    run([str(setup.node()), f"{web}/typescript/bin/tsc", *options, str(host)], what="tsc")


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(r"\]\(((?!https?:)[^)#]+)\)", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
