// The messenger of one device: what it knows, what it sends, what it takes in.
//
// Theory of operation. Everything happens in turns, one after the other, for every step of MLS goes on from the last.
// A turn computes, saves all that it changes as one, and only then overwrites used keys, sends, or acknowledges. What
// is to be sent is saved first as well (`out:`) and sent until the relay has it: after a crash the same envelope goes
// again, and is known by its identifier. What came in is shown at once and saved a little later, or with what is sent
// next, whichever comes first: until it is saved it is not acknowledged, so that after a crash the relay has it still.
//
//   me, cursor, pins:<account>, group:<id>, chat:<account>, said:<account> <n>, out:<n>, pack:<n>

import { hex, random, unbase64, unhex, base64, equal } from "../bytes.js"
import { IdentityError, MessagingError, RefusedError, UnreadableError } from "../errors.js"
import * as bindings from "../identity/binding.js"
import { read, write, LONGEST } from "../identity/statement.js"
import * as envelope from "../mls/envelope.js"
import * as mls from "../mls/group.js"
import * as contents from "./content.js"
import { safetyNumber } from "./directory.js"
import { Download, plainName, Upload } from "./files.js"
import { accountOf, checkMembers, compareHead, lookUp } from "./people.js"
import { RelayConnection } from "./relay.js"

const LIFE = 30 * 86400 // s, of a statement that is made here
const PACKAGES = 20
const UPDATE_EVERY = 50 // messages
const UPDATE_AFTER = 86400 // s
const UNDER_WAY = 32 // messages
const LATER = 50 // ms
const ACKNOWLEDGE_EVERY = 100 // ms
const MARK_AFTER = 100 // ms of silence
const MARK_WITHIN = 1000 // ms
const LOOK_EVERY = 60000 // ms, for new and revoked devices of the own account
const PERMANENT = new Set(["size", "form", "identity", "stranger", "blocked", "unknown", "full", "member", "revoked"])

export class Messenger extends EventTarget {
  #turns = Promise.resolve()
  #data = new Map()
  #underWay = new Set() // out:<n> that the relay has not answered yet
  #later = new Map() // changes that go with the next save
  #laterTimer = 0
  #marks = new Map()
  #markTimer = 0
  #markBy = 0
  #saved = 0 // cursor
  #ackTimer = 0
  #lookTimer = 0
  #typed = new Map()
  #closed = false
  #kept = new Map()
  #written = new Map() // account: messages in their order

