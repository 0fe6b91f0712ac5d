// What is inside of a message: JSON with a few kinds, every field checked by who reads it, for the other side may be
// anybody. A content names the device that it is from, so that nobody in the group can pass it on as his own.

import { text, utf8 } from "../bytes.js"
import { UnreadableError } from "../errors.js"
import { LARGEST } from "./files.js"

export const LONGEST_TEXT = 8000
const has = (form) => (value) => typeof value === "string" && form.test(value)
const isId = has(/^[0-9a-f]{32}$/)
const isHash = has(/^[0-9a-f]{64}$/)
const isInstrument = has(/^[A-Z0-9][A-Z0-9._/-]{0,31}$/)
const isFileKey = has(/^[A-Za-z0-9+/]{43}=$/)
const isText = (value, longest = LONGEST_TEXT) => typeof value === "string" && value.length > 0 && value.length <= longest
const isTime = (value) => Number.isSafeInteger(value) && value >= 0
const isIds = (value) => Array.isArray(value) && value.length <= 200 && value.every(isId)

const KINDS = {
  text: ({ text, reply }) => isText(text) && (reply === undefined || isId(reply)),
  mark: ({ delivered = [], read = [] }) => isIds(delivered) && isIds(read),
  typing: () => true,
  price: ({ instrument }) => isInstrument(instrument),
  chart: ({ instrument, from, to }) => isInstrument(instrument) && isTime(from) && isTime(to) && from < to,
  alert: ({ title, text }) => isText(title, 200) && isText(text),
  file: ({ name, type, size, blob, secret }) =>
    isText(name, 200) && typeof type === "string" && type.length < 100 && isTime(size) && size <= LARGEST && isId(blob) && isFileKey(secret),
}

const isHeads = (heads) =>
  typeof heads === "object" && heads !== null && Object.entries(heads).length <= 2 &&
  Object.values(heads).every((head) => Array.isArray(head) && isTime(head[0]) && isHash(head[1]))

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
  if (!isKnown || !isId(content.id) || !isTime(content.at) || !KINDS[content.kind](content) || !isHeads(content.heads ?? {})) {
    throw new UnreadableError("a message has a content of another form")
  }
  if (content.device !== device) throw new UnreadableError("a message is passed on by another device than it is from")
  return content
}
