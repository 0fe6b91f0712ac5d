// Who is in conversations: begins them, and brings them in line with what the directory says of both accounts.

import { equal, hex, random, unhex } from "../bytes.js"
import { IdentityError, MessagingError, RefusedError, UnreadableError } from "../errors.js"
import * as envelope from "../mls/envelope.js"
import * as mls from "../mls/group.js"
import { accountOf, checkMembers, lookUp, newsOf } from "./people.js"

const UPDATE_EVERY = 50 // messages
const UPDATE_AFTER = 86400 // s

export class Membership {
  // `rules`: {directory, resolver, now}; `alarm(problem)`
  constructor({ known, relay, groups, packages, outbox, rules, alarm }) {
    Object.assign(this, { known, relay, groups, packages, outbox, rules, alarm })
  }

  look(account) {
    const { directory, resolver, now } = this.rules
    return lookUp(this.relay, account, this.known.get(`pins:${account}`) ?? [], { directory, now: now(), resolver })
  }

  // Looks whether the own account has other devices than it had, and brings the conversations in line.
  async refresh() {
    const { account } = this.known.me
    const pinned = this.known.get(`pins:${account}`) ?? []
    const { hashes } = await this.look(account)
    if (hashes.length !== pinned.length) await this.reconcile()
  }

  // Looks the accounts of all conversations up, adds devices that are new, removes those that are gone.
  async reconcile() {
    for (const { account, status } of this.known.chats()) {
      if (status === "accepted") await this.#adjust(account)
    }
  }

  async #adjust(account) {
    const { me } = this.known
    const group = this.groups.of(account)
    if (!group || group.pending) return
    const [ours, theirs] = [await this.look(me.account), await this.look(account)]
    await this.known.save([[`pins:${me.account}`, ours.hashes], [`pins:${account}`, theirs.hashes]])
    const wanted = new Map([...ours.devices, ...theirs.devices])
    const there = mls.members(this.groups.live(group)).map(({ device }) => hex(device))
    const remove = there.filter((device) => !wanted.has(device) && device !== hex(me.device.publicKey))
    const missing = [...wanted.keys()].filter((device) => !there.includes(device))
    if (!remove.length && !missing.length) return
    const add = missing.length ? (await this.packages.claim([account, me.account], wanted)).filter(({ device }) => missing.includes(device)) : []
    if (add.length || remove.length) await this.#commit(group, { add, remove })
  }

  async start(account) {
    const { me } = this.known
    if (account === me.account) throw new MessagingError("a conversation needs somebody else")
    const [ours, theirs] = [await this.look(me.account), await this.look(account)]
    if (!theirs.devices.size) throw new RefusedError("this account has no device here yet", "unknown")
    const pins = [[`pins:${me.account}`, ours.hashes], [`pins:${account}`, theirs.hashes]]
    const accounts = ours.devices.size > 1 ? [account, me.account] : [account]
    const add = await this.packages.claim(accounts, new Map([...ours.devices, ...theirs.devices]))
    if (!add.some(({ device }) => theirs.devices.has(device))) throw new RefusedError("this account has no key package left", "unknown")
    const id = random(16)
    const alone = await mls.create(id, me.device, me.binding, this.rules.now())
    const made = await mls.commit(alone, { add: add.map(({ encoded }) => encoded) })
    await this.groups.check(account)(mls.members(made.group))
    const group = { id: hex(id), peer: account, state: mls.save(made.group), sent: 0, updated: this.rules.now() }
    const welcome = await envelope.seal(envelope.WELCOME, me.device, made.welcome)
    const out = this.outbox.put({ to: add.map(({ device }) => device), envelope: welcome })
    await this.known.save([...pins, [`chat:${account}`, this.known.chatWith(account)], [`group:${group.id}`, group], out])
    made.wipe()
    this.relay.ask("consent", { account, verdict: "accept" }).catch((problem) => this.alarm(problem))
    return group
  }

  // Gives the changes by which a welcome's conversation begins: it must be of this account and one other.
  async join(sender, welcome) {
    const { directory, resolver, now } = this.rules
    const { account: own } = this.known.me
    const { group, changes } = await this.packages.join(welcome)
    const members = mls.members(group)
    const accounts = await checkMembers(members, { directory, now: now(), resolver })
    const others = [...accounts.keys()].filter((account) => account !== own)
    const from = members.find(({ device }) => equal(device, sender))
    if (others.length !== 1 || !accounts.has(own) || !from) throw new IdentityError("a conversation is not of this account and one other")
    const id = hex(mls.groupId(group))
    if (this.known.get(`group:${id}`)) throw new UnreadableError("a welcome to a conversation that is known already")
    const kept = { id, peer: others[0], state: mls.save(group), sent: 0, updated: now() }
    const chat = this.known.chatWith(others[0], accountOf(from.credential) === own ? "accepted" : "request")
    return [[`group:${id}`, kept], [`chat:${others[0]}`, chat], ...changes]
  }

  // New keys of the own leaf, so that who once held a copy of this device's state is out.
  async renew(group) {
    const now = this.rules.now()
    if (group.pending || (group.sent < UPDATE_EVERY && now - group.updated < UPDATE_AFTER)) return
    await this.#commit(group, { renewed: now })
  }

  async #commit(group, { add = [], remove = [], renewed }) {
    const { groups, known, outbox } = this
    const live = groups.live(group)
    let made
    try {
      made = await mls.commit(live, { add: add.map(({ encoded }) => encoded), remove: remove.map(unhex) })
    } catch (problem) {
      if (!(problem instanceof MessagingError)) throw problem
      await known.save([[`group:${group.id}`, { ...group, isOver: true }]])
      await this.start(group.peer)
      return
    }
    await groups.check(group.peer)(mls.members(made.group))
    newsOf(mls.members(live), mls.members(made.group)).forEach((news) => this.alarm(news))
    const commit = await envelope.seal(envelope.COMMIT, known.me.device, made.commit)
    const members = mls.members(made.group).map(({ device }) => hex(device))
    const to = groups.others(live).filter((device) => !remove.includes(device)) // who is out has no mailbox
    const welcome = made.welcome && { to: add.map(({ device }) => device), envelope: await envelope.seal(envelope.WELCOME, known.me.device, made.welcome) }
    const pending = { state: mls.save(made.group), epoch: made.epoch, welcome, renewed }
    await known.save([[`group:${group.id}`, { ...group, pending }], outbox.put({ to, envelope: commit, group: group.id, epoch: made.epoch, members })])
    outbox.flush()
  }
}
