// The messenger of one device: what it knows, what it sends, what it takes in.
//
// Theory of operation. Everything happens in turns, one after the other, for every step of MLS goes on from the last.
// A turn computes, saves all that it changes as one, and only then overwrites used keys, sends, or acknowledges. What
// is to be sent is saved first as well, and sent until the relay has it. What came in is shown at once, saved a little
// later or with what is sent next, and acknowledged only then.
//
// Each part has its module: turns, known (what is stored), groups (MLS), packages, membership (who is in), outbox,
// sender, marks, inbox, transfers (of files). Here they are put together, and this is what pages and widgets call.

import { base64, equal, hex, unhex } from "../bytes.js"
import { RefusedError } from "../errors.js"
import * as mls from "../mls/group.js"
import { safetyNumber } from "./directory.js"
import { Groups } from "./groups.js"
import { Inbox } from "./inbox.js"
import { Known } from "./known.js"
import { Marks } from "./marks.js"
import { Membership } from "./membership.js"
import { Outbox } from "./outbox.js"
import { Packages } from "./packages.js"
import { accountOf } from "./people.js"
import { RelayConnection } from "./relay.js"
import { Sender } from "./sender.js"
import { isEnding, signDevice, signRevocation } from "./signing.js"
import { Transfers } from "./transfers.js"
import { Turns } from "./turns.js"

const ACKNOWLEDGE_EVERY = 100 // ms
const LOOK_EVERY = 60000 // ms, for new and revoked devices of the own account

export class Messenger extends EventTarget {
  #rules
  #turns
  #known
  #groups
  #packages
  #outbox
  #membership
  #sender
  #marks
  #inbox
  #files
  #saved = 0 // cursor
  #ackTimer = 0
  #lookTimer = 0

