// Chunks of files by the browser's code: `node messaging_files.mjs SOURCES`. A line of JSON in, a line out, in order.

import readline from "node:readline"
import { pathToFileURL } from "node:url"

const load = (name) => import(pathToFileURL(`${process.argv[2]}/src/${name}`))
const [{ hex, unhex }, files] = await Promise.all([load("bytes.js"), load("messenger/files.js")])

const operations = {
  async seal({ key, content, index }) {
    const sealing = crypto.subtle.importKey("raw", unhex(key), "AES-GCM", false, ["encrypt"])
    return { chunk: hex(await files.sealChunk(sealing, unhex(content), index)) }
  },
  async open({ key, size, index, chunk }) {
    return { content: hex(await files.openChunk(files.keyToOpen(unhex(key)), size, index, unhex(chunk))) }
  },
  async name({ name }) {
    return { name: files.plainName(name) }
  },
  async upload({ size }) {
    return { blob: new files.Upload({ name: "x", bytes: new Uint8Array(size) }).said.blob }
  },
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { op, ...rest } = JSON.parse(line)
  try {
    console.log(JSON.stringify(await operations[op](rest)))
  } catch (problem) {
    console.log(JSON.stringify({ refused: `${problem.name}: ${problem.message}` }))
  }
}
