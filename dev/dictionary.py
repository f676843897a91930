"""Makes ``renvault_web/dictionary.py``: ``python3 -m dev.dictionary > renvault_web/dictionary.py``, always the same.

The dictionary holds what sessions have in common, so that a record need only say where it stands there. It is made of
synthetic sessions: each wallet and dapp below, with the chains, methods and events of several ecosystems. What is a
session's own (ids, addresses, times) is left out. What most sessions have stands last, where the shortest distances
reach it (zlib's manual, ``deflateSetDictionary``).

A dictionary that was shipped is never changed: records name it by its Adler-32 and need it for good. A better one gets
the next number, and the older ones stay beside it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, TypeAlias
from zlib import adler32

SIZE = 8 * 1024
"""Bytes at most. Whatever there is more has been seen in few sessions, and makes every compression slower."""

GRAM = 24
"""Bytes by which texts are compared: what stands there already in pieces of this length is not taken again.

Shorter, and little stands in one piece; each reference into the dictionary takes about three bytes."""

OWN = "\x7f"
"""Stands for what is a session's own."""

PEERS = (
    (
        "Xverse Wallet",
        "Xverse Wallet: The Bitcoin wallet for everyone",
        "https://www.xverse.app",
        "/images/logo/xverse-icon.png",
    ),
    ("Leather", "Leather: Bitcoin wallet for DeFi, NFTs, Ordinals and dApps", "https://leather.io", "/favicon-512.png"),
    ("RenVault", "Micro-savings on Stacks", "http://localhost:3000", "/icons/icon-192.png"),
    ("Asigna", "Multisig wallet for Bitcoin and Stacks", "https://asigna.io", "/logo.svg"),
    ("Fordefi", "Institutional self-custody MPC wallet", "https://www.fordefi.com", "/favicon.ico"),
    (
        "OKX Wallet",
        "OKX Wallet is a secure, multi-chain crypto wallet and your portal to Web3",
        "https://www.okx.com",
        "/favicon.ico",
    ),
    (
        "Trust Wallet",
        "Trust Wallet is a secure and easy-to-use mobile wallet",
        "https://trustwallet.com",
        "/assets/images/media/assets/TWT.png",
    ),
    (
        "Ledger Wallet",
        "Ledger Live Wallet with WalletConnect",
        "https://www.ledger.com",
        "/wp-content/uploads/favicon.png",
    ),
    (
        "MetaMask Wallet",
        "MetaMask Wallet Integration",
        "https://metamask.io/",
        "https://raw.githubusercontent.com/MetaMask/brand-resources/master/SVG/metamask-fox.svg",
    ),
    (
        "Rainbow",
        "Rainbow makes exploring Ethereum fun and accessible",
        "https://rainbow.me",
        "https://avatars.githubusercontent.com/u/48327834?s=200&v=4",
    ),
    (
        "Zerion",
        "Zerion is a smart crypto wallet and Web3 portfolio tracker",
        "https://wallet.zerion.io",
        "/images/logo.png",
    ),
    (
        "Coinbase Wallet",
        "Coinbase Wallet: your home to everything onchain",
        "https://www.coinbase.com/wallet",
        "/static/images/apple-touch-icon.png",
    ),
    (
        "SafePal",
        "Connect to your SafePal hardware and software wallet",
        "https://www.safepal.com",
        "/static/logo-256.png",
    ),
    ("Bitget Wallet", "The open source, non-custodial wallet", "https://web3.bitget.com", "/favicon.ico"),
    (
        "Phantom",
        "A friendly crypto wallet built for DeFi & NFTs on Solana",
        "https://phantom.app",
        "/img/phantom-logo.png",
    ),
    (
        "Keplr",
        "Keplr: the wallet for the Interchain and the Cosmos ecosystem",
        "https://www.keplr.app",
        "/images/keplr_256.png",
    ),
    (
        "Safe",
        "Safe is the most trusted platform to manage digital assets on Ethereum",
        "https://app.safe.global",
        "/favicons/logo_120x120.png",
    ),
    ("Uniswap", "Swap or provide liquidity on the Uniswap Protocol", "https://app.uniswap.org", "/favicon.png"),
    (
        "OpenSea",
        "OpenSea, the largest NFT marketplace",
        "https://opensea.io",
        "https://static.opensea.io/favicon/apple-touch-icon.png",
    ),
    (
        "Aave",
        "Open source liquidity protocol: earn interest, borrow assets",
        "https://app.aave.com",
        "/icons/icon-512.svg",
    ),
    (
        "1inch",
        "Aggregator for the best rates in DeFi with your savings",
        "https://app.1inch.io",
        "/assets/images/logo.svg",
    ),
    (
        "PancakeSwap",
        "Trade, earn, and own crypto on the all-in-one multichain DEX",
        "https://pancakeswap.finance",
        "/logo.png",
    ),
    ("ALEX", "ALEX: Bitcoin DeFi on Stacks. Swap, stake and lend every week", "https://app.alexlab.co", "/favicon.ico"),
    ("Velar", "The liquidity hub of decentralized finance on Bitcoin", "https://app.velar.com", "/logo192.png"),
    ("AppKit", "AppKit Example", "https://appkit-lab.reown.com", "/assets/favicon-32x32.png"),
    (
        "React App",
        "App created with Reown AppKit and WalletConnect",
        "https://reown.com/appkit",
        "https://avatars.githubusercontent.com/u/179229932",
    ),
    ("My App", "A dapp to save and swap with your friends", "https://my-app.vercel.app", "/icons/icon-192x192.png"),
)
"""Name, description, address and icon of wallets and dapps that people connect."""

