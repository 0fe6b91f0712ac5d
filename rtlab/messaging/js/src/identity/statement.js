// The statement that a wallet signs for a device: readable text with one form only, read, written anew, compared.

import { hex, unhex } from "../bytes.js"
import { IdentityError } from "../errors.js"

export const LONGEST = 90 * 24 * 3600 // s
const SKEW = 300 // s, how far the clocks of two machines may differ
const HEADS = {
  speak:
    "rtlab messaging: let a device speak for an account (version 1)\n" +
    "\n" +
    "Signing this moves no funds and costs nothing. The device below will read\n" +
    "and write messages as this account until the statement expires.\n" +
    "\n",
  revoke:
    "rtlab messaging: revoke a device of an account (version 1)\n" +
    "\n" +
    "Signing this moves no funds and costs nothing. The device below will no\n" +
    "longer be believed to speak for this account. This cannot be undone.\n" +
    "\n",
}
const FIELDS = ["account", "device", "directory", "issued", "expires", "nonce"]
const FORMS = {
  account: /^[a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}$/,
  device: /^[0-9a-f]{64}$/,
  directory: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$/,
  issued: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  expires: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  nonce: /^[0-9a-f]{64}$/,
}

export const written = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z")

// Write {account, device, directory, issued, expires, nonce, purpose}: bytes for device and nonce, Unix seconds for
// times, "speak" (the default) or "revoke" for the purpose.
export function write(statement) {
  const values = {
    ...statement,
    device: hex(statement.device),
    issued: written(statement.issued),
    expires: written(statement.expires),
    nonce: hex(statement.nonce),
  }
  for (const name of FIELDS) {
    if (!FORMS[name].test(values[name])) throw new IdentityError(`a statement's ${name} has another form: ${values[name]}`)
  }
  return HEADS[statement.purpose ?? "speak"] + FIELDS.map((name) => `${name}: ${values[name]}`).join("\n")
}

export function read(text) {
  const purpose = Object.keys(HEADS).find((name) => text.startsWith(HEADS[name]))
  if (text.length > 1024 || !purpose) throw new IdentityError("a text is no statement of this version")
  const values = {}
  const lines = text.slice(HEADS[purpose].length).split("\n")
  if (lines.length !== FIELDS.length) throw new IdentityError("a statement has other fields")
  lines.forEach((line, i) => {
    const name = FIELDS[i]
    if (!line.startsWith(`${name}: `)) throw new IdentityError("a statement has other fields")
    values[name] = line.slice(name.length + 2)
    if (!FORMS[name].test(values[name])) throw new IdentityError(`a statement's ${name} has another form`)
  })
  const statement = {
    account: values.account,
    device: unhex(values.device),
    directory: values.directory,
    issued: Date.parse(values.issued) / 1000,
    expires: Date.parse(values.expires) / 1000,
    nonce: unhex(values.nonce),
    purpose,
  }
  if (!Number.isInteger(statement.issued) || !Number.isInteger(statement.expires) || write(statement) !== text) {
    throw new IdentityError("a statement reads otherwise than it is written")
  }
  return statement
}

export function checkTime({ issued, expires }, now) {
  if (expires - issued > LONGEST) throw new IdentityError("a statement is to last longer than 90 days")
  if (expires <= issued) throw new IdentityError("a statement expires before it is issued")
  if (now + SKEW < issued) throw new IdentityError(`a statement is of the future: ${written(issued)}`)
  if (now >= expires) throw new IdentityError(`a statement has expired: ${written(expires)}`)
}
