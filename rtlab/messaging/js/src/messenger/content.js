// What is inside of a message: JSON with a few kinds, every field checked by who reads it, for the other side may be
// anybody, and nothing else kept: it is stored and drawn. A content names the device that it is from, so that nobody in
// the group can pass it on as his own.

import { text, utf8 } from "../bytes.js"
import { UnreadableError } from "../errors.js"
import { LARGEST } from "./files.js"

const LONGEST_TEXT = 8000
const has = (form) => (value) => typeof value === "string" && form.test(value)
const isId = has(/^[0-9a-f]{32}$/)
const isHash = has(/^[0-9a-f]{64}$/)
const isInstrument = has(/^[A-Z0-9][A-Z0-9._/-]{0,31}$/)
const isFileKey = has(/^[A-Za-z0-9+/]{43}=$/)
const isText = (least, most) => (value) => typeof value === "string" && value.length >= least && value.length <= most
const isCount = (most) => (value) => Number.isSafeInteger(value) && value >= 0 && value <= most
const isTime = isCount(8.64e15) // ms: a Date cannot be of later ones
const isIds = (value) => Array.isArray(value) && value.length <= 200 && value.every(isId)
const isHead = (head) => Array.isArray(head) && isCount(Infinity)(head[0]) && isHash(head[1])
const isHeads = (heads) =>
  typeof heads === "object" && heads !== null && Object.entries(heads).length <= 2 && Object.values(heads).every(isHead)
const optional = (check) => (value) => value === undefined || check(value)
const any = () => true

// the fields of all contents, and those of each kind: `check(value, content)`
const COMMON = { kind: any, device: any, id: isId, at: isTime, heads: optional(isHeads), reply: optional(isId) }
const KINDS = {
  text: { text: isText(1, LONGEST_TEXT) },
  mark: { delivered: optional(isIds), read: optional(isIds) },
  typing: {},
  price: { instrument: isInstrument },
  chart: { instrument: isInstrument, from: isTime, to: (value, { from }) => isTime(value) && from < value },
  alert: { title: isText(1, 200), text: isText(1, LONGEST_TEXT) },
  file: { name: isText(1, 200), type: isText(0, 99), size: isCount(LARGEST), blob: isId, secret: isFileKey },
}

export const encode = (content) => utf8(JSON.stringify(content))

// Reads a content that came from `device` (hex); UnreadableError for any other form.
export function decode(bytes, device) {
  let content
  try {
    content = JSON.parse(text(bytes))
  } catch {
    throw new UnreadableError("a message is no JSON")
  }
  const isKnown = typeof content === "object" && content !== null && Object.hasOwn(KINDS, content.kind)
  const fields = isKnown && Object.entries({ ...COMMON, ...KINDS[content.kind] })
  if (!isKnown || !fields.every(([name, check]) => check(content[name], content))) throw new UnreadableError("a message has a content of another form")
  if (content.device !== device) throw new UnreadableError("a message is passed on by another device than it is from")
  return Object.fromEntries(fields.filter(([name]) => Object.hasOwn(content, name)).map(([name]) => [name, content[name]]))
}
