// The outer envelope: what a device hands to the relay, signed as a whole by its Ed25519 key. It is checked before MLS
// sees a byte, so that nobody on the way can spend the one-time key of a genuine message by a forged one.
//
//   "rtl1" | kind 1 | sender 32 | id 16 | length 4 | payload | signature 64

import { concat, equal, random, u32be, utf8 } from "../bytes.js"
import { UnreadableError } from "../errors.js"
import { sign, verify } from "./ed25519.js"

export const WELCOME = 1
export const COMMIT = 2
export const MESSAGE = 3
export const FLEETING = 4
const KINDS = [WELCOME, COMMIT, MESSAGE, FLEETING]

const MAGIC = utf8("rtl1")
const LABEL = utf8("rtlab envelope 1\n")
const HEAD = 57
const SIGNATURE = 64

export async function seal(kind, device, payload, id = random(16)) {
  const body = concat(MAGIC, Uint8Array.of(kind), device.publicKey, id, u32be(payload.length), payload)
  return concat(body, await sign(device.secretKey, concat(LABEL, body)))
}

export async function open(envelope) {
  const size = envelope.length - HEAD - SIGNATURE
  if (size < 0 || !equal(envelope.subarray(0, 4), MAGIC)) throw new UnreadableError("an envelope is of another form")
  const kind = envelope[4]
  const sender = envelope.slice(5, 37)
  const length = new DataView(envelope.buffer, envelope.byteOffset).getUint32(53)
  if (length !== size || !KINDS.includes(kind)) throw new UnreadableError("an envelope is of another form")
  const body = envelope.subarray(0, HEAD + size)
  if (!(await verify(sender, concat(LABEL, body), envelope.subarray(HEAD + size)))) throw new UnreadableError("an envelope is not signed by its sender")
  return { kind, sender, id: envelope.slice(37, 53), payload: envelope.slice(HEAD, HEAD + size) }
}
