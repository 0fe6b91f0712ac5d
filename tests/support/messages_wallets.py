"""Wallets that a page finds in its browser: each speaks as its kind does, and signs by a local wallet in Python."""

import json
from typing import NamedTuple

from playwright.sync_api import Page

from rtlab.messaging.identity import read
from rtlab.messaging.identity.wallets import LocalWallet


class Injected(NamedTuple):
    """What the button says, the scheme, and the script that puts the wallet into the page."""

    name: str
    scheme: str
    script: str


_HEX = "const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));\n"
_UTF8 = "const text = (bytes) => new TextDecoder().decode(bytes);\n"

WALLETS = {
    "Ethereum": Injected(
        "Injected 6963",
        "eip191",
        """
const provider = { async request({ method, params }) {
  if (method === "eth_requestAccounts") return [address.toLowerCase()]
  return "0x" + (await sign(text(bytes(params[0].slice(2))))).signature
} }
const detail = { info: { uuid: "1", name: "Injected 6963" }, provider }
const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }))
addEventListener("eip6963:requestProvider", announce)
""",
    ),
    "Ethereum, the old way": Injected(
        "Ethereum wallet",
        "eip191",
        """
window.ethereum = { async request({ method, params }) {
  if (method === "eth_requestAccounts") return [address]
  return "0x" + (await sign(text(bytes(params[0].slice(2))))).signature
} }
""",
    ),
    "Ethereum, typed data": Injected(
        "Typed data only",
        "eip712",
        """
let asked
const provider = { async request({ method, params }) {
  if (method === "eth_requestAccounts") return [address.toLowerCase()]
  if (method === "personal_sign") {
    asked = text(bytes(params[0].slice(2)))
    throw Object.assign(new Error("no texts"), { code: 4200 })
  }
  const { primaryType, domain, message } = JSON.parse(params[1])
  const isRight = primaryType === "Device" && domain.chainId === 1 && asked.includes(message.directory)
  if (!isRight) throw new Error("asked otherwise")
  return "0x" + (await sign(asked)).signature
} }
const detail = { info: { uuid: "2", name: "Typed data only" }, provider }
const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }))
addEventListener("eip6963:requestProvider", announce)
""",
    ),
    "Solana": Injected(
        "Injected standard",
        "solana",
        """
const wallet = { name: "Injected standard", features: {
  "standard:connect": { connect: async () => ({ accounts: [{ address }] }) },
  "solana:signMessage": { async signMessage({ message }) {
    return [{ signature: bytes((await sign(text(message))).signature) }]
  } },
} }
addEventListener("wallet-standard:app-ready", ({ detail }) => detail.register(wallet))
""",
    ),
    "NEAR": Injected(
        "NEAR wallet",
        "nep413",
        """
window.near = {
  getAccountId: async () => address,
  async signMessage({ message, nonce, recipient }) {
    if (nonce.length !== 32 || !message.includes(`directory: ${recipient}`)) throw new Error("asked otherwise")
    return { publicKey: "ed25519:", signature: btoa(String.fromCharCode(...bytes((await sign(message)).signature))) }
  },
}
""",
    ),
    "Polkadot": Injected(
        "talisman",
        "sr25519",
        """
window.injectedWeb3 = { talisman: { enable: async () => ({
  accounts: { get: async () => [{ address: "5C", type: "ed25519" }, { address, type: "sr25519" }] },
  signer: { signRaw: async ({ data }) => ({ signature: "0x" + (await sign(text(bytes(data.slice(2))))).signature }) },
}) } }
""",
    ),
    "Cosmos": Injected(
        "Keplr",
        "adr36",
        """
window.keplr = {
  enable: async () => {},
  getKey: async () => ({ bech32Address: address }),
  async signArbitrary(chain, signer, message) {
    const { signature, key } = await sign(message)
    const base64 = (hex) => btoa(String.fromCharCode(...bytes(hex)))
    return { pub_key: { value: base64(key) }, signature: base64(signature) }
  },
}
""",
    ),
}


def answer_as(page: Page, family: str, wallet: LocalWallet) -> None:
    """Put a wallet of a family into every page of this tab; it signs what it is asked to, if it is a statement."""

    def sign(text: str) -> str:
        binding = wallet.sign(read(text))
        return json.dumps({"signature": binding.signature.hex(), "key": binding.key})

    name = f"signAs{list(WALLETS).index(family)}"
    page.expose_function(name, sign)
    address = wallet.account.rpartition(":")[2]
    opening = (
        f"const address = {json.dumps(address)};\nconst sign = async (t) => JSON.parse(await {name}(t));\n"
    )
    page.add_init_script("{" + opening + _HEX + _UTF8 + WALLETS[family].script + "}")
