// Parts of the messenger, each with doubles for its neighbours: `node messaging_parts.mjs SOURCES BINDINGS` prints what they did.

import { readFileSync } from "node:fs"
import { pathToFileURL } from "node:url"

const load = (name) => import(pathToFileURL(`${process.argv[2]}/src/messenger/${name}.js`))
const [{ Turns }, { Known }, { Outbox }, { Marks }, { Transfers }, { MemoryStore }, { pack, unpack }, { Records }] = await Promise.all(
  ["turns", "known", "outbox", "marks", "transfers", "store", "packing", "records"].map(load),
)
const [{ RefusedError }, { unhex, utf8 }, binding] = await Promise.all(
  ["errors", "bytes", "identity/binding"].map((name) => import(pathToFileURL(`${process.argv[2]}/src/${name}.js`))),
)
const { compareHead, newsOf } = await load("people")
const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

function device() {
  const told = { alarms: [], puts: [], saved: [], changed: 0 }
  const turns = new Turns((problem) => told.alarms.push(problem.message))
  const store = new MemoryStore()
  const put = store.put.bind(store)
  store.put = async (changes) => {
    const keys = [...changes].map(([key]) => key)
    if (told.full) throw new Error("full")
    told.puts.push(keys)
    await put(changes)
  }
  const known = new Known(store, turns, { changed: () => told.changed++, saved: (cursor) => told.saved.push(cursor) })
  return { told, turns, store, known }
}

// A relay that answers when it is told to.
function relay() {
  const asked = []
  return {
    asked,
    ask: (op, fields) => new Promise((resolve, reject) => asked.push({ op, ...fields, resolve, reject })),
  }
}

const heldUp = (what) => {
  try {
    what()
    return null
  } catch ({ name, message }) {
    return `${name}: ${message}`
  }
}

