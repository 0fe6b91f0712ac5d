// Contents are padded to buckets, so that a length tells little: 256 bytes, doubled up to 32 KiB.

import { concat, u32be } from "../bytes.js"
import { UnreadableError } from "../errors.js"

const SMALLEST = 256
export const LARGEST = 32768
const HEAD = 4

export function pad(content) {
  let bucket = SMALLEST
  while (bucket < content.length + HEAD) bucket *= 2
  if (bucket > LARGEST) throw new RangeError(`a message has ${content.length} bytes, expected ${LARGEST - HEAD} at most`)
  return concat(u32be(content.length), content, new Uint8Array(bucket - HEAD - content.length))
}

export function unpad(padded) {
  const size = padded.length >= HEAD ? new DataView(padded.buffer, padded.byteOffset).getUint32(0) : Infinity
  const isBucket = padded.length >= SMALLEST && padded.length <= LARGEST && !(padded.length & (padded.length - 1))
  if (!isBucket || size > padded.length - HEAD || padded.subarray(HEAD + size).some((byte) => byte)) {
    throw new UnreadableError("a message is padded in another way")
  }
  return padded.slice(HEAD, HEAD + size)
}
