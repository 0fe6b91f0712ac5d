// Values as bytes, to be stored: JSON, and behind it the bytes that are in it as they are, for most of a value is the
// state of a group, and most of the time of storing it went into writing it as text.
//
//   0 | length of the JSON 4 | JSON | bytes, one behind the other
//
// Where bytes were, the JSON has {"$bytes": how many}. What others wrote may look like that: it is {"$json": text}.
// Older values are JSON alone, with {"$bytes": base64}.

import { concat, text, u32be, unbase64, utf8 } from "../bytes.js"

const HEAD = 5
const has = (inner, name) => typeof inner === "object" && inner !== null && Object.hasOwn(inner, name)

export function pack(value) {
  const parts = []
  const json = JSON.stringify(value, (_, inner) => {
    if (inner instanceof Uint8Array) {
      parts.push(inner)
      return { $bytes: inner.length }
    }
    return has(inner, "$bytes") || has(inner, "$json") ? { $json: JSON.stringify(inner) } : inner
  })
  const written = utf8(json)
  return concat(Uint8Array.of(0), u32be(written.length), written, ...parts)
}

export function unpack(packed) {
  if (packed[0] !== 0) return unpackOld(text(packed))
  let at = HEAD + new DataView(packed.buffer, packed.byteOffset).getUint32(1)
  return JSON.parse(text(packed.subarray(HEAD, at)), (_, inner) => {
    if (has(inner, "$json")) return JSON.parse(inner.$json)
    return has(inner, "$bytes") ? packed.slice(at, (at += inner.$bytes)) : inner
  })
}

const unpackOld = (json) =>
  JSON.parse(json, (_, inner) => {
    try {
      return has(inner, "$bytes") ? unbase64(inner.$bytes) : inner
    } catch {
      return inner // what another wrote
    }
  })
