// The directory's log, as a client sees it: entries that wallets signed, chained by hashes, pinned from look to look.

import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { concat, hex, unbase64, utf8 } from "../bytes.js"
import { IdentityError } from "../errors.js"
import * as bindings from "../identity/binding.js"
import { read } from "../identity/statement.js"

const LABEL = utf8("rtlab log 1\n")
const FIRST = "0".repeat(64)
const LONGEST = 512

export const hashOf = (entry) => hex(sha256(concat(LABEL, utf8(entry))))

// Reads a log from its first entry: {hashes, bindings}. `pinned` are the hashes that were seen before: IdentityError
// when the log does not go on from them.
export function readLog(entries, pinned = []) {
  if (entries.length > LONGEST || entries.length < pinned.length) throw new IdentityError("the directory shows less of an account than it did")
  const hashes = []
  const found = entries.map((text, i) => {
    const { binding, previous } = JSON.parse(text)
    if (previous !== (hashes[i - 1] ?? FIRST) || JSON.stringify({ binding, previous }) !== text) {
      throw new IdentityError("the directory's entries of an account do not follow each other")
    }
    hashes.push(hashOf(text))
    if (i < pinned.length && pinned[i] !== hashes[i]) throw new IdentityError("the directory has changed what it showed of an account")
    return bindings.decode(unbase64(binding))
  })
  return { hashes, bindings: found }
}

// Gives {device hex: encoded binding} of those that speak for an account now: verified, not expired, not revoked.
export async function devicesOf(found, { account, directory, now, resolver }) {
  const devices = new Map()
  const revoked = new Set()
  for (const binding of found) {
    const { purpose, device, issued, expires } = read(binding.statement)
    const at = purpose === "speak" ? now : issued
    if (at >= expires) continue
    await bindings.verify(binding, { device, directory, now: at, account, purpose, resolver })
    if (purpose === "revoke") revoked.add(hex(device))
    else devices.set(hex(device), bindings.encode(binding))
  }
  revoked.forEach((device) => devices.delete(device))
  return devices
}

// Twelve groups of five digits that two people compare by another way: over both accounts and all their devices.
export function safetyNumber(one, other, devices) {
  const content = [...[one, other].sort(), ...[...devices].sort()].join("\n")
  const digest = sha512(utf8(`rtlab safety number 1\n${content}`))
  const groups = []
  for (let i = 0; i < 60; i += 5) {
    const number = digest.subarray(i, i + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    groups.push(String(number % 100000).padStart(5, "0"))
  }
  return groups.join(" ")
}
