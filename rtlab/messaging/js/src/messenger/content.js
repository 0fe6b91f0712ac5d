// What is inside of a message: JSON with a few kinds, every field checked by who reads it, for the other side may be
// anybody. A content names the device that it is from, so that nobody in the group can pass it on as his own.

import { text, utf8 } from "../bytes.js"
import { UnreadableError } from "../errors.js"

export const LONGEST_TEXT = 8000
const ID = /^[0-9a-f]{32}$/
const INSTRUMENT = /^[A-Z0-9][A-Z0-9._/-]{0,31}$/
const isText = (value, longest = LONGEST_TEXT) => typeof value === "string" && value.length > 0 && value.length <= longest
const isTime = (value) => Number.isSafeInteger(value) && value >= 0
const isIds = (value) => Array.isArray(value) && value.length <= 200 && value.every((id) => ID.test(id))

const KINDS = {
  text: ({ text, reply }) => isText(text) && (reply === undefined || ID.test(reply)),
  mark: ({ delivered = [], read = [] }) => isIds(delivered) && isIds(read),
  typing: () => true,
  price: ({ instrument }) => INSTRUMENT.test(instrument),
  chart: ({ instrument, from, to }) => INSTRUMENT.test(instrument) && isTime(from) && isTime(to) && from < to,
  alert: ({ title, text }) => isText(title, 200) && isText(text),
  file: ({ name, type, size, chunks }) => isText(name, 200) && typeof type === "string" && type.length < 100 && isTime(size) && size <= 26214400 && isTime(chunks) && chunks <= 2048,
  chunk: ({ file, index, data }) => ID.test(file) && isTime(index) && index < 2048 && isText(data, 28000),
}

const isHeads = (heads) =>
  typeof heads === "object" && heads !== null && Object.entries(heads).length <= 2 &&
  Object.values(heads).every((head) => Array.isArray(head) && isTime(head[0]) && /^[0-9a-f]{64}$/.test(head[1]))

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
  if (!isKnown || !ID.test(content.id) || !isTime(content.at) || !KINDS[content.kind](content) || !isHeads(content.heads ?? {})) {
    throw new UnreadableError("a message has a content of another form")
  }
  if (content.device !== device) throw new UnreadableError("a message is passed on by another device than it is from")
  return content
}