EVENTS = ("accountsChanged", "chainChanged")

EIP155 = (
    "eth_accounts",
    "eth_requestAccounts",
    "eth_sendRawTransaction",
    "eth_sign",
    "eth_signTransaction",
    "eth_signTypedData",
    "eth_signTypedData_v3",
    "eth_signTypedData_v4",
    "eth_sendTransaction",
    "personal_sign",
    "wallet_switchEthereumChain",
    "wallet_addEthereumChain",
    "wallet_getPermissions",
    "wallet_requestPermissions",
    "wallet_registerOnboarding",
    "wallet_watchAsset",
    "wallet_scanQRCode",
    "wallet_getCallsStatus",
    "wallet_showCallsStatus",
    "wallet_sendCalls",
    "wallet_getCapabilities",
    "wallet_grantPermissions",
    "wallet_revokePermissions",
    "wallet_getAssets",
)
"""What AppKit asks for."""

Space: TypeAlias = "dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]"

SPACES: tuple[tuple[int, Space], ...] = (
    (
        1,
        {"polkadot": (("91b171bb158e2d3848fa23a9f1c25182",), ("polkadot_signTransaction", "polkadot_signMessage"), ())},
    ),
    (1, {"near": (("mainnet",), ("near_signIn", "near_signOut", "near_getAccounts", "near_signTransaction"), ())}),
    (
        2,
        {
            "bip122": (
                ("000000000019d6689c085ae165831e93",),
                ("sendTransfer", "signMessage", "signPsbt", "getAccountAddresses"),
                EVENTS,
            )
        },
    ),
    (
        3,
        {
            "cosmos": (
                ("cosmoshub-4", "osmosis-1", "juno-1"),
                ("cosmos_getAccounts", "cosmos_signDirect", "cosmos_signAmino"),
                EVENTS,
            )
        },
    ),
    (
        4,
        {
            "solana": (
                ("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",),
                (
                    "solana_signMessage",
                    "solana_signTransaction",
                    "solana_requestAccounts",
                    "solana_getAccounts",
                    "solana_signAllTransactions",
                    "solana_signAndSendTransaction",
                ),
                EVENTS,
            )
        },
    ),
    (
        5,
        {
            "eip155": (
                ("1", "137"),
                ("eth_sendTransaction", "personal_sign", "eth_signTypedData", "eth_signTypedData_v4", "eth_sign"),
                ("chainChanged", "accountsChanged", "message", "disconnect", "connect"),
            )
        },
    ),
    (8, {"eip155": (("1", "42161", "8453", "10", "137", "56", "59144", "43114", "100", "11155111"), EIP155, EVENTS)}),
    (
        9,
        {
            "stacks": (
                ("2147483648",),
                (
                    "stx_getAddresses",
                    "stx_getAccounts",
                    "stx_signMessage",
                    "stx_signStructuredMessage",
                    "stx_signTransaction",
                    "stx_callContract",
                    "stx_deployContract",
                    "stx_transferStx",
                    "stx_transferSip10Ft",
                    "stx_transferSip10Nft",
                ),
                EVENTS,
            )
        },
    ),
    (
        40,
        {
            "stacks": (
                ("1", "2147483648"),
                ("stx_getAddresses", "stx_signMessage", "stx_signTransaction", "stx_transferStx"),
                EVENTS,
            )
        },
    ),
)
"""How many of a hundred sessions or so have them, and chains, methods and events by namespace."""

