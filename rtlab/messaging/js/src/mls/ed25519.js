// Ed25519 for envelopes and MLS: by the browser where it has it, which is many times faster, else by noble.

import { ed25519 } from "@noble/curves/ed25519.js"
import { concat, hex, unhex } from "../bytes.js"

const PKCS8 = unhex("302e020100300506032b657004220420")
const KEYS = 64 // imported keys that are remembered
const remembered = new Map()

let checking
const isBuiltIn = () =>
  (checking ??= crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).then(() => true, () => false))

function imported(format, key, use) {
  const name = use + hex(key)
  let found = remembered.get(name)
  if (!found) {
    found = crypto.subtle.importKey(format, format === "raw" ? key : concat(PKCS8, key), "Ed25519", false, [use])
    if (remembered.size >= KEYS) remembered.delete(remembered.keys().next().value)
    remembered.set(name, found)
  }
  return found
}

export async function sign(secretKey, message) {
  if (!(await isBuiltIn())) return ed25519.sign(message, secretKey)
  return new Uint8Array(await crypto.subtle.sign("Ed25519", await imported("pkcs8", secretKey, "sign"), message))
}

export async function verify(publicKey, message, signature) {
  try {
    if (!(await isBuiltIn())) return ed25519.verify(signature, message, publicKey, { zip215: false })
    return await crypto.subtle.verify("Ed25519", await imported("raw", publicKey, "verify"), signature, message)
  } catch {
    return false // a key or signature that cannot be decoded is not genuine either
  }
}
