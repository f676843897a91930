"""What a host may hand over, with real clients in it: only the page can tell."""

from __future__ import annotations

import json

import renvault_bridge_testing

EXPECTED = "Expected an object with getAppKit(), an AppKit, a UniversalProvider, a WalletKit or a SignClient; got "
ADOPTED = "adopted, 0 sessions"


async def test_whatever_holds_a_client_is_adopted() -> None:
    assert json.loads(await renvault_bridge_testing.adoptions()) == {
        "SignClient": ADOPTED,
        "WalletKit": ADOPTED,
        "UniversalProvider": ADOPTED,
        "AppKit": ADOPTED,
        "AppKitService": ADOPTED,
        "nothing": f"client: {EXPECTED}undefined.",
        "another object": f"client: {EXPECTED}an object with getSessions.",
        "a promise": f"client: {EXPECTED}a Promise: await it first.",
    }
