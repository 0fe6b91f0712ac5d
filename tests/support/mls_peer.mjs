// Devices of the browser's code in one process: `node mls_peer.mjs SOURCES`. A line of JSON in, a line out, in order.

import readline from "node:readline"
import { pathToFileURL } from "node:url"

const load = (name) => import(pathToFileURL(`${process.argv[2]}/src/${name}`))
const [{ hex, unhex, utf8 }, envelope, mls] = await Promise.all([load("bytes.js"), load("mls/envelope.js"), load("mls/group.js")])
const devices = new Map()
const now = () => Math.floor(Date.now() / 1000)
const anybody = () => {}

function adopt(one, { group, wipe }) {
  one.group = group
  wipe?.()
}

const operations = {
  async package(one) {
    const made = await mls.newKeyPackage(one.device, utf8(one.name), now(), 30)
    one.packages.push(made)
    return { package: hex(made.encoded) }
  },
  async create(one, { group }) {
    one.group = await mls.create(utf8(group), one.device, utf8(one.name), now())
    return {}
  },
  async commit(one, { add, remove }) {
    one.pending = await mls.commit(one.group, { add: add.map(unhex), remove: remove.map(unhex) })
    const { commit, welcome } = one.pending
    return { commit: hex(await envelope.seal(envelope.COMMIT, one.device, commit)), welcome: welcome && hex(await envelope.seal(envelope.WELCOME, one.device, welcome)) }
  },
  async apply(one) {
    adopt(one, one.pending)
    return {}
  },
  async join(one, { welcome }) {
    const { payload } = await envelope.open(unhex(welcome))
    for (const { encoded, secret } of one.packages) {
      try {
        one.group = await mls.join(payload, encoded, secret, one.device)
      } catch (problem) {
        if (problem.name !== "UnreadableError") throw problem
        continue
      }
      return {}
    }
    throw new Error("no key package of this device fits")
  },
  async seal(one, { content }) {
    const made = await mls.encrypt(one.group, unhex(content))
    adopt(one, made)
    return { envelope: hex(await envelope.seal(envelope.MESSAGE, one.device, made.payload)) }
  },
  async open(one, { envelope: bytes }) {
    const made = await mls.open(one.group, (await envelope.open(unhex(bytes))).payload, anybody)
    adopt(one, made)
    return made.committed ? { committed: true } : { content: hex(made.content) }
  },
  async restart(one) {
    one.group = mls.restore(mls.save(one.group))
    return {}
  },
  async members(one) {
    return { members: mls.members(one.group).map(({ device }) => hex(device)), epoch: mls.epochOf(one.group) }
  },
  async saved(one) {
    return { state: hex(mls.save(one.group)) }
  },
  async restore(one, { state }) {
    one.group = mls.restore(unhex(state))
    return {}
  },
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { op, name, ...rest } = JSON.parse(line)
  if (op === "device") {
    const device = mls.newDevice()
    devices.set(name, { name, device, packages: [] })
    console.log(JSON.stringify({ device: hex(device.publicKey) }))
    continue
  }
  try {
    console.log(JSON.stringify(await operations[op](devices.get(name), rest)))
  } catch (problem) {
    if (problem.name === "MessagingError") {
      console.log(JSON.stringify({ unable: problem.message }))
      continue
    }
    const refused = problem.name === "UnreadableError" || problem.name === "IdentityError"
    console.log(JSON.stringify({ [refused ? "refused" : "failed"]: `${problem.name}: ${problem.message}` }))
  }
}
