// Wallets that the browser or an extension has put into the page, each as {name, scheme, account(), sign(statement, text)}.
// `sign` gives {signature, key?}: bytes, and the public key in hex where neither address nor signature has it.

import { hex, unbase64, unhex, utf8 } from "../bytes.js"
import { MessagingError } from "../errors.js"
import { typedData, withChecksum } from "../identity/ethereum.js"
import { unbase58 } from "../identity/ed25519_chains.js"

const SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
const POLKADOT = "polkadot:91b171bb158e2d3848fa23a9f1c25182"
const COSMOS = "cosmoshub-4"
const UNSUPPORTED = new Set([4200, -32601, -32004]) // EIP-1193 and JSON-RPC: there is no such method
const WAIT = 60 // ms, for wallets to announce themselves

const unhex0x = (digits) => unhex(digits.replace(/^0x/, "").toLowerCase())

function ethereum(provider, name) {
  let address
  return {
    name,
    scheme: "eip191",
    async account() {
      ;[address] = await provider.request({ method: "eth_requestAccounts" })
      return `eip155:1:${withChecksum(address.slice(2))}`
    },
    // by its text, which people can read; where the wallet does not sign texts, as typed data (EIP-712)
    async sign(statement, text) {
      let signature
      try {
        this.scheme = "eip191"
        signature = unhex0x(await provider.request({ method: "personal_sign", params: [`0x${hex(utf8(text))}`, address] }))
      } catch (problem) {
        if (!UNSUPPORTED.has(problem.code)) throw problem
        this.scheme = "eip712"
        signature = unhex0x(await provider.request({ method: "eth_signTypedData_v4", params: [address, JSON.stringify(typedData(statement))] }))
      }
      if (signature[64] < 27) signature[64] += 27
      return { signature }
    },
  }
}

function solana(wallet) {
  let found
  return {
    name: wallet.name,
    scheme: "solana",
    async account() {
      const { accounts } = await wallet.features["standard:connect"].connect()
      found = accounts[0]
      return `${SOLANA}:${found.address}`
    },
    async sign(_, text) {
      const [{ signature }] = await wallet.features["solana:signMessage"].signMessage({ account: found, message: utf8(text) })
      return { signature: new Uint8Array(signature) }
    },
  }
}

function near(wallet) {
  return {
    name: wallet.name ?? "NEAR wallet",
    scheme: "nep413",
    account: async () => `near:mainnet:${await wallet.getAccountId()}`,
    async sign({ account, nonce, directory }, text) {
      const { publicKey, signature } = await wallet.signMessage({ message: text, nonce, recipient: directory })
      const isImplicit = /^[0-9a-f]{64}$/.test(account.split(":")[2])
      const key = isImplicit ? "" : hex(unbase58(publicKey.replace(/^ed25519:/, ""), "a NEAR key"))
      return { signature: typeof signature === "string" ? unbase64(signature) : new Uint8Array(signature), key }
    },
  }
}

function polkadot(name, extension) {
  let signer, address
  return {
    name,
    scheme: "sr25519",
    async account() {
      const enabled = await extension.enable(location.host || "rtlab")
      const accounts = await enabled.accounts.get()
      const found = accounts.find(({ type = "sr25519" }) => type === "sr25519")
      if (!found) throw new MessagingError("the wallet has no account with an sr25519 key")
      signer = enabled.signer
      address = found.address
      return `${POLKADOT}:${address}`
    },
    async sign(_, text) {
      const { signature } = await signer.signRaw({ address, data: `0x${hex(utf8(text))}`, type: "bytes" })
      const bytes = unhex0x(signature)
      return { signature: bytes.length === 65 ? bytes.subarray(1) : bytes }
    },
  }
}

function keplr(wallet) {
  let address
  return {
    name: "Keplr",
    scheme: "adr36",
    async account() {
      await wallet.enable(COSMOS)
      address = (await wallet.getKey(COSMOS)).bech32Address
      return `cosmos:${COSMOS}:${address}`
    },
    async sign(_, text) {
      const { pub_key: key, signature } = await wallet.signArbitrary(COSMOS, address, text)
      return { signature: unbase64(signature), key: hex(unbase64(key.value)) }
    },
  }
}

// Gives the wallets of this page, after those that announce themselves had their time.
export async function injectedWallets(page = window) {
  const announced = new Map()
  const standard = []
  const onEthereum = ({ detail: { info, provider } }) => announced.set(info.uuid, ethereum(provider, info.name))
  const register = (...wallets) => standard.push(...wallets)
  const onStandard = ({ detail }) => detail({ register })
  page.addEventListener("eip6963:announceProvider", onEthereum)
  page.addEventListener("wallet-standard:register-wallet", onStandard)
  page.dispatchEvent(new Event("eip6963:requestProvider"))
  page.dispatchEvent(new CustomEvent("wallet-standard:app-ready", { detail: { register } }))
  await new Promise((resolve) => setTimeout(resolve, WAIT))
  page.removeEventListener("eip6963:announceProvider", onEthereum)
  page.removeEventListener("wallet-standard:register-wallet", onStandard)
  const found = [...announced.values()]
  if (!found.length && page.ethereum) found.push(ethereum(page.ethereum, "Ethereum wallet"))
  found.push(...standard.filter(({ features }) => features["solana:signMessage"]).map(solana))
  if (page.near?.signMessage) found.push(near(page.near))
  for (const [name, extension] of Object.entries(page.injectedWeb3 ?? {})) found.push(polkadot(name, extension))
  if (page.keplr) found.push(keplr(page.keplr))
  return found
}
