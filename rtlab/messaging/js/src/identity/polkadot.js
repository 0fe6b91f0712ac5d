// Polkadot: signRaw of a wallet extension, a Schnorr signature (sr25519) over the text in <Bytes>.

import { blake2b } from "@noble/hashes/blake2.js"
import { verify } from "@scure/sr25519"
import { concat, equal, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { unbase58 } from "./ed25519_chains.js"
import { holds, need } from "./keys.js"

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

// Gives the 32 bytes of a public key from an SS58 address of any network.
export function ss58Key(address) {
  const raw = unbase58(address, "an SS58 address")
  const ident = raw[0] < 64 ? 1 : 2
  if (raw.length !== ident + 34 || raw[0] >= 128) throw new IdentityError("an SS58 address is not of a public key")
  const check = blake2b(concat(utf8("SS58PRE"), raw.subarray(0, -2)), { dkLen: 64 }).subarray(0, 2)
  if (!equal(check, raw.subarray(-2))) throw new IdentityError("an SS58 address has a wrong checksum")
  return raw.subarray(ident, -2)
}

export const wrapped = (text) => utf8(`<Bytes>${text}</Bytes>`)

export function checkSr25519(key, message, signature) {
  need(signature, 64, "an sr25519 signature")
  if (!(signature[63] & 0x80)) throw new IdentityError("an sr25519 signature has not the mark of one")
  let s = BigInt(signature[63] & 0x7f)
  for (let i = 62; i >= 32; i--) s = (s << 8n) | BigInt(signature[i])
  if (s >= ORDER) throw new IdentityError("an sr25519 signature is malleated: its s is out of range")
  if (!holds(() => verify(message, signature, key))) throw new IdentityError("the signature is not of this statement by this account")
}

export const SCHEMES = {
  sr25519(statement, address, binding) {
    if (!statement.account.startsWith("polkadot:")) throw new IdentityError("a scheme of Polkadot is for its accounts")
    if (binding.key) throw new IdentityError("a Polkadot address is its key: expected no other")
    checkSr25519(ss58Key(address), wrapped(binding.statement), binding.signature)
  },
}
