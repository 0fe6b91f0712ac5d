// Where a device keeps what it knows: in memory, or in IndexedDB, every value encrypted by a key of the browser that
// cannot be taken out. Values are JSON with bytes in it. A `put` of several keys is done as one, or not at all.

import { utf8 } from "../bytes.js"
import { pack, unpack } from "./packing.js"

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

  async wipe() {
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
    const opened = sealed.map(async ({ iv, data }, i) => {
      const how = { name: "AES-GCM", iv, additionalData: utf8(keys[i]) }
      return [keys[i], unpack(new Uint8Array(await crypto.subtle.decrypt(how, this.key, data)))]
    })
    return new Map(await Promise.all(opened))
  }

  async put(changes) {
    const sealed = await Promise.all(
      [...changes].map(async ([key, value]) => {
        if (value === undefined) return [key]
        const iv = crypto.getRandomValues(new Uint8Array(12))
        const how = { name: "AES-GCM", iv, additionalData: utf8(key) }
        return [key, { iv, data: await crypto.subtle.encrypt(how, this.key, pack(value)) }]
      }),
    )
    const writing = this.database.transaction("values", "readwrite", { durability: "relaxed" })
    const values = writing.objectStore("values")
    for (const [key, value] of sealed) {
      if (value) values.put(value, key)
      else values.delete(key)
    }
    writing.commit() // else the browser first waits whether an answer to the last value brings more
    await committed(writing)
  }

  async wipe() {
    this.database.close()
    await done(indexedDB.deleteDatabase(this.name))
  }

  close() {
    this.database.close()
  }
}
