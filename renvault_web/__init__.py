"""Wallet sessions that survive: lifecycle, reconnection and encrypted records for WalletConnect, in the browser."""
