// Key packages: those of this device, by which others add it, and those of others, which the relay hands out.

import { base64, equal, hex, random, unbase64 } from "../bytes.js"
import { IdentityError, UnreadableError } from "../errors.js"
import * as mls from "../mls/group.js"

const PACKAGES = 20
const DAY = 86400

export class Packages {
  // `rules`: {now}
  constructor(known, relay, rules) {
    this.known = known
    this.relay = relay
    this.rules = rules
  }

  // Publishes new ones where the relay has few left.
  async publish(left) {
    if (left >= PACKAGES / 2) return
    const now = this.rules.now()
    const { device, binding } = this.known.me
    const fresh = await Promise.all(Array.from({ length: PACKAGES - left }, () => mls.newKeyPackage(device, binding, now, 30)))
    const last = await mls.newKeyPackage(device, binding, now, 60)
    const changes = [...fresh, last].map((made) => [`pack:${hex(random(8))}`, { ...made, last: made === last, until: now + 61 * DAY }])
    for (const [key, pack] of this.known.under("pack:")) if (pack.until < now) changes.push([key, undefined])
    await this.known.save(changes)
    await this.relay.ask("publish", { packages: fresh.map(({ encoded }) => base64(encoded)), last: base64(last.encoded) })
  }

  // Claims key packages of accounts and keeps those that are of verified devices: `wanted` is {device hex: credential}.
  async claim(accounts, wanted) {
    const found = []
    for (const account of accounts) {
      const { packages } = await this.relay.ask("claim", { account })
      for (const [device, encoded] of packages) {
        if (device === hex(this.known.me.device.publicKey)) continue
        const bytes = unbase64(encoded)
        const leaf = mls.readKeyPackage(bytes, this.rules.now())
        const isTheirs = hex(leaf.device) === device && wanted.has(device) && equal(leaf.credential, wanted.get(device))
        if (!isTheirs) throw new IdentityError("the relay gave a key package of a device that the directory does not name")
        found.push({ device, encoded: bytes })
      }
    }
    return found
  }

  // Joins a group by the key package that a welcome is for: {group, changes}, which use that package up.
  async join(welcome) {
    for (const [key, pack] of this.known.under("pack:")) {
      try {
        const group = await mls.join(welcome, pack.encoded, pack.secret, this.known.me.device)
        return { group, changes: pack.last ? [] : [[key, undefined]] }
      } catch (problem) {
        if (!(problem instanceof UnreadableError)) throw problem
      }
    }
    throw new UnreadableError("a welcome is for no key package of this device")
  }
}
