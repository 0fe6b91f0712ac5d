// The MLS groups of conversations, kept as ts-mls has them from step to step: one a conversation, or for a moment two.

import { hex, random } from "../bytes.js"
import * as mls from "../mls/group.js"
import * as contents from "./content.js"
import { checkMembers } from "./people.js"

export class Groups {
  #kept = new Map()

  // `rules`: {directory, resolver, now}
  constructor(known, rules) {
    this.known = known
    this.rules = rules
  }

  // The group that is used with an account: both sides choose the same of two.
  of(account) {
    const all = this.known.under("group:").map(([, group]) => group)
    const usable = all.filter(({ peer, isOver }) => peer === account && !isOver)
    return usable.sort((one, other) => (one.id < other.id ? -1 : 1))[0]
  }

  live(group) {
    const kept = this.#kept.get(group.id)
    return kept?.state === group.state ? kept.group : mls.restore(group.state)
  }

  // Gives the change by which a group goes on from a step.
  stepped(group, made, more = {}) {
    const state = mls.save(made.group)
    this.#kept.set(group.id, { state, group: made.group })
    return [`group:${group.id}`, { ...group, ...more, state }]
  }

  forget() {
    this.#kept.clear()
  }

  // the other devices of a group, in hex
  others(live) {
    const mine = hex(this.known.me.device.publicKey)
    return mls.members(live).map(({ device }) => hex(device)).filter((device) => device !== mine)
  }

  // Gives what checks that all members are devices of the own account or this one.
  check(account) {
    const { directory, resolver, now } = this.rules
    return (members) => checkMembers(members, { accounts: [this.known.me.account, account], directory, now: now(), resolver })
  }

  async encrypt(group, content) {
    const live = this.live(group)
    const heads = {}
    for (const account of [this.known.me.account, group.peer]) {
      const hashes = this.known.get(`pins:${account}`)
      if (hashes?.length) heads[account] = [hashes.length, hashes.at(-1)]
    }
    const whole = { id: hex(random(16)), at: Date.now(), device: hex(this.known.me.device.publicKey), ...content, heads }
    return { ...(await mls.encrypt(live, contents.encode(whole))), content: whole, to: this.others(live) }
  }
}
