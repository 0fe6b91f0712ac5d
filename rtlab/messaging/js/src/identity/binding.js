// A statement with the signature of its wallet: the credential of a device, its one encoding, and how it is verified.

import { base64, equal, text, unbase64, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import { SCHEMES as bitcoin } from "./bitcoin.js"
import { SCHEMES as cosmos } from "./cosmos.js"
import { SCHEMES as ed25519 } from "./ed25519_chains.js"
import { SCHEMES as ethereum } from "./ethereum.js"
import { SCHEMES as polkadot } from "./polkadot.js"
import { checkTime, read } from "./statement.js"

const LARGEST = 4096
const REMEMBERED = 256
const genuine = new Set()
export const SCHEMES = { __proto__: null, ...ethereum, ...ed25519, ...polkadot, ...bitcoin, ...cosmos }

export const encode = ({ scheme, statement, key, signature }) =>
  utf8(JSON.stringify({ scheme, statement, key, signature: base64(signature) }))

// Reads a binding; IdentityError for anything but the exact bytes that `encode` gives.
export function decode(payload) {
  if (payload.length > LARGEST) throw new IdentityError("a binding is too large")
  let binding
  try {
    const { scheme, statement, key, signature } = JSON.parse(text(payload))
    binding = { scheme, statement, key, signature: unbase64(signature) }
  } catch {
    throw new IdentityError("a binding cannot be read")
  }
  if (!/^([0-9a-f]{2}){0,65}$/.test(binding.key) || !/^[a-z0-9-]{1,16}$/.test(binding.scheme)) throw new IdentityError("a binding has fields of another form")
  if (typeof binding.statement !== "string" || !/^[\x00-\x7f]*$/.test(binding.statement)) throw new IdentityError("a binding has fields of another form")
  if (!equal(encode(binding), payload)) throw new IdentityError("a binding reads otherwise than it is written")
  return binding
}

// Gives the statement of a binding that is genuine, holds at `now` (Unix seconds), and is for this device.
export async function verify(binding, { device, directory, now, account, resolver, purpose = "speak" }) {
  const statement = read(binding.statement)
  checkTime(statement, now)
  if (statement.purpose !== purpose) throw new IdentityError(`a statement is for another purpose: ${statement.purpose}`)
  if (!equal(statement.device, device)) throw new IdentityError("a statement is for another device")
  if (statement.directory !== directory) throw new IdentityError(`a statement is for another directory: ${statement.directory}`)
  if (account !== undefined && statement.account !== account) throw new IdentityError(`a statement is of another account: ${statement.account}`)
  await checkOnce(statement, binding, resolver)
  return statement
}

// A signature that was genuine once stays so, for it follows from the binding alone: members are verified with every
// commit. The keys of a contract and of a named account are those of a chain, which is asked each time.
async function checkOnce(statement, binding, resolver) {
  const isOnChain = binding.scheme === "eip1271" || (binding.scheme === "nep413" && binding.key !== "")
  const whole = text(encode(binding))
  if (genuine.has(whole)) return
  await checkSignature(statement, binding, resolver)
  if (isOnChain) return
  if (genuine.size >= REMEMBERED) genuine.delete(genuine.values().next().value)
  genuine.add(whole)
}

export async function checkSignature(statement, binding, resolver) {
  const check = SCHEMES[binding.scheme]
  if (!check) throw new IdentityError(`the scheme of a signature is not known: ${binding.scheme}`)
  await check(statement, statement.account.split(":").slice(2).join(":"), binding, resolver)
}
