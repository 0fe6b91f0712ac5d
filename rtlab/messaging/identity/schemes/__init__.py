"""How wallets of each chain family sign a text, and how that is checked. One module a family, `SCHEMES` in each."""
