// A wallet whose key is made on this page: to try things, never for an account that holds anything.

import { secp256k1 } from "@noble/curves/secp256k1.js"
import { ed25519 } from "@noble/curves/ed25519.js"
import { base58 } from "@scure/base"
import { concat, hex, utf8 } from "../bytes.js"
import { addressOf, personalDigest } from "../identity/ethereum.js"
import { nearDigest } from "../identity/ed25519_chains.js"

export function localWallet(family = "ethereum", secret = ed25519.utils.randomSecretKey()) {
  return { isTest: true, name: `Test wallet (${family})`, secret, ...FAMILIES[family](secret) }
}

export const FAMILIES = {
  ethereum: (secret) => ({
    scheme: "eip191",
    account: async () => `eip155:1:${addressOf(secp256k1.getPublicKey(secret, false).subarray(1))}`,
    async sign(_, text) {
      const signature = secp256k1.sign(personalDigest(utf8(text)), secret, { prehash: false, format: "recovered" })
      return { signature: concat(signature.subarray(1), Uint8Array.of(27 + signature[0])) }
    },
  }),
  solana: (secret) => ({
    scheme: "solana",
    account: async () => `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:${base58.encode(ed25519.getPublicKey(secret))}`,
    sign: async (_, text) => ({ signature: ed25519.sign(utf8(text), secret) }),
  }),
  near: (secret) => ({
    scheme: "nep413",
    account: async () => `near:mainnet:${hex(ed25519.getPublicKey(secret))}`,
    sign: async ({ nonce, directory }, text) => ({ signature: ed25519.sign(nearDigest(text, nonce, directory), secret) }),
  }),
}
