// What a device knows: kept here and in its store, encrypted. `save` is done once all of it is stored, as one; what a
// crash may forget is known at once and goes with the next save, or shortly after by itself.
//
//   me, cursor, pins:<account>, group:<id>, chat:<account>, said:<account> <n>, out:<n>, pack:<n>

const LATER = 50 // ms

export class Known {
  #values = new Map()
  #written = new Map() // account: messages in their order
  #later = new Map() // changes that go with the next save
  #timer = 0

  // `on`: {changed(), saved(cursor)}
  constructor(store, turns, on) {
    this.store = store
    this.turns = turns
    this.on = on
  }

  async load() {
    for (const change of [...(await this.store.all())].sort(([one], [other]) => (one < other ? -1 : 1))) this.#remember(change)
  }

  get me() {
    return this.#values.get("me")
  }

  get cursor() {
    return this.#values.get("cursor") ?? 0
  }

  get(key) {
    return this.#values.get(key)
  }

  // Gives [key, value] of all whose keys begin like this.
  under(start) {
    return [...this.#values].filter(([key]) => key.startsWith(start))
  }

  // Stores changes, [key, value] each, and all that waits: only then are they known, and may anything rest on them.
  async save(changes) {
    const { cursor } = this
    await this.store.put(new Map([...this.#later, ...changes]))
    this.#later.clear()
    clearTimeout(this.#timer)
    this.#timer = 0
    changes.forEach((change) => this.#remember(change))
    this.on.saved(cursor)
    this.on.changed()
  }

  // What a crash may forget: that something was sent (it is sent again, and known), seen, or has come in (the relay has
  // it still). It goes with the next save, which is before anything that rests on it is sent or acknowledged.
  saveSoon(changes) {
    for (const [key, value] of changes) {
      this.#later.delete(key)
      this.#later.set(key, value)
      this.#remember([key, value])
    }
    this.#timer ||= setTimeout(() => this.turns.take(() => this.saveRest()).catch(() => {}), LATER)
    this.on.changed()
  }

  saveRest() {
    this.#timer = 0
    return this.#later.size && this.save([])
  }

  async wipe() {
    for (const map of [this.#values, this.#written, this.#later]) map.clear()
    await this.store.clear()
  }

  #remember([key, value]) {
    if (key.startsWith("said:")) {
      const messages = this.said(value.account)
      const at = messages.findLastIndex(({ key: known }) => known === key)
      this.#written.set(value.account, at < 0 ? [...messages, value] : messages.with(at, value))
    } else if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
  }

  // conversations

  said(account) {
    return this.#written.get(account) ?? []
  }

  chat(account) {
    const chat = this.#values.get(`chat:${account}`)
    return chat && { ...chat, messages: this.said(account) }
  }

  chats() {
    const found = this.under("chat:").map(([, { account }]) => this.chat(account))
    return found.sort((one, other) => (other.messages.at(-1)?.at ?? 0) - (one.messages.at(-1)?.at ?? 0))
  }

  chatWith(account, status = "accepted") {
    return this.#values.get(`chat:${account}`) ?? { account, status, said: 0, unread: 0 }
  }

  // Gives the changes by which a message is the last of a conversation.
  saying(account, message) {
    const n = (this.#values.get(`chat:${account}`)?.said ?? 0) + 1
    const key = `said:${account} ${String(n).padStart(9, "0")}`
    return [[`chat:${account}`, { ...this.chatWith(account), said: n }], [key, { ...message, account, key }]]
  }
}
