// Where a device keeps what it knows: in memory, or in IndexedDB, everything encrypted by a key of the browser that
// cannot be taken out. Values are JSON with bytes in it. A `put` of several keys is done as one, or not at all.

import { utf8 } from "../bytes.js"
import { pack, unpack } from "./packing.js"
import { Records } from "./records.js"

const FOLD_AFTER = 1000 // ms without a put
const FOLD = 32 // records at once
const MOST = 1024 // records, from which on each put folds two

export class MemoryStore {
  #values = new Map()

  async all() {
    return new Map([...this.#values].map(([key, packed]) => [key, unpack(packed)]))
  }

  async put(changes) {
    for (const [key, value] of changes) {
      if (value === undefined) this.#values.delete(key)
      else this.#values.set(key, pack(value))
    }
  }

  async clear() {
    this.#values.clear()
  }

  close() {}
}

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = transaction.onerror = () => reject(transaction.error)
  })

export class BrowserStore {
  #records = new Records()
  #work = Promise.resolve()
  #timer = 0

  static async open(name) {
    const opening = indexedDB.open(name, 1)
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("values")
      opening.result.createObjectStore("keys")
    }
    const store = new BrowserStore()
    store.database = await done(opening)
    store.name = name
    store.key = await done(store.database.transaction("keys").objectStore("keys").get("wrap"))
    if (!store.key) {
      store.key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"])
      const writing = store.database.transaction("keys", "readwrite", { durability: "strict" })
      writing.objectStore("keys").put(store.key, "wrap")
      await committed(writing)
    }
    return store
  }

  async all() {
    const values = this.database.transaction("values").objectStore("values")
    const [keys, sealed] = await Promise.all([done(values.getAllKeys()), done(values.getAll())])
    const opened = await Promise.all(sealed.map(async (one, i) => [keys[i], await this.#open(keys[i], one)]))
    this.#records = new Records()
    return this.#records.read(new Map(opened))
  }

  put(changes) {
    return this.#next(async () => {
      const [name, record] = this.#records.next(changes)
      await this.#write([[name, record]])
      this.#records.add(name, changes)
      if (this.#records.count > MOST) await this.#fold(2)
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#foldAll(), FOLD_AFTER)
    })
  }

  clear() {
    return this.#next(async () => {
      clearTimeout(this.#timer)
      const writing = this.database.transaction("values", "readwrite", { durability: "strict" })
      writing.objectStore("values").clear()
      await committed(writing)
      this.#records = new Records()
    })
  }

  close() {
    clearTimeout(this.#timer)
    this.database.close()
  }

  // one after the other, also where one before has failed
  #next(work) {
    const next = this.#work.then(work)
    this.#work = next.catch(() => {})
    return next
  }

  // Folds all records, some at a time, until the next put. Where it fails they stay, and are tried after that.
  #foldAll() {
    const folding = this.#next(() => this.#fold(FOLD))
    folding.then(() => {
      if (this.#records.count) this.#timer = setTimeout(() => this.#foldAll(), 0)
    }, () => {})
  }

  async #fold(count) {
    const { names, changes } = this.#records.oldest(count)
    await this.#write([...changes, ...names.map((name) => [name])])
    this.#records.forget(names)
  }

  async #write(changes) {
    const sealed = await Promise.all(changes.map(async ([key, value]) => [key, value === undefined ? undefined : await this.#seal(key, value)]))
    const writing = this.database.transaction("values", "readwrite", { durability: "relaxed" })
    const values = writing.objectStore("values")
    for (const [key, value] of sealed) {
      if (value) values.put(value, key)
      else values.delete(key)
    }
    writing.commit() // else the browser first waits whether an answer to the last value brings more
    await committed(writing)
  }

  async #seal(key, value) {
    const iv = crypto.getRandomValues(new Uint8Array(12))
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(key) }, this.key, pack(value)) }
  }

  async #open(key, { iv, data }) {
    return unpack(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: utf8(key) }, this.key, data)))
  }
}