ADDRESSES = {"eip155": "0x", "stacks": "SP", "cosmos": "cosmos1", "bip122": "bc1q"}
"""What addresses begin with."""


def body(peer: tuple[str, str, str, str], space: dict[str, Any], chains: int) -> str:
    """Return a session record's body (``renvault_web/stored.py``) without what is the session's own."""
    name, description, url, icon = peer
    namespaces = {
        namespace: {
            "chains": [f"{namespace}:{reference}" for reference in references[:chains]],
            "accounts": [
                f"{namespace}:{reference}:{ADDRESSES.get(namespace, '')}{OWN}" for reference in references[:chains]
            ],
            "methods": methods,
            "events": events,
        }
        for namespace, (references, methods, events) in space.items()
    }
    accounts = [account for namespace in namespaces.values() for account in namespace["accounts"]]
    session = {
        "topic": OWN,
        "pairingTopic": OWN,
        "peer": {
            "publicKey": OWN,
            "metadata": {
                "name": name,
                "description": description,
                "url": url,
                "icons": [icon if icon.startswith("https:") else url + icon],
            },
        },
        "expiry": OWN,
        "accounts": accounts,
        "chainId": accounts[0].rsplit(":", 1)[0],
        "namespaces": namespaces,
    }
    text = json.dumps({"session": session, "created": OWN, "used": OWN}, separators=(",", ":"), ensure_ascii=False)
    return text.replace(f'"{OWN}","accounts"', f'{OWN},"accounts"')  # a time is no text


def pieces() -> Counter[str]:
    """Return the texts between what is a session's own, and how often each came."""
    found: Counter[str] = Counter()
    for number, peer in enumerate(PEERS):
        for share, space in SPACES:
            for chains in (1, 2, 99):
                # Those who come to RenVault stand first: their wallets and RenVault itself.
                weight = share * (4 if number < 3 else 1)
                for piece in body(peer, space, chains).split(OWN):
                    found[piece] += weight
    return found


def make() -> bytes:
    """Return the dictionary."""
    known: set[str] = set()
    chosen: list[str] = []
    size = 0
    for piece, _ in sorted(pieces().items(), key=lambda item: (-item[1], item[0])):
        for part in _new_parts(piece, known):
            if size + len(part) <= SIZE:
                chosen.append(part)
                size += len(part)
    return "".join(reversed(chosen)).encode("ascii")


def _new_parts(piece: str, known: set[str]) -> list[str]:
    """Return the stretches of ``piece`` that hold a gram which is not known yet, and take note of them."""
    parts: list[str] = []
    end = 0
    for place in range(max(len(piece) - GRAM, 0) + 1):
        gram = piece[place : place + GRAM]
        if gram in known:
            continue
        known.add(gram)
        if parts and place <= end:
            parts[-1] += piece[end : place + GRAM]
        else:
            parts.append(gram)
        end = place + GRAM
    return parts


def module(dictionary: bytes) -> str:
    """Return the source of ``renvault_web/dictionary.py``."""
    lines = re.findall(".{1,105}", dictionary.decode("ascii"))
    return HEAD + "".join(f"    b{line!r}\n" for line in lines) + TAIL.format(id=adler32(dictionary))


HEAD = '''\
"""The preset dictionaries of compressed records, by the Adler-32 that a zlib stream names them by (RFC 1950, DICTID).

Made by dev/dictionary.py, which says of what; not to be edited. Records need a dictionary for as long as there are any:
one that was shipped is never changed and never taken out.
"""

from __future__ import annotations

# fmt: off
DICTIONARY_1 = (
'''

TAIL = """\
)
# fmt: on

NEWEST = DICTIONARY_1
\"\"\"The one that new records are compressed with.\"\"\"

DICTIONARIES = {{0x{id:08X}: DICTIONARY_1}}
"""

if __name__ == "__main__":
    print(module(make()), end="")