  constructor({ url, directory, store, resolver, token, now = () => Math.floor(Date.now() / 1000) }) {
    super()
    const rules = { directory, resolver, now }
    const alarm = (problem) => this.#alarm(problem)
    const changed = () => this.#changed()
    this.#rules = rules
    this.store = store
    this.state = "offline"
    const counts = (this.counts = { unreadable: 0, refused: 0 })
    const turns = (this.#turns = new Turns(alarm))
    const known = (this.#known = new Known(store, turns, { changed, saved: (cursor) => this.#acknowledgeSoon(cursor) }))
    const relay = (this.relay = new RelayConnection(url, directory, {
      identity: async () => ({ device: this.me.device, binding: this.me.binding, after: known.cursor, token }),
      ready: (message) => turns.take(() => this.#ready(message)),
      mail: (message) => turns.take(() => this.#inbox.take(message)),
      fleeting: (message) => turns.take(() => this.#inbox.takeFleeting(message)),
      state: (state, why) => this.#change({ state, why }),
      failed: alarm,
    }))
    const groups = (this.#groups = new Groups(known, rules))
    const packages = (this.#packages = new Packages(known, relay, rules))
    const outbox = (this.#outbox = new Outbox(known, relay, turns, alarm))
    const membership = (this.#membership = new Membership({ known, relay, groups, packages, outbox, rules, alarm }))
    const sender = (this.#sender = new Sender({ known, relay, groups, membership, outbox, counts }))
    const marks = (this.#marks = new Marks(turns, sender))
    this.#inbox = new Inbox({ known, turns, groups, membership, marks, counts, alarm, changed })
    this.#files = new Transfers(relay, () => new Promise((resolve) => this.addEventListener("ready", resolve, { once: true })), changed)
  }

  get me() {
    return this.#known.me
  }

  async load() {
    await this.#known.load()
    this.#outbox.load()
    return this.me
  }

  // Asks a wallet to let a device of this browser speak for its account; a device that is here is taken again.
  async signIn(wallet) {
    const account = await wallet.account()
    const isKnown = this.me?.account === account
    if (isKnown && !isEnding(this.me.binding, this.#rules.now())) return account
    const device = isKnown ? this.me.device : mls.newDevice()
    const binding = await signDevice(wallet, { account, device: device.publicKey }, this.#rules)
    if (this.me && !isKnown) await this.wipe()
    await this.#turns.take(() => this.#known.save([["me", { account, device, binding }]]))
    return account
  }

  connect() {
    this.relay.open()
  }

  close() {
    this.#files.close()
    this.relay.close()
    this.#marks.close()
    clearInterval(this.#lookTimer)
    clearTimeout(this.#ackTimer)
    return this.#turns.take(() => this.#known.saveRest()).finally(() => this.store.close())
  }

  async wipe() {
    this.#groups.forget()
    await this.#known.wipe()
    this.#changed()
  }

  // what is shown

  chats() {
    return this.#known.chats()
  }

  chat(account) {
    return this.#known.chat(account)
  }

  get transfers() {
    return this.#files.underWay
  }

  isTyping(account) {
    return this.#inbox.isTyping(account)
  }

  search(words) {
    const wanted = words.toLowerCase()
    return this.chats().flatMap(({ account, messages }) =>
      messages.filter(({ text = "" }) => text.toLowerCase().includes(wanted)).map((message) => ({ account, message })),
    )
  }

  // What both sides compare: over the two accounts and the devices that are in their conversation.
  safetyNumber(account) {
    const devices = this.devices(account)
    return devices.length ? safetyNumber(this.me.account, account, devices.map(({ device }) => device)) : undefined
  }

  devices(account) {
    const group = this.#groups.of(account)
    if (!group) return []
    return mls.members(this.#groups.live(group)).map(({ device, credential }) => ({ device: hex(device), account: accountOf(credential), mine: equal(device, this.me.device.publicKey) }))
  }

  // what is done

  send(account, content) {
    return this.#turns.take(() => this.#sender.send(account, { kind: "text", ...content }))
  }

  // Sends a file ({name, type, bytes}) of up to 25 MiB: encrypted in chunks, by a key that is inside of the message. It
  // goes on by itself after the connection was lost; what is under way is in `transfers`, and ends with the page.
  attach(account, file) {
    return this.#files.send(account, file, (said) => this.send(account, { kind: "file", ...said }))
  }

  // Fetches and opens the file of a message; `told(done, count)` hears of every chunk.
  fetch(file, told) {
    return this.#files.fetch(file, told)
  }

  typing(account) {
    return this.#turns.take(() => this.#sender.typing(account))
  }

  read(account) {
    return this.#turns.take(async () => {
      const chat = this.chat(account)
      if (!chat?.unread) return
      const fresh = chat.messages.filter(({ mine, isRead }) => !mine && !isRead)
      const marked = fresh.map((message) => [message.key, { ...message, isRead: true }])
      this.#known.saveSoon([[`chat:${account}`, { ...this.#known.chatWith(account), unread: 0 }], ...marked])
      if (chat.status === "accepted") this.#marks.add(account, "read", fresh.map(({ id }) => id))
    })
  }

  decide(account, verdict) {
    return this.#turns.take(async () => {
      const status = { accept: "accepted", block: "blocked", forget: "request" }[verdict]
      await this.#known.save([[`chat:${account}`, { ...this.#known.chatWith(account), status }]])
      if (verdict === "accept") this.#marks.add(account, "delivered", this.#known.said(account).filter(({ mine }) => !mine).map(({ id }) => id))
      await this.relay.ask("consent", { account, verdict })
    })
  }

  // Has the wallet state that a device of this account speaks for it no more, and removes it from all conversations.
  revoke(device, wallet) {
    return this.#turns.take(async () => {
      const binding = await signRevocation(wallet, { account: this.me.account, device: unhex(device) }, this.#rules)
      await this.relay.ask("revoke", { binding: base64(binding) })
      await this.#membership.reconcile()
    })
  }

  // Looks whether the own account has other devices than it had, and brings the conversations in line.
  refresh() {
    return this.#turns.take(() => this.#membership.refresh())
  }

  async #ready({ packages }) {
    await this.#packages.publish(packages)
    await this.#membership.reconcile()
    this.#outbox.flush()
    clearInterval(this.#lookTimer)
    this.#lookTimer = setInterval(() => this.refresh().catch(() => {}), LOOK_EVERY)
    this.dispatchEvent(new Event("ready"))
  }

  #acknowledgeSoon(cursor) {
    if (cursor <= this.#saved) return
    this.#saved = cursor
    this.#ackTimer ||= setTimeout(() => {
      this.#ackTimer = 0
      this.relay.ask("ack", { upto: this.#saved }).catch(() => this.counts.refused++)
    }, ACKNOWLEDGE_EVERY)
  }

  #changed() {
    this.dispatchEvent(new Event("change"))
  }

  #change({ state, why }) {
    this.state = state
    this.why = why
    this.#changed()
  }

  #alarm(problem) {
    if (problem instanceof RefusedError && problem.code === "offline") return
    if (problem instanceof RefusedError) this.counts.refused++
    this.dispatchEvent(new CustomEvent("alarm", { detail: problem }))
  }
}