  constructor({ url, directory, store, resolver, token, now = () => Math.floor(Date.now() / 1000) }) {
    super()
    this.directory = directory
    this.store = store
    this.resolver = resolver
    this.now = now
    this.state = "offline"
    this.transfers = new Set()
    this.counts = { unreadable: 0, refused: 0 }
    this.relay = new RelayConnection(url, directory, {
      identity: async () => {
        const { device, binding } = this.me
        return { device, binding, after: this.#data.get("cursor") ?? 0, token }
      },
      ready: (message) => this.#turn(() => this.#ready(message)),
      mail: (message) => this.#turn(() => this.#take(message)),
      fleeting: ({ envelope }) => this.#turn(() => this.#takeFleeting(envelope)),
      state: (state, why) => this.#change({ state, why }),
    })
  }

  get me() {
    return this.#data.get("me")
  }

  async load() {
    for (const change of [...(await this.store.all())].sort(([one], [other]) => (one < other ? -1 : 1))) this.#remember(change)
    const last = [...this.#data.keys()].filter((key) => key.startsWith("out:")).sort().at(-1)
    this.#data.set("n", last ? Number(last.slice(4)) : 0) // nothing that waits is written over
    return this.me
  }

  // Asks a wallet to let a device of this browser speak for its account; a device that is here is taken again.
  async signIn(wallet) {
    const account = await wallet.account()
    const now = this.now()
    if (this.me?.account !== account || read(bindings.decode(this.me.binding).statement).expires < now + 86400) {
      const device = this.me?.account === account ? this.me.device : mls.newDevice()
      const statement = { account, device: device.publicKey, directory: this.directory, issued: now, expires: now + Math.min(LIFE, LONGEST), nonce: random(32) }
      const signed = await wallet.sign(statement, write(statement))
      const binding = { scheme: wallet.scheme, statement: write(statement), key: signed.key ?? "", signature: signed.signature }
      await bindings.verify(binding, { device: device.publicKey, directory: this.directory, now, account, resolver: this.resolver })
      if (this.me && this.me.account !== account) await this.wipe()
      await this.#turn(() => this.#save([["me", { account, device, binding: bindings.encode(binding) }]]))
    }
    return account
  }

  connect() {
    this.relay.open()
  }

  close() {
    this.#closed = true
    this.relay.close()
    clearTimeout(this.#markTimer)
    clearInterval(this.#lookTimer)
    clearTimeout(this.#ackTimer)
    return this.#turn(() => this.#saveRest()).finally(() => this.store.close())
  }

  async wipe() {
    for (const map of [this.#data, this.#written, this.#kept, this.#later]) map.clear()
    await this.store.put([...(await this.store.all()).keys()].map((key) => [key, undefined]))
    this.#changed()
  }

  // what is shown

  chats() {
    const found = [...this.#data].filter(([key]) => key.startsWith("chat:")).map(([, { account }]) => this.chat(account))
    return found.sort((one, other) => (other.messages.at(-1)?.at ?? 0) - (one.messages.at(-1)?.at ?? 0))
  }

  chat(account) {
    const chat = this.#data.get(`chat:${account}`)
    return chat && { ...chat, messages: this.#written.get(account) ?? [] }
  }

  isTyping(account) {
    return (this.#typed.get(account) ?? 0) > Date.now() - 4000
  }

  search(words) {
    const wanted = words.toLowerCase()
    return this.chats().flatMap(({ account, messages }) =>
      messages.filter(({ text = "" }) => text.toLowerCase().includes(wanted)).map((message) => ({ account, message })),
    )
  }

  // What both sides compare: over the two accounts and the devices that are in their conversation.
  safetyNumber(account) {
    const group = this.#groupOf(account)
    if (!group) return undefined
    return safetyNumber(this.me.account, account, mls.members(this.#live(group)).map(({ device }) => hex(device)))
  }

  devices(account) {
    const group = this.#groupOf(account)
    if (!group) return []
    return mls.members(this.#live(group)).map(({ device, credential }) => ({ device: hex(device), account: accountOf(credential), mine: equal(device, this.me.device.publicKey) }))
  }

  // what is done

  send(account, content) {
    return this.#turn(() => this.#send(account, { kind: "text", ...content }))
  }

  // Sends a file ({name, type, bytes}) of up to 25 MiB: encrypted in chunks, by a key that is inside of the message. It
  // goes on by itself after the connection was lost; what is under way is in `transfers`, and ends with the page.
  async attach(account, { name, type, bytes }) {
    const upload = new Upload({ name: plainName(name), type: type.slice(0, 99), bytes })
    const transfer = { account, name: upload.said.name, done: 0, count: 1, cancelled: false }
    this.transfers.add(transfer)
    try {
      await this.#lasting(() => upload.send(this.relay, (done, count) => this.#moved(transfer, done, count)))
      return await this.send(account, { kind: "file", ...upload.said })
    } finally {
      this.transfers.delete(transfer)
      this.#changed()
    }
  }

  // Fetches and opens the file of a message; `told(done, count)` hears of every chunk.
  fetch(file, told) {
    const download = new Download(file)
    return this.#lasting(() => download.receive(this.relay, told))
  }

  #moved(transfer, done, count) {
    if (transfer.cancelled) throw new MessagingError("it was cancelled")
    Object.assign(transfer, { done, count })
    this.#changed()
  }

  // Does what can be gone on with again, whenever the relay is back.
  async #lasting(work) {
    for (;;) {
      const isBack = new Promise((resolve) => this.addEventListener("ready", resolve, { once: true }))
      try {
        return await work()
      } catch (problem) {
        if (problem.code !== "offline" || this.#closed) throw problem
      }
      await isBack
    }
  }

  typing(account) {
    return this.#turn(async () => {
      const chat = this.chat(account)
      const group = this.#groupOf(account)
      if (!group || chat.status !== "accepted") return
      const made = await this.#encrypt(group, { kind: "typing" })
      await this.#save([this.#stepped(group, made)])
      made.wipe()
      const sealed = await envelope.seal(envelope.FLEETING, this.me.device, made.payload)
      this.relay.ask("send", { to: made.to, envelope: base64(sealed) }).catch(() => this.counts.refused++)
    })
  }

  read(account) {
    return this.#turn(async () => {
      const chat = this.chat(account)
      if (!chat?.unread) return
      const fresh = chat.messages.filter(({ mine, isRead }) => !mine && !isRead)
      const marked = fresh.map((message) => [message.key, { ...message, isRead: true }])
      this.#saveSoon([[`chat:${account}`, { ...this.#chatWith(account), unread: 0 }], ...marked])
      if (chat.status === "accepted") this.#mark(account, "read", fresh.map(({ id }) => id))
    })
  }

  decide(account, verdict) {
    return this.#turn(async () => {
      const status = { accept: "accepted", block: "blocked", forget: "request" }[verdict]
      await this.#save([[`chat:${account}`, { ...this.#chatWith(account), status }]])
      if (verdict === "accept") this.#mark(account, "delivered", this.chat(account).messages.filter(({ mine }) => !mine).map(({ id }) => id))
      await this.relay.ask("consent", { account, verdict })
    })
  }

  // Has the wallet state that a device of this account speaks for it no more, and removes it from all conversations.
  revoke(device, wallet) {
    return this.#turn(async () => {
      const now = this.now()
      const statement = { account: this.me.account, device: unhex(device), directory: this.directory, issued: now, expires: now + 86400, nonce: random(32), purpose: "revoke" }
      const { key = "", signature } = await wallet.sign(statement, write(statement))
      const binding = bindings.encode({ scheme: wallet.scheme, statement: write(statement), key, signature })
      await this.relay.ask("revoke", { binding: base64(binding) })
      await this.#reconcile()
    })
  }

  // turns

  #turn(work) {
    const turn = this.#turns.then(work)
    this.#turns = turn.catch((problem) => this.#alarm(problem))
    return turn
  }

  async #save(changes) {
    const cursor = this.#data.get("cursor") ?? 0
    await this.store.put(new Map([...this.#later, ...changes]))
    this.#later.clear()
    clearTimeout(this.#laterTimer)
    this.#laterTimer = 0
    changes.forEach((change) => this.#remember(change))
    if (cursor > this.#saved) {
      this.#saved = cursor
      this.#ackTimer ||= setTimeout(() => this.#acknowledge(), ACKNOWLEDGE_EVERY)
    }
    this.#changed()
  }

  // What a crash may forget: that something was sent (it is sent again, and known), seen, or has come in (the relay has
  // it still). It goes with the next save, which is before anything that rests on it is sent or acknowledged.
  #saveSoon(changes) {
    for (const [key, value] of changes) {
      this.#later.delete(key)
      this.#later.set(key, value)
      this.#remember([key, value])
    }
    this.#laterTimer ||= setTimeout(() => this.#turn(() => this.#saveRest()).catch(() => {}), LATER)
    this.#changed()
  }

  #saveRest() {
    this.#laterTimer = 0
    return this.#later.size && this.#save([])
  }

  #acknowledge() {
    this.#ackTimer = 0
    this.relay.ask("ack", { upto: this.#saved }).catch(() => this.counts.refused++)
  }

  #remember([key, value]) {
    if (key.startsWith("said:")) {
      const messages = this.#written.get(value.account) ?? []
      const at = messages.findIndex(({ key: known }) => known === key)
      this.#written.set(value.account, at < 0 ? [...messages, value] : messages.with(at, value))
    } else if (value === undefined) this.#data.delete(key)
    else this.#data.set(key, value)
  }

  #said(account, message) {
    const n = (this.#data.get(`chat:${account}`)?.said ?? 0) + 1
    const key = `said:${account} ${String(n).padStart(9, "0")}`
    return [[`chat:${account}`, { ...this.#chatWith(account), said: n }], [key, { ...message, account, key }]]
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

  // the relay

  async #ready({ packages }) {
    const changes = []
    const { device, binding } = this.me
    if (packages < PACKAGES / 2) {
      const fresh = await Promise.all(Array.from({ length: PACKAGES - packages }, () => mls.newKeyPackage(device, binding, this.now(), 30)))
      const last = await mls.newKeyPackage(device, binding, this.now(), 60)
      for (const made of [...fresh, last]) changes.push([`pack:${hex(random(8))}`, { ...made, last: made === last, until: this.now() + 61 * 86400 }])
      for (const [key, pack] of this.#data) if (key.startsWith("pack:") && pack.until < this.now()) changes.push([key, undefined])
      await this.#save(changes)
      await this.relay.ask("publish", { packages: fresh.map(({ encoded }) => base64(encoded)), last: base64(last.encoded) })
    }
    await this.#reconcile()
    this.#flush()
    clearInterval(this.#lookTimer)
    this.#lookTimer = setInterval(() => this.refresh().catch(() => {}), LOOK_EVERY)
    this.dispatchEvent(new Event("ready"))
  }

  // Looks whether the own account has other devices than it had, and brings the conversations in line.
  refresh() {
    return this.#turn(async () => {
      const known = this.#data.get(`pins:${this.me.account}`) ?? []
      const { hashes } = await this.#look(this.me.account)
      if (hashes.length !== known.length) await this.#reconcile()
    })
  }

  #look(account) {
    return lookUp(this.relay, account, this.#data.get(`pins:${account}`) ?? [], { directory: this.directory, now: this.now(), resolver: this.resolver })
  }

  // Looks the accounts of all conversations up, adds devices that are new, removes those that are gone.
  async #reconcile() {
    for (const { account, status } of this.chats()) {
      if (status === "accepted") await this.#adjust(account)
    }
  }

  async #adjust(account) {
    const group = this.#groupOf(account)
    if (!group || group.pending) return
    const [ours, theirs] = [await this.#look(this.me.account), await this.#look(account)]
    await this.#save([[`pins:${this.me.account}`, ours.hashes], [`pins:${account}`, theirs.hashes]])
    const wanted = new Map([...ours.devices, ...theirs.devices])
    const there = mls.members(this.#live(group)).map(({ device }) => hex(device))
    const remove = there.filter((device) => !wanted.has(device) && device !== hex(this.me.device.publicKey))
    const missing = [...wanted.keys()].filter((device) => !there.includes(device))
    if (!remove.length && !missing.length) return
    const add = missing.length ? (await this.#packages([account, this.me.account], wanted)).filter(({ device }) => missing.includes(device)) : []
    if (add.length || remove.length) await this.#commit(group, { add, remove })
  }

  // Claims key packages and keeps those that are of verified devices.
  async #packages(accounts, wanted) {
    const found = []
    for (const account of accounts) {
      const { packages } = await this.relay.ask("claim", { account })
      for (const [device, encoded] of packages) {
        if (device === hex(this.me.device.publicKey)) continue
        const bytes = unbase64(encoded)
        const leaf = mls.readKeyPackage(bytes, this.now())
        const isTheirs = hex(leaf.device) === device && wanted.has(device) && equal(leaf.credential, wanted.get(device))
        if (!isTheirs) throw new IdentityError("the relay gave a key package of a device that the directory does not name")
        found.push({ device, encoded: bytes })
      }
    }
    return found
  }

  // groups

  // the group as ts-mls has it, kept from the last step
  #live(group) {
    const kept = this.#kept.get(group.id)
    return kept?.state === group.state ? kept.group : mls.restore(group.state)
  }

  #stepped(group, made, more = {}) {
    const state = mls.save(made.group)
    this.#kept.set(group.id, { state, group: made.group })
    return [`group:${group.id}`, { ...group, ...more, state }]
  }

  #groups() {
    return [...this.#data].filter(([key]) => key.startsWith("group:")).map(([, group]) => group)
  }

  #groupOf(account) {
    const usable = this.#groups().filter(({ peer, isOver }) => peer === account && !isOver)
    return usable.sort((one, other) => (one.id < other.id ? -1 : 1))[0]
  }

  #chatWith(account, status = "accepted") {
    return this.#data.get(`chat:${account}`) ?? { account, status, said: 0, unread: 0 }
  }

  #others(group) {
    const mine = hex(this.me.device.publicKey)
    return mls.members(group).map(({ device }) => hex(device)).filter((device) => device !== mine)
  }

  async #start(account) {
    if (account === this.me.account) throw new MessagingError("a conversation needs somebody else")
    const [ours, theirs] = [await this.#look(this.me.account), await this.#look(account)]
    if (!theirs.devices.size) throw new RefusedError("this account has no device here yet", "unknown")
    const pins = [[`pins:${this.me.account}`, ours.hashes], [`pins:${account}`, theirs.hashes]]
    const accounts = ours.devices.size > 1 ? [account, this.me.account] : [account]
    const add = await this.#packages(accounts, new Map([...ours.devices, ...theirs.devices]))
    if (!add.some(({ device }) => theirs.devices.has(device))) throw new RefusedError("this account has no key package left", "unknown")
    const id = random(16)
    const alone = await mls.create(id, this.me.device, this.me.binding, this.now())
    const made = await mls.commit(alone, { add: add.map(({ encoded }) => encoded) })
    await this.#check(account)(mls.members(made.group))
    const group = { id: hex(id), peer: account, state: mls.save(made.group), sent: 0, updated: this.now() }
    const welcome = await envelope.seal(envelope.WELCOME, this.me.device, made.welcome)
    await this.#save([...pins, [`chat:${account}`, this.#chatWith(account)], [`group:${group.id}`, group], this.#out({ to: add.map(({ device }) => device), envelope: welcome })])
    made.wipe()
    this.relay.ask("consent", { account, verdict: "accept" }).catch((problem) => this.#alarm(problem))
    return group
  }

  #check(account) {
    return (members) => checkMembers(members, { accounts: [this.me.account, account], directory: this.directory, now: this.now(), resolver: this.resolver })
  }

  async #commit(group, { add, remove }) {
    let made
    try {
      made = await mls.commit(this.#live(group), { add: add.map(({ encoded }) => encoded), remove: remove.map(unhex) })
    } catch (problem) {
      if (!(problem instanceof MessagingError)) throw problem
      await this.#save([[`group:${group.id}`, { ...group, isOver: true }]])
      await this.#start(group.peer)
      return
    }
    await this.#check(group.peer)(mls.members(made.group))
    const commit = await envelope.seal(envelope.COMMIT, this.me.device, made.commit)
    const members = mls.members(made.group).map(({ device }) => hex(device))
    const to = this.#others(this.#live(group)).filter((device) => !remove.includes(device)) // who is out has no mailbox
    const welcome = made.welcome && { to: add.map(({ device }) => device), envelope: await envelope.seal(envelope.WELCOME, this.me.device, made.welcome) }
    const pending = { state: mls.save(made.group), epoch: made.epoch, welcome }
    await this.#save([[`group:${group.id}`, { ...group, pending }], this.#out({ to, envelope: commit, group: group.id, epoch: made.epoch, members })])
    this.#flush()
  }

  // sending

  #out(request) {
    const n = (this.#data.get("n") ?? 0) + 1
    this.#data.set("n", n)
    return [`out:${String(n).padStart(12, "0")}`, request]
  }

  async #encrypt(group, content) {
    const state = this.#live(group)
    const heads = {}
    for (const account of [this.me.account, group.peer]) {
      const hashes = this.#data.get(`pins:${account}`)
      if (hashes?.length) heads[account] = [hashes.length, hashes.at(-1)]
    }
    const whole = { id: hex(random(16)), at: Date.now(), device: hex(this.me.device.publicKey), ...content, heads }
    return { ...(await mls.encrypt(state, contents.encode(whole))), content: whole, to: this.#others(state) }
  }

  async #send(account, content) {
    const group = this.#groupOf(account) ?? (await this.#start(account))
    const made = await this.#encrypt(group, content)
    contents.decode(contents.encode(made.content), made.content.device)
    const sealed = await envelope.seal(envelope.MESSAGE, this.me.device, made.payload)
    const changes = [
      this.#stepped(group, made, { sent: group.sent + 1 }),
      this.#out({ to: made.to, envelope: sealed, message: made.content.id, account }),
    ]
    if (content.kind !== "mark") {
      const { heads, device, ...shown } = made.content
      changes.push(...this.#said(account, { ...shown, mine: true, state: "saved" }))
    }
    await this.#save(changes)
    made.wipe()
    this.#flush()
    await this.#refresh(this.#data.get(`group:${group.id}`))
    return made.content.id
  }

  // New keys of the own leaf, so that who once held a copy of this device's state is out.
  async #refresh(group) {
    if (group.pending || (group.sent < UPDATE_EVERY && this.now() - group.updated < UPDATE_AFTER)) return
    await this.#commit({ ...group, sent: 0, updated: this.now() }, { add: [], remove: [] })
  }

  // Sends what waits, in its order, so much at once; what is under way is not sent twice.
  #flush() {
    const waiting = [...this.#data.keys()].filter((key) => key.startsWith("out:") && !this.#underWay.has(key)).sort()
    for (const key of waiting.slice(0, UNDER_WAY - this.#underWay.size)) {
      this.#underWay.add(key)
      this.#deliver(key, this.#data.get(key))
        .then(() => true, (problem) => this.#alarm(problem))
        .then((isOver) => {
          this.#underWay.delete(key)
          if (isOver) this.#flush()
        })
    }
  }

  async #deliver(key, { message, account, ...request }) {
    let refused
    try {
      await this.relay.ask("send", { ...request, envelope: base64(request.envelope) })
    } catch (problem) {
      if (problem.code === "offline") throw problem
      if (!PERMANENT.has(problem.code) && problem.code !== "stale") {
        await new Promise((resolve) => setTimeout(resolve, 1000 * (problem.retryAfter ?? 1)))
        return
      }
      refused = problem
    }
    await this.#turn(() => this.#settled(key, { message, account, ...request }, refused))
  }

  async #settled(key, { message, account, group: id, epoch }, refused) {
    const changes = [[key, undefined]]
    if (message) {
      const said = this.#written.get(account)?.findLast(({ id }) => id === message)
      if (said?.state === "saved") changes.push([said.key, { ...said, state: refused ? "failed" : "sent", why: refused?.message }])
    }
    const group = id && this.#data.get(`group:${id}`)
    if (group?.pending && group.pending.epoch === epoch) {
      const { pending, ...rest } = group
      changes.push([`group:${id}`, refused ? rest : { ...rest, state: pending.state }])
      if (!refused && pending.welcome) changes.push(this.#out(pending.welcome))
    }
    if (group) await this.#save(changes)
    else this.#saveSoon(changes)
    if (refused && refused.code !== "stale") this.#alarm(refused)
    this.#flush()
  }

  // taking in

  async #take({ cursor, envelope: sealed, stranger }) {
    if (cursor <= (this.#data.get("cursor") ?? 0)) return
    let changes = []
    let wipe
    try {
      ;({ changes, wipe } = await this.#opened(await envelope.open(unbase64(sealed)), stranger))
    } catch (problem) {
      if (!(problem instanceof UnreadableError) && !(problem instanceof IdentityError) && !(problem instanceof TypeError)) throw problem
      this.counts.unreadable++
      this.#alarm(problem)
    }
    this.#saveSoon([...changes, ["cursor", cursor]])
    wipe?.()
  }

  async #takeFleeting(sealed) {
    const { kind, sender, payload } = await envelope.open(unbase64(sealed))
    const group = this.#data.get(`group:${hex(mls.groupOf(payload))}`)
    if (kind !== envelope.FLEETING || !group) return
    const made = await mls.open(this.#live(group), payload, () => { throw new UnreadableError("a commit comes otherwise") })
    const content = contents.decode(made.content, hex(sender))
    this.#saveSoon([this.#stepped(group, made)])
    made.wipe()
    if (content.kind !== "typing" || this.chat(group.peer)?.status !== "accepted") return
    this.#typed.set(group.peer, Date.now())
    this.#changed()
    setTimeout(() => this.#changed(), 4100)
  }

  async #opened({ kind, sender, payload }, stranger) {
    if (kind === envelope.WELCOME) return this.#join(sender, payload)
    const group = this.#data.get(`group:${hex(mls.groupOf(payload))}`)
    if (!group) throw new UnreadableError("a message is of a conversation that is not known here")
    const state = this.#live(group)
    const from = mls.members(state).find(({ device }) => equal(device, sender))
    const made = await mls.open(state, payload, this.#check(group.peer))
    if (made.committed) {
      if (kind !== envelope.COMMIT) throw new UnreadableError("a commit comes in another envelope")
      const { pending, ...rest } = group // another commit came first: what was pending is void
      const isOut = !mls.members(made.group).some(({ device }) => equal(device, this.me.device.publicKey))
      return { changes: [this.#stepped(rest, made, { isOver: isOut || undefined })], wipe: made.wipe }
    }
    if (kind !== envelope.MESSAGE) throw new UnreadableError("a message comes in another envelope")
    const content = contents.decode(made.content, hex(sender))
    const account = from ? accountOf(from.credential) : group.peer
    const changes = [this.#stepped(group, made), ...this.#shown(group.peer, account, content)]
    this.#compare(content.heads)
    return { changes, wipe: made.wipe }
  }

  #shown(peer, account, { heads, device, ...content }) {
    const chat = this.#chatWith(peer, "request")
    const messages = this.#written.get(peer) ?? []
    const isMine = account === this.me.account
    if (content.kind === "mark") {
      const level = (one) => (content.read?.includes(one.id) ? "read" : content.delivered?.includes(one.id) ? "delivered" : undefined)
      const raised = messages.filter((one) => one.mine && !isMine && level(one) && one.state !== "read")
      return raised.map((one) => [one.key, { ...one, state: level(one) }])
    }
    if (chat.status === "blocked" || messages.some(({ id }) => id === content.id)) return []
    if (!isMine) this.#typed.delete(peer)
    if (!isMine && chat.status === "accepted") this.#mark(peer, "delivered", [content.id])
    const message = { ...content, mine: isMine, state: isMine ? "sent" : undefined, got: Date.now() }
    const [[key, kept], said] = this.#said(peer, message)
    return [[key, { ...kept, status: chat.status, unread: chat.unread + (isMine ? 0 : 1) }], said]
  }

  async #join(sender, welcome) {
    for (const [key, pack] of this.#data) {
      if (!key.startsWith("pack:")) continue
      let group
      try {
        group = await mls.join(welcome, pack.encoded, pack.secret, this.me.device)
      } catch (problem) {
        if (problem instanceof UnreadableError) continue
        throw problem
      }
      const members = mls.members(group)
      const accounts = await checkMembers(members, { directory: this.directory, now: this.now(), resolver: this.resolver })
      const others = [...accounts.keys()].filter((account) => account !== this.me.account)
      const isThere = members.some(({ device }) => equal(device, sender))
      if (others.length !== 1 || !accounts.has(this.me.account) || !isThere) throw new IdentityError("a conversation is not of this account and one other")
      const id = hex(mls.groupId(group))
      if (this.#data.has(`group:${id}`)) throw new UnreadableError("a welcome to a conversation that is known already")
      const kept = { id, peer: others[0], state: mls.save(group), sent: 0, updated: this.now() }
      const isOwn = accountOf(members.find(({ device }) => equal(device, sender)).credential) === this.me.account
      const chat = this.#chatWith(others[0], isOwn ? "accepted" : "request")
      return { changes: [[`group:${id}`, kept], [`chat:${others[0]}`, chat], ...(pack.last ? [] : [[key, undefined]])] }
    }
    throw new UnreadableError("a welcome is for no key package of this device")
  }

  #compare(heads = {}) {
    for (const [account, head] of Object.entries(heads)) {
      const hashes = this.#data.get(`pins:${account}`)
      if (!hashes) continue
      if (compareHead(head, hashes) === "longer") {
        this.#turn(async () => {
          const looked = await this.#look(account)
          await this.#save([[`pins:${account}`, looked.hashes]])
          if (compareHead(head, looked.hashes) === "longer") throw new IdentityError("the directory withholds entries that the other side has seen")
          await this.#reconcile()
        }).catch(() => {})
      }
    }
  }

  #mark(account, what, ids) {
    const marks = this.#marks.get(account) ?? { delivered: [], read: [] }
    marks[what].push(...ids)
    this.#marks.set(account, marks)
    clearTimeout(this.#markTimer)
    this.#markBy ||= Date.now() + MARK_WITHIN
    const wait = Math.min(MARK_AFTER, this.#markBy - Date.now())
    this.#markTimer = setTimeout(() => this.#turn(() => this.#sendMarks()).catch(() => {}), wait)
  }

  async #sendMarks() {
    const waiting = [...this.#marks]
    this.#marks.clear()
    this.#markBy = 0
    for (const [account, { delivered, read }] of waiting) {
      await this.#send(account, { kind: "mark", delivered: delivered.slice(-200), read: read.slice(-200) })
    }
  }
}
