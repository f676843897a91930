"""An account that an older build or another library knew, and the session that it becomes here.

Pure. Such a session has no keys: its topic is a local id that follows from the account alone, so that two pages, two
runs and two old formats that name one account make one session of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .session import LOCAL_TOPIC, SESSION_PERIOD, WalletSession, is_chain

MAINNET = "stacks:1"
TESTNET = "stacks:2147483648"

_ADDRESS = re.compile(r"[-.%a-zA-Z0-9]{1,128}")  # as CAIP-10 has it

_CHAINS = {
    "mainnet": MAINNET,
    "stacks:mainnet": MAINNET,
    "1": MAINNET,
    "0x1": MAINNET,
    "testnet": TESTNET,
    "stacks:testnet": TESTNET,
    "2147483648": TESTNET,
    "0x80000000": TESTNET,
}

# The version bytes of Stacks addresses (SIP-005): single and multiple signatures on each network.
_CHAIN_OF_PREFIX = {"SP": MAINNET, "SM": MAINNET, "ST": TESTNET, "SN": TESTNET}

_NAMES = {
    "leather": "Leather",
    "leatherprovider": "Leather",
    "xverse": "Xverse",
    "xverseproviders.bitcoinprovider": "Xverse",
    "hiro": "Hiro Wallet",
    "hirowalletprovider": "Hiro Wallet",
    "walletconnect": "WalletConnect",
    "ledger": "Ledger",
    "trezor": "Trezor",
    "multisig": "Multisig",
}


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What is taken over of an old session, and nothing else. Times are epoch seconds."""

    old_id: str
    source: str
    """The old entry's key."""
    chain: str
    address: str
    provider: str = ""
    public_key: str = ""
    network: str = ""
    permissions: tuple[str, ...] = ()
    connected_at: float | None = None
    expires_at: float | None = None
    """When the old session ends; None where its format knows no end."""

    @property
    def account(self) -> str:
        """The account in CAIP-10."""
        return f"{self.chain}:{self.address}"

    @property
    def topic(self) -> str:
        """The local id. It does not tell the account."""
        return local_topic(self.account)

    def session(self, now: float) -> WalletSession:
        """Return the session that the account becomes. ``now`` gives it an end where the old one had none."""
        metadata: dict[str, Any] = {"migratedFrom": self.source, "oldSessionId": self.old_id}
        if self.provider:
            metadata["provider"] = self.provider
        if self.public_key:
            metadata["publicKey"] = self.public_key
        if self.network:
            metadata["network"] = self.network
        if self.connected_at is not None:
            metadata["connectedAt"] = round(self.connected_at * 1000)  # as old builds wrote it, for JavaScript
        name = _NAMES.get(self.provider.lower(), self.provider)
        return WalletSession(
            topic=self.topic,
            expiry=now + SESSION_PERIOD if self.expires_at is None else self.expires_at,
            peer={"publicKey": "", "metadata": {"name": name, "description": "", "url": "", "icons": []}},
            accounts=(self.account,),
            chain_id=self.chain,
            extra={"metadata": metadata, **({"permissions": list(self.permissions)} if self.permissions else {})},
        )


def local_topic(account: str) -> str:
    """Return the local id of a CAIP-10 account."""
    return LOCAL_TOPIC + sha256(b"renvault known account " + account.encode()).hexdigest()[:32]


def is_genuine(session: WalletSession) -> bool:
    """Return whether the session of a known account is that of the account that its id stands for, and of its chain."""
    if len(session.accounts) != 1:
        return False
    [account] = session.accounts
    return session.chain_id == account.rpartition(":")[0] and session.topic == local_topic(account)


def split_address(address: str) -> tuple[str | None, str] | None:
    """Return the chain, None where the address does not say it, and the bare address; None where it cannot be one."""
    chain, _, bare = address.rpartition(":")
    if not _ADDRESS.fullmatch(bare) or (chain and not is_chain(chain)):
        return None
    return (named_chain(chain), bare) if chain else (None, bare)


def named_chain(value: object) -> str | None:
    """Return the CAIP-2 chain that an old build named: CAIP-2 itself, a network's name or its number; None else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return _CHAINS.get(value.lower(), value if is_chain(value) else None)


def chain_of(address: str, *said: object) -> str:
    """Return the chain: the first of ``said`` that names one, else what the address begins with, else mainnet."""
    named = next((chain for chain in map(named_chain, said) if chain), None)
    return named or _CHAIN_OF_PREFIX.get(address[:2], MAINNET)
