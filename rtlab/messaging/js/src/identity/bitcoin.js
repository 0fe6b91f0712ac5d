// Bitcoin: generic signed messages (BIP-322, "simple"), for P2WPKH, P2TR by its key path, and plain multisig P2WSH.

import { schnorr } from "@noble/curves/secp256k1.js"
import { bech32, bech32m } from "@scure/base"
import { base64, concat, equal, u16le, u32le, unbase64, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { checkSecp256k1, fromDer, hash160, holds, need, sha256 } from "./keys.js"

const ALL = 1 // the signature covers all inputs and outputs
const zeros = (size) => new Uint8Array(size)
const of = Uint8Array.of.bind(Uint8Array)
const twice = (data) => sha256(sha256(data))
const size = (n) => (n < 0xfd ? of(n) : concat(of(0xfd), u16le(n)))
const OUTPUT = concat(zeros(8), of(1, 0x6a))

function tagged(tag, data) {
  const name = sha256(utf8(tag))
  return sha256(concat(name, name, data))
}

export function scriptOf(address) {
  for (const [codec, version] of [[bech32, 0], [bech32m, 1]]) {
    let found
    try {
      found = codec.decode(address, 90)
    } catch {
      continue
    }
    if (found.prefix !== "bc" || found.words[0] !== version || address !== address.toLowerCase()) break
    let program
    try {
      program = codec.fromWords(found.words.slice(1))
    } catch {
      break
    }
    if (program.length !== 32 && (version || program.length !== 20)) break
    return concat(of(version ? 0x51 : 0, program.length), program)
  }
  throw new IdentityError("an address is not one of Bitcoin's main chain of a kind known here")
}

function stackOf(raw) {
  let at = 0
  const next = (many) => {
    if (at + many > raw.length) throw new IdentityError("a witness is truncated")
    at += many
    return raw.subarray(at - many, at)
  }
  const length = () => {
    const first = next(1)[0]
    if (first < 0xfd) return first
    const [low, high] = next(2)
    if (first !== 0xfd || low + 256 * high < 0xfd) throw new IdentityError("a witness has a length of another form")
    return low + 256 * high
  }
  const count = length()
  if (count < 1 || count > 32 || raw.length > 4096) throw new IdentityError("a witness has no sensible number of elements")
  const elements = []
  for (let i = 0; i < count; i++) elements.push(next(length()))
  if (at !== raw.length) throw new IdentityError("a witness has bytes left over")
  return elements
}

function spentBy(script, message) {
  const signature = concat(of(0, 0x20), tagged("BIP0322-signed-message", message))
  const inputs = concat(of(1), zeros(32), of(255, 255, 255, 255), size(signature.length), signature, zeros(4))
  return twice(concat(zeros(4), inputs, of(1), zeros(8), size(script.length), script, zeros(4)))
}

const digestV0 = (spent, code) => {
  const outpoint = concat(spent, zeros(4))
  return twice(concat(zeros(4), twice(outpoint), twice(zeros(4)), outpoint, size(code.length), code, zeros(12), twice(OUTPUT), zeros(4), u32le(ALL)))
}

const digestV1 = (spent, script, kind) =>
  tagged(
    "TapSighash",
    concat(of(0, kind), zeros(8), sha256(concat(spent, zeros(4))), sha256(zeros(8)), sha256(concat(size(script.length), script)), sha256(zeros(4)), sha256(OUTPUT), zeros(5)),
  )

function checkEcdsa(key, signature, digest) {
  if (signature[signature.length - 1] !== ALL) throw new IdentityError("a signature does not sign the whole transaction")
  checkSecp256k1(key, digest, fromDer(signature.subarray(0, -1)))
}

function checkTaproot(script, stack, spent) {
  if (stack.length !== 1 || (stack[0].length !== 64 && stack[0].length !== 65)) throw new IdentityError("a witness is not by the key path of a Taproot address")
  const kind = stack[0].length === 65 ? stack[0][64] : 0
  if (stack[0].length === 65 && kind !== ALL) throw new IdentityError("a signature does not sign the whole transaction")
  const digest = digestV1(spent, script, kind)
  if (!holds(() => schnorr.verify(stack[0].subarray(0, 64), digest, script.subarray(2)))) {
    throw new IdentityError("the signature is not of this message by this address")
  }
}

function multisigKeys(script) {
  const keys = []
  for (let at = 1; at < script.length - 2; at += 34) keys.push(script.subarray(at + 1, at + 34))
  const required = script[0] - 0x50
  const form = concat(of(0x50 + required), ...keys.map((key) => concat(of(0x21), key)), of(0x50 + keys.length, 0xae))
  if (!(required > 0 && required <= keys.length && keys.length <= 15) || !equal(form, script)) throw new IdentityError("a script is no plain multisig")
  return [required, keys]
}

function checkMultisig(script, stack, spent) {
  const code = stack[stack.length - 1]
  if (stack.length < 3 || stack[0].length || !equal(sha256(code), script.subarray(2))) throw new IdentityError("a witness is not of this P2WSH address")
  const [required, keys] = multisigKeys(code)
  const signatures = stack.slice(1, -1)
  if (signatures.length !== required) throw new IdentityError("a multisig witness has not the number of signatures")
  const digest = digestV0(spent, code)
  let left = 0
  for (const signature of signatures) {
    while (left < keys.length && !holds(() => (checkEcdsa(keys[left], signature, digest), true))) left++
    if (left++ >= keys.length) throw new IdentityError("a signature is of none of the keys that are left")
  }
}

export function checkSimple(address, message, signature) {
  const script = scriptOf(address)
  let raw
  try {
    raw = unbase64(signature.startsWith("smp") ? signature.slice(3) : signature)
  } catch {
    throw new IdentityError("a BIP-322 signature is no base64")
  }
  const stack = stackOf(raw)
  const spent = spentBy(script, message)
  if (script[0] === 0x51) return checkTaproot(script, stack, spent)
  if (script.length !== 22) return checkMultisig(script, stack, spent)
  if (stack.length !== 2 || !equal(hash160(need(stack[1], 33, "a key")), script.subarray(2))) throw new IdentityError("a witness is not of this P2WPKH address")
  checkEcdsa(stack[1], stack[0], digestV0(spent, concat(of(0x76, 0xa9, 0x14), script.subarray(2), of(0x88, 0xac))))
}

export const SCHEMES = {
  bip322(statement, address, binding) {
    if (!statement.account.startsWith("bip122:000000000019d6689c085ae165831e93:")) throw new IdentityError("BIP-322 is for accounts of Bitcoin's main chain")
    if (binding.key) throw new IdentityError("a Bitcoin signature comes without a key")
    checkSimple(address, utf8(binding.statement), base64(binding.signature))
  },
}
