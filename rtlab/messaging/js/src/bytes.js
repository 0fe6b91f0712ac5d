// Bytes and their text forms. Decoders are strict: what they take, encoded again, gives the same characters.

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true })

export const utf8 = (text) => encoder.encode(text)
export const text = (bytes) => decoder.decode(bytes)

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

export function unhex(digits) {
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new TypeError(`no lower-case hexadecimal digits: ${digits}`)
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

export function base64(bytes) {
  let raw = ""
  for (let at = 0; at < bytes.length; at += 8192) raw += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(raw)
}

export function unbase64(digits) {
  let raw
  try {
    raw = atob(digits)
  } catch {
    throw new TypeError("no base64")
  }
  if (btoa(raw) !== digits) throw new TypeError("base64 in another form than the one it has")
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0))
}

export const u32be = (n) => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
export const u32le = (n) => Uint8Array.of(n, n >>> 8, n >>> 16, n >>> 24)
export const u16le = (n) => Uint8Array.of(n, n >>> 8)

export function equal(one, other) {
  if (one.length !== other.length) return false
  let difference = 0
  for (let i = 0; i < one.length; i++) difference |= one[i] ^ other[i]
  return difference === 0
}

export const random = (size) => crypto.getRandomValues(new Uint8Array(size))
