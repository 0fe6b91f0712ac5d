// What a wallet signs of a device: that it speaks for an account, or that it does so no more. Bindings, encoded.

import { random } from "../bytes.js"
import * as bindings from "../identity/binding.js"
import { LONGEST, read, write } from "../identity/statement.js"

const DAY = 86400 // s
const LIFE = Math.min(30 * DAY, LONGEST)

// Tells whether a binding that is here will not hold for another day.
export const isEnding = (binding, now) => read(bindings.decode(binding).statement).expires < now + DAY

// `device` is its public key. What the wallet gives is verified here as everybody else will.
export async function signDevice(wallet, { account, device }, { directory, resolver, now: clock }) {
  const now = clock()
  const binding = await signed(wallet, { account, device, directory, issued: now, expires: now + LIFE, nonce: random(32) })
  await bindings.verify(binding, { device, directory, now, account, resolver })
  return bindings.encode(binding)
}

export async function signRevocation(wallet, { account, device }, { directory, now: clock }) {
  const now = clock()
  return bindings.encode(await signed(wallet, { account, device, directory, issued: now, expires: now + DAY, nonce: random(32), purpose: "revoke" }))
}

async function signed(wallet, statement) {
  const { key = "", signature } = await wallet.sign(statement, write(statement))
  return { scheme: wallet.scheme, statement: write(statement), key, signature }
}
