"""How a session changes: what the client now says of it, what its wallet tells, and what is merely told twice.

Pure. The client's record leads; what it does not hold (the account and chain that the wallet switched to, fields of
the host) is kept as long as the client's namespaces stay as they are. What was only stored may have come with an
import: of that, accounts and chain are kept only where the client's namespaces name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .session import is_chain

if TYPE_CHECKING:
    from .ports import Json
    from .session import WalletSession

_REMEMBERED = 1000  # events whose ids are kept; the relay redelivers within minutes


class Redeliveries:
    """Knows the events that came already: the relay delivers at least once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, object, object], None] = {}

    def is_one(self, event: Json) -> bool:
        """Return whether the event was here before; events without an id of the peer's never were."""
        number = event.get("id")
        if not isinstance(number, int | float | str) or not number:
            return False
        key = (event.get("event"), event.get("topic"), number)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False


def merged(client: WalletSession, known: WalletSession | None, *, told: bool = False) -> WalletSession:
    """Return the client's session with what only we know of it; ``told``: its wallet told that to this page."""
    if known is None:
        return client
    session = replace(client, extra={**known.extra, **client.extra})
    if known.namespaces is None or known.namespaces != client.namespaces:
        return session
    accounts, chains = _named(known.namespaces)
    if told or accounts.issuperset(known.accounts):
        session = replace(session, accounts=known.accounts)
    if told or known.chain_id in chains:
        session = replace(session, chain_id=known.chain_id)
    return session


def _named(namespaces: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the accounts and the chains that the namespaces name."""
    accounts: set[str] = set()
    chains: set[str] = set()
    for name, space in namespaces.items():
        fields = space if isinstance(space, Mapping) else {}
        accounts |= _texts(fields.get("accounts"))
        chains |= {name} | _texts(fields.get("chains"))  # a namespace may be that of one chain
    return accounts, chains | {account.rpartition(":")[0] for account in accounts}


def _texts(value: object) -> set[str]:
    return {text for text in value if isinstance(text, str)} if isinstance(value, list | tuple) else set()


def changes_between(before: WalletSession, after: WalletSession) -> list[str]:
    """Return the names of the fields that differ."""
    names = ("expiry", "accounts", "chain_id", "namespaces", "peer", "pairing_topic", "extra")
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def after_wallet_event(session: WalletSession, params: object) -> WalletSession:
    """Return the session after the wallet's ``accountsChanged`` or ``chainChanged``; unchanged for all else."""
    if not isinstance(params, Mapping):
        return session
    event, chain = params.get("event"), params.get("chainId")
    if not isinstance(event, Mapping) or not isinstance(chain, str) or not is_chain(chain):
        return session
    match event.get("name"):
        case "accountsChanged":
            return _with_accounts(session, chain, event.get("data"))
        case "chainChanged":
            return replace(session, chain_id=_chain(chain, event.get("data")))
        case _:
            return session


def _with_accounts(session: WalletSession, chain: str, data: object) -> WalletSession:
    """Put the chain's new accounts, in CAIP-10 or bare, before those of the other chains."""
    if not isinstance(data, list) or not all(isinstance(account, str) and account for account in data):
        return session
    new = [account if ":" in account else f"{chain}:{account}" for account in data]
    taken = set(new)
    others = [account for account in session.accounts if not account.startswith(f"{chain}:") and account not in taken]
    return replace(session, accounts=(*new, *others))


def _chain(chain: str, data: Any) -> str:
    """Return the chain that ``data`` (CAIP-2, a number, a hex text) names in the namespace of ``chain``."""
    if is_chain(data):
        return str(data)
    try:
        number = int(data, 16 if data.startswith("0x") else 10) if isinstance(data, str) else int(data)
        named = f"{chain.split(':')[0]}:{number}"  # Python refuses to write a giant number
    except (TypeError, ValueError, OverflowError):
        return chain
    return named if is_chain(named) else chain
