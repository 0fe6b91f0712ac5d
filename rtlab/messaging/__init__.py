"""Wallet-to-wallet messaging: who somebody is, what only the two read, how it is carried, and how it is seen."""
