// Files in chunks: STREAM (Hoang, Reyhanitabar, Rogaway, Vizar 2015) over AES-256-GCM, with the nonces of age: the index
// in 11 bytes, and a byte that is 1 for the last chunk only. A file has a random key of its own, which goes inside of a
// message; the relay keeps the chunks under a random name. Nothing is compressed: how long every chunk must be follows
// from the size in the message.

import { base64, hex, random, unbase64 } from "../bytes.js"
import { MessagingError, RefusedError, UnreadableError } from "../errors.js"

export const CHUNK = 32768
const TAG = 16
export const LARGEST = 25 * 1048576
const UNDER_WAY = 8 // chunks
const AGAIN = 0.2 // s

export const countOf = (size) => Math.max(1, Math.ceil(size / CHUNK))
const sealedSize = (size) => size + TAG * countOf(size)

function how(index, count) {
  const iv = new Uint8Array(12)
  new DataView(iv.buffer).setUint32(7, index)
  iv[11] = index === count - 1 ? 1 : 0
  return { name: "AES-GCM", iv, tagLength: 8 * TAG }
}

const imported = (raw, use) => crypto.subtle.importKey("raw", raw, "AES-GCM", false, [use])

export const sealChunk = async (key, bytes, index) =>
  new Uint8Array(await crypto.subtle.encrypt(how(index, countOf(bytes.length)), await key, bytes.subarray(index * CHUNK, (index + 1) * CHUNK)))

// Opens chunk `index` of a file of `size` bytes; UnreadableError unless it is exactly that one.
export async function openChunk(key, size, index, sealed) {
  const count = countOf(size)
  if (!(index >= 0 && index < count) || sealed.length !== Math.min(CHUNK, size - index * CHUNK) + TAG) throw new UnreadableError("a chunk of a file has another length")
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how(index, count), await key, sealed))
  } catch {
    throw new UnreadableError("a chunk of a file is not genuine")
  }
}

export const keyToOpen = (raw) => imported(raw, "decrypt")

// A file on its way: `send(relay, told)` may be called again, on another connection, and goes on where it was. The
// bytes are held, for the same chunk must never be encrypted with another content.
export class Upload {
  constructor({ name, type = "", bytes }) {
    if (bytes.length > LARGEST) throw new MessagingError(`a file has ${bytes.length} bytes, ${LARGEST} at most can be sent`)
    const key = random(32)
    this.bytes = bytes
    this.key = imported(key, "encrypt")
    this.said = { name, type, size: bytes.length, blob: hex(random(16)), secret: base64(key) }
  }

  async send(relay, told) {
    const { blob, size } = this.said
    const { stored } = await asked(relay, "attach", { blob, size: sealedSize(size) })
    await fewAtOnce(stored, countOf(size), told, async (index) => {
      await asked(relay, "put", { blob, index, data: base64(await sealChunk(this.key, this.bytes, index)) })
    })
    return this.said
  }
}

// The file of a message on its way here: `receive(relay, told)` gives its bytes, and may be called again as `send` may.
// UnreadableError unless every chunk is genuine.
export class Download {
  #first = 0

  constructor({ size, blob, secret }) {
    this.blob = blob
    this.key = keyToOpen(unbase64(secret))
    this.bytes = new Uint8Array(size)
  }

  async receive(relay, told) {
    const { blob, bytes } = this
    const there = new Set()
    try {
      await fewAtOnce(this.#first, countOf(bytes.length), told, async (index) => {
        const { data } = await asked(relay, "fetch", { blob, index })
        bytes.set(await openChunk(this.key, bytes.length, index, unbase64(data ?? "")), index * CHUNK)
        there.add(index)
      })
    } finally {
      while (there.has(this.#first)) this.#first++
    }
    return bytes
  }
}

async function fewAtOnce(first, count, told, work) {
  let next = first
  let done = first
  let failed
  const worker = async () => {
    while (next < count && !failed) {
      await work(next++)
      told?.(++done, count)
    }
  }
  await Promise.all(Array.from({ length: Math.min(UNDER_WAY, count - first) }, () => worker().catch((problem) => (failed ??= problem))))
  if (failed) throw failed
}

async function asked(relay, op, fields) {
  for (;;) {
    try {
      return await relay.ask(op, fields)
    } catch (problem) {
      if (!(problem instanceof RefusedError) || !["rate", "busy"].includes(problem.code)) throw problem
      await new Promise((resolve) => setTimeout(resolve, 1000 * (problem.retryAfter ?? AGAIN)))
    }
  }
}

// A name that is shown, and that a file is saved by: nothing in it turns the reading order or leads to another folder.
export const plainName = (name) => name.replace(/[\p{Cc}\p{Bidi_Control}/\\:*?"<>|]/gu, "_").slice(0, 200)