const scenarios = {
  async turns() {
    const { told, turns } = device()
    const done = []
    const failing = turns.take(async () => {
      await settled()
      done.push("first")
      throw new Error("of the first")
    })
    const next = turns.take(() => done.push("second"))
    const heard = await failing.catch((problem) => problem.message)
    await next
    return { done, heard, alarms: told.alarms }
  },

  async saves() {
    const { told, turns, store, known } = device()
    known.saveSoon([["cursor", 7], ["chat:a", { account: "a" }]])
    const known_at_once = known.cursor
    told.full = true
    const refused = await turns.take(() => known.save([["group:1", { id: 1 }]])).catch((problem) => problem.message)
    const while_full = { group: known.get("group:1") ?? null, saved: [...told.saved], stored: (await store.all()).size }
    told.full = false
    await turns.take(() => known.save([["group:1", { id: 1 }]]))
    const again = new Known(store, turns, { changed() {}, saved() {} })
    await again.load()
    return { known_at_once, refused, while_full, puts: told.puts, saved: told.saved, again: again.cursor, groups: again.under("group:").length }
  },

  async later() {
    const { told, known } = device()
    known.saveSoon([["cursor", 1]])
    known.saveSoon([["cursor", 2]])
    while (!told.saved.length) await settled()
    return { puts: told.puts, saved: told.saved, changed: told.changed }
  },

  async said() {
    const { known } = device()
    for (const text of ["one", "two"]) await known.save(known.saying("a", { text }))
    const [first] = known.said("a")
    await known.save([[first.key, { ...first, text: "ONE" }]])
    await known.save(known.saying("b", { text: "other", at: 1 }))
    return { a: known.said("a").map(({ text, key }) => [text, key]), chats: known.chats().map(({ account, said, status }) => [account, said, status]) }
  },

  async outbox() {
    const { told, turns, store, known } = device()
    await store.put(new Map([["out:000000000041", { to: ["x"], envelope: Uint8Array.of(0) }]]))
    await known.load()
    const wire = relay()
    const outbox = new Outbox(known, wire, turns, (problem) => told.alarms.push(problem.code))
    outbox.load()
    const said = known.saying("a", { id: "m", mine: true, state: "saved" })
    await known.save([...said, outbox.put({ to: ["x"], envelope: Uint8Array.of(1), message: "m", account: "a" })])
    await known.save(Array.from({ length: 40 }, () => outbox.put({ to: ["x"], envelope: Uint8Array.of(2) })))
    outbox.flush()
    outbox.flush()
    const first = wire.asked.map(({ envelope }) => atob(envelope).charCodeAt(0))
    wire.asked[0].resolve({})
    wire.asked[1].reject(new RefusedError("no", "blocked"))
    wire.asked[2].reject(new RefusedError("gone", "offline"))
    for (let i = 0; i < 9; i++) await settled()
    return { first, then: wire.asked.length, waiting: known.under("out:").length, state: known.said("a")[0].state, alarms: told.alarms }
  },

  // New keys wait to be ordered by the relay: what becomes of the count of messages since the last ones.
  async renewals() {
    const told = {}
    for (const code of ["done", "stale", "blocked"]) {
      const { turns, known } = device()
      const wire = relay()
      const outbox = new Outbox(known, wire, turns, () => {})
      const pending = { state: "new", epoch: 3, renewed: 99 }
      const commit = outbox.put({ to: ["x"], envelope: Uint8Array.of(1), group: "g", epoch: 3, members: [] })
      await known.save([["group:g", { id: "g", state: "old", sent: 50, updated: 1, pending }], commit])
      outbox.flush()
      if (code === "done") wire.asked[0].resolve({})
      else wire.asked[0].reject(new RefusedError("no", code))
      while (known.get("group:g").pending) await settled()
      told[code] = known.get("group:g")
    }
    return told
  },

  async marks() {
    const { turns } = device()
    const sent = []
    const marks = new Marks(turns, { send: async (account, content) => sent.push([account, content]) })
    for (let i = 0; i < 150; i++) marks.add("a", i % 2 ? "read" : "delivered", [i, 1000 + i])
    marks.add("a", "read", Array.from({ length: 300 }, (_, i) => 2000 + i))
    while (!sent.length) await new Promise((resolve) => setTimeout(resolve, 10))
    const [[account, { kind, delivered, read }]] = sent
    return { many: sent.length, account, kind, delivered: delivered.length, read: [read.length, read.at(-1)] }
  },

  async transfers() {
    const sent = []
    let fails = 1
    const wire = {
      ask: async (op, fields) => {
        if (op === "put" && fails-- > 0) throw new RefusedError("gone", "offline")
        sent.push(op)
        return { stored: 0 }
      },
    }
    const files = new Transfers(wire, () => settled(), () => {})
    const file = { name: "a/b", type: "text/plain", bytes: Uint8Array.of(1, 2, 3) }
    const said = await files.send("a", file, async (about) => ({ ...about, secret: typeof about.secret }))
    const cancelled = files.send("a", file, () => "sent")
    files.underWay.values().next().value.cancelled = true
    const why = await cancelled.catch((problem) => problem.message)
    return { sent, name: said.name, size: said.size, secret: said.secret, why, left: files.underWay.size }
  },

  // However puts, folds and crashes follow each other, what is read is what a plain map would have.
  async records() {
    let seed = 1
    const dice = (sides) => (seed = (seed * 48271) % 2147483647) % sides
    const wrong = []
    const told = { read: 0, folded: 0, most: 0 }
    for (let round = 0; round < 300; round++) {
      const [disk, plain] = [new Map(), new Map()]
      const write = (changes) => changes.forEach(([key, value]) => (value === undefined ? disk.delete(key) : disk.set(key, pack(value))))
      let records = new Records()
      for (let step = 0; step < 60; step++) {
        const isCrash = !dice(9)
        if (dice(3)) {
          const changes = new Map(Array.from({ length: 1 + dice(4) }, () => [`key${dice(8)}`, dice(4) ? { step, bytes: Uint8Array.of(step) } : undefined]))
          const [name, record] = records.next(changes)
          write([[name, record]])
          changes.forEach((value, key) => (value === undefined ? plain.delete(key) : plain.set(key, value)))
          if (!isCrash) records.add(name, changes)
        } else {
          const { names, changes } = records.oldest(1 + dice(5))
          write([...changes, ...names.map((name) => [name])])
          told.folded += names.length
          if (!isCrash) records.forget(names)
        }
        told.most = Math.max(told.most, records.count)
        if (!isCrash && step < 59) continue
        records = new Records()
        const got = records.read(new Map([...disk].map(([key, packed]) => [key, unpack(packed)])))
        const shown = (map) => JSON.stringify([...map].sort(([one], [other]) => (one < other ? -1 : 1)))
        told.read++
        if (shown(got) !== shown(plain)) wrong.push([round, step])
      }
      while (records.count) {
        const { names, changes } = records.oldest(3)
        write([...changes, ...names.map((name) => [name])])
        records.forget(names)
      }
      if (disk.size !== plain.size) wrong.push([round, "left"])
    }
    return { ...told, wrong }
  },

  // What is stored comes back as it was, whatever others wrote into it.
  async packing() {
    const shown = (value) => JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? `bytes ${inner}` : inner))
    const hostile = [{ $bytes: 3 }, { $bytes: "!" }, { $json: "{" }, { $bytes: { $json: 1 } }, { 7: { $bytes: 1 }, $json: [] }]
    const values = [5, null, "text", [], { a: Uint8Array.of(1, 2), 9: [new Uint8Array(0), { b: Uint8Array.of(0) }] }, { state: Uint8Array.of(4), hostile, then: Uint8Array.of(5) }, ...hostile]
    const old = unpack(utf8('{"a":{"$bytes":"AQI="},"b":{"$bytes":"!"},"c":{"$bytes":5}}'))
    return { wanted: values.map(shown), got: values.map((value) => shown(unpack(pack(value)))), old: shown(old) }
  },

  // What two have seen of one log, and what is told where an account has other devices.
  async people() {
    const { cases } = JSON.parse(readFileSync(process.argv[3]))
    const compared = (head) => {
      try {
        return compareHead(head, ["a", "b"])
      } catch (problem) {
        return problem.message
      }
    }
    const [one, other] = cases.filter(({ genuine }) => genuine).map(({ binding: encoded }) => utf8(encoded))
    const member = (credential, n) => ({ credential, device: new Uint8Array(32).fill(n) })
    const news = (before, after) => newsOf(before, after).map(({ message }) => message.split(" ").slice(0, 5).join(" "))
    const both = [member(one, 1), member(other, 2)]
    return {
      heads: [[0, ""], [1, "a"], [2, "b"], [3, "c"], [1, "b"], [2, "a"]].map(compared),
      accounts: [one, other].map((credential) => news(both, [...both, member(credential, 3)])[0]),
      swapped: news(both, [member(one, 1), member(other, 3)]).length,
      gone: news(both, [member(one, 1)]).length,
      same: news(both, [...both].reverse()).length,
    }
  },

  // What is remembered of a signature that was genuine lets nothing through that was not.
  async signatures() {
    const { now, device, directory, cases } = JSON.parse(readFileSync(process.argv[3]))
    const accepts = async (encoded, more) => {
      const how = { device: unhex(device), directory, now, ...more }
      return binding.verify(binding.decode(utf8(encoded)), how).then(() => true, (problem) => problem.message)
    }
    const told = {}
    for (const { wallet, genuine, binding: encoded } of cases) {
      if (!genuine) continue
      const { signature, ...rest } = JSON.parse(encoded)
      const forged = JSON.stringify({ ...rest, signature: `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}` })
      const other = cases.find((one) => one.genuine && one.wallet !== wallet).binding
      told[wallet] = [await accepts(encoded), await accepts(encoded), await accepts(encoded, { now: now + 91 * 86400 }), await accepts(forged) === true, await accepts(encoded, { device: new Uint8Array(32) }), await accepts(other)]
    }
    const named = cases.find((one) => one.case === "named-without-resolver")
    const key = unhex(JSON.parse(named.binding).key)
    let asked = 0
    const resolver = { keysOf: async () => (asked++, asked < 3 ? [key] : []) }
    told.named = []
    for (let i = 0; i < 3; i++) told.named.push(await accepts(named.binding, { resolver }))
    told.asked = asked
    return told
  },

  // What a page asks for, and what it is told of it.
  async asked() {
    const { check } = await load("../widget/options")
    const element = { attachShadow() {} }
    const url = "ws://127.0.0.1:8765/messages"
    const cases = {
      right: [element, { url, theme: "dark", testWallets: ["solana"], wallet: undefined, feed: false }],
      nowhere: [null, { url }],
      nothing: [element, undefined],
      urlless: [element, {}],
      elsewhere: [element, { url: "/messages" }],
      misspelt: [element, { url, tehme: "dark" }],
      wallet: [element, { url, testWallets: ["ethereum", "dogecoin"] }],
      word: [element, { url, testWallets: "ethereum" }],
    }
    return Object.fromEntries(Object.entries(cases).map(([name, given]) => [name, heldUp(() => check(...given))]))
  },

  // A relay that nobody is at, and one that was there: what is said of the connection when it ends.
  async ended() {
    const { RelayConnection } = await load("relay")
    const sockets = []
    globalThis.WebSocket = class {
      constructor() {
        sockets.push(this)
      }
      close() {}
    }
    const states = []
    const relay = new RelayConnection("ws://ann:secret@127.0.0.1:9/messages?token=secret", "d", { state: (state, why) => states.push([state, why]) })
    for (const [isReached, code, reason] of [[false, 1006, ""], [true, 1006, ""], [true, 1012, "restarting"], [true, 4010, ""]]) {
      relay.open()
      const socket = sockets.at(-1)
      if (isReached) socket.onopen()
      socket.onclose({ code, reason })
    }
    relay.close()
    return states.filter(([state]) => state === "offline").map(([, why]) => why)
  },
}

const found = {}
for (const [name, run] of Object.entries(scenarios)) found[name] = await run()
console.log(JSON.stringify(found))
