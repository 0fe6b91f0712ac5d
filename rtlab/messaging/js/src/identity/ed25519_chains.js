// NEAR (NEP-413), Solana (signMessage) and Tezos (a packed string): Ed25519, and secp256k1 for Tezos' tz2.

import { blake2b } from "@noble/hashes/blake2.js"
import { base58 } from "@scure/base"
import { concat, equal, u32be, u32le, unhex, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { checkEd25519, checkSecp256k1, need, sha256 } from "./keys.js"

const lengthened = (text) => concat(u32le(utf8(text).length), utf8(text))

export function nearDigest(message, nonce, recipient, callbackUrl) {
  const url = callbackUrl === undefined ? Uint8Array.of(0) : concat(Uint8Array.of(1), lengthened(callbackUrl))
  return sha256(concat(u32le(2 ** 31 + 413), lengthened(message), nonce, lengthened(recipient), url))
}

export const tezosDigest = (shown) => {
  const raw = utf8(shown)
  return blake2b(concat(Uint8Array.of(5, 1), u32be(raw.length), raw), { dkLen: 32 })
}

export function tezosShown(statement, text) {
  const when = text.split("issued: ")[1].split("\n")[0]
  return `Tezos Signed Message: ${statement.directory} ${when} ${text}`
}

export function unbase58(digits, what) {
  let raw
  try {
    raw = base58.decode(digits)
  } catch {
    throw new IdentityError(`${what} is no Base58`)
  }
  if (base58.encode(raw) !== digits) throw new IdentityError(`${what} is Base58 in another form`)
  return raw
}

async function nearKey(statement, address, binding, resolver) {
  if (/^[0-9a-f]{64}$/.test(address)) {
    if (binding.key) throw new IdentityError("an implicit NEAR account is its key: expected no other")
    return unhex(address)
  }
  if (!/^[a-z0-9]+([-_.][a-z0-9]+)*$/.test(address)) throw new IdentityError("this is no NEAR account")
  if (!resolver?.keysOf) throw new IdentityError("the keys of a named NEAR account are on its chain: no resolver is given for that")
  const key = need(unhex(binding.key), 32, "the key of a named NEAR account")
  const keys = await resolver.keysOf(statement.account)
  if (!keys.some((one) => equal(one, key))) throw new IdentityError("a key is not among those of the NEAR account")
  return key
}

export const SCHEMES = {
  async nep413(statement, address, binding, resolver) {
    if (!/^near:(mainnet|testnet):/.test(statement.account)) throw new IdentityError("NEP-413 is for accounts of NEAR")
    const key = await nearKey(statement, address, binding, resolver)
    checkEd25519(key, nearDigest(binding.statement, statement.nonce, statement.directory), binding.signature)
  },
  solana(statement, address, binding) {
    if (!statement.account.startsWith("solana:")) throw new IdentityError("a scheme of Solana is for its accounts")
    if (binding.key) throw new IdentityError("a Solana address is its key: expected no other")
    const key = need(unbase58(address, "a Solana address"), 32, "a Solana address")
    checkEd25519(key, utf8(binding.statement), binding.signature)
  },
  tezos(statement, address, binding) {
    if (!statement.account.startsWith("tezos:")) throw new IdentityError("a scheme of Tezos is for its accounts")
    if (!/^tz[12][1-9A-HJ-NP-Za-km-z]{33}$/.test(address)) throw new IdentityError("an account is not of a kind of Tezos known here")
    const raw = unbase58(address, "a Tezos address")
    const body = raw.subarray(0, -4)
    if (!equal(sha256(sha256(body)).subarray(0, 4), raw.subarray(-4))) throw new IdentityError("a Tezos address has a wrong checksum")
    const key = unhex(binding.key)
    const hashed = blake2b(key, { dkLen: 20 })
    const isTz1 = equal(body, concat(unhex("06a19f"), hashed))
    if (!isTz1 && !equal(body, concat(unhex("06a1a1"), hashed))) throw new IdentityError("a key is not that of the Tezos account")
    const digest = tezosDigest(tezosShown(statement, binding.statement))
    if (isTz1) checkEd25519(key, digest, binding.signature)
    else checkSecp256k1(key, digest, binding.signature)
  },
}
