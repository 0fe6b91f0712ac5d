// Who may be in a group, and what the directory says of an account. Nothing here is believed on the relay's word.

import { hex } from "../bytes.js"
import { IdentityError } from "../errors.js"
import * as bindings from "../identity/binding.js"
import { read } from "../identity/statement.js"
import { devicesOf, readLog } from "./directory.js"

// Verifies the credentials of members and gives {account: [device hex]}; IdentityError unless all are of the accounts
// that may be there.
export async function checkMembers(members, { accounts, directory, now, resolver }) {
  const found = new Map()
  for (const { device, credential } of members) {
    const binding = bindings.decode(credential)
    const { account } = await bindings.verify(binding, { device, directory, now, resolver })
    if (accounts && !accounts.includes(account)) throw new IdentityError(`a stranger was put into the conversation: ${account}`)
    found.set(account, [...(found.get(account) ?? []), hex(device)])
  }
  return found
}

export const accountOf = (credential) => read(bindings.decode(credential).statement).account

// Looks an account up and compares with what was pinned: {devices, hashes}. IdentityError for a log that was changed.
export async function lookUp(relay, account, pinned, { directory, now, resolver }) {
  const { entries } = await relay.ask("look", { account })
  const log = readLog(entries, pinned)
  return { devices: await devicesOf(log.bindings, { account, directory, now, resolver }), hashes: log.hashes }
}

// Gives an IdentityError for each account that has other devices in one set of members than in another: news that
// people should have, for the safety number is another one then.
export function newsOf(before, after) {
  const speaking = (members) => new Set(members.map(({ device, credential }) => `${accountOf(credential)} ${hex(device)}`))
  const [one, other] = [speaking(before), speaking(after)]
  const changed = [...[...one].filter((each) => !other.has(each)), ...[...other].filter((each) => !one.has(each))]
  const accounts = new Set(changed.map((each) => each.split(" ")[0]))
  return [...accounts].map((account) => new IdentityError(`${account} has other devices than before: compare the safety number again`))
}

// Compares what the other side has seen of an account's log with what was seen here: "same", "longer" (look again),
// or IdentityError when the two cannot both be true.
export function compareHead([length, hash], hashes) {
  if (length > hashes.length) return "longer"
  if (length && hashes[length - 1] !== hash) throw new IdentityError("the directory shows the other side another log than this one")
  return "same"
}
