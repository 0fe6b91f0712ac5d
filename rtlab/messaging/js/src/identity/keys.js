// Digests and signature checks under all schemes. A signature has one form: s of ECDSA in the lower half, s of Ed25519
// below the group's order, fixed lengths.

import { ed25519 } from "@noble/curves/ed25519.js"
import { secp256k1 } from "@noble/curves/secp256k1.js"
import { ripemd160 } from "@noble/hashes/legacy.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { keccak_256 } from "@noble/hashes/sha3.js"
import { concat } from "../bytes.js"
import { IdentityError } from "../errors.js"

export { keccak_256 as keccak256, sha256 }
export const hash160 = (data) => ripemd160(sha256(data))

const BAD = "the signature is not of this statement by this account"
const STRICT = { prehash: false, lowS: true }

export function need(data, size, what) {
  if (data.length !== size) throw new IdentityError(`${what} has ${data.length} bytes, expected ${size}`)
  return data
}

export function checkEd25519(key, message, signature) {
  need(key, 32, "an Ed25519 key")
  need(signature, 64, "an Ed25519 signature")
  if (!holds(() => ed25519.verify(signature, message, key, { zip215: false }))) throw new IdentityError(BAD)
}

// Checks r, s (64 bytes) by a compressed key.
export function checkSecp256k1(key, digest, signature) {
  need(key, 33, "a compressed secp256k1 key")
  need(signature, 64, "an ECDSA signature")
  if (!holds(() => secp256k1.verify(signature, digest, key, STRICT))) throw new IdentityError(BAD)
}

// Gives the uncompressed key, without its first byte, that made r, s, v (65 bytes).
export function recoverSecp256k1(digest, signature) {
  need(signature, 65, "an Ethereum signature")
  const v = signature[64] - 27
  if (v !== 0 && v !== 1) throw new IdentityError("an Ethereum signature is r, s, v with v 27 or 28")
  const compact = signature.subarray(0, 64)
  let point
  try {
    const parsed = secp256k1.Signature.fromBytes(compact, "compact")
    if (parsed.hasHighS()) throw new IdentityError("an ECDSA signature is malleated: its s is in the upper half")
    point = parsed.addRecoveryBit(v).recoverPublicKey(digest)
  } catch (problem) {
    throw problem instanceof IdentityError ? problem : new IdentityError(`no key made this signature: ${problem.message}`)
  }
  return point.toBytes(false).subarray(1)
}

// Gives r, s (64 bytes) of a DER signature, which must have the only form that DER allows (BIP-66).
export function fromDer(signature) {
  const numbers = []
  let at = 2
  if (signature.length < 8 || signature[0] !== 0x30 || signature[1] !== signature.length - 2) throw new IdentityError("an ECDSA signature is no DER")
  for (let i = 0; i < 2; i++) {
    const size = signature[at + 1] ?? 0
    let number = signature.subarray(at + 2, at + 2 + size)
    while (number.length && number[0] === 0) number = number.subarray(1)
    if (number.length > 32) throw new IdentityError("an ECDSA signature is no DER")
    numbers.push(concat(new Uint8Array(32 - number.length), number))
    at += 2 + size
  }
  const compact = concat(...numbers)
  const again = der(compact)
  if (again.length !== signature.length || again.some((byte, i) => byte !== signature[i])) {
    throw new IdentityError("an ECDSA signature is DER in another form than the one it has")
  }
  return compact
}

function der(compact) {
  const parts = [compact.subarray(0, 32), compact.subarray(32)].map((half) => {
    let at = 0
    while (at < 31 && half[at] === 0) at++
    const number = half[at] & 0x80 ? concat(Uint8Array.of(0), half.subarray(at)) : half.subarray(at)
    return concat(Uint8Array.of(2, number.length), number)
  })
  return concat(Uint8Array.of(0x30, parts[0].length + parts[1].length), ...parts)
}

// Libraries throw for what cannot be decoded and give false for what is forged; neither is genuine.
export function holds(check) {
  try {
    return check() === true
  } catch {
    return false
  }
}
