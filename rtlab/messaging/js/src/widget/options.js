// What a page asks for is looked over before anything is drawn: one MessagingError says what was expected, and what came.

import { MessagingError } from "../errors.js"
import { FAMILIES } from "../wallets/local.js"

const KNOWN = ["url", "directory", "storage", "name", "theme", "texts", "testWallets", "wallet", "resolver", "token", "feed"]
const ADDRESS = "the relay's address, as wss://lab.example/messages"

const shown = (value) => (typeof value === "string" ? JSON.stringify(value) : String(value))
const wrong = (what, expected, got) => new MessagingError(`${what}: expected ${expected}, got ${got}`)

export function check(element, options) {
  if (typeof element?.attachShadow !== "function") throw wrong("mount has no element to draw in", "an element that is on the page", shown(element))
  if (typeof options !== "object" || options === null) throw wrong("mount has no options", `an object with url, ${ADDRESS}`, shown(options))
  const unknown = Object.keys(options).filter((name) => !KNOWN.includes(name))
  if (unknown.length) throw wrong("mount has no such option", `some of ${KNOWN.join(", ")}`, unknown.join(", "))
  if (options.url === undefined || options.url === null) throw wrong("the option url is missing", ADDRESS, shown(options.url))
  if (!/^(ws|http)s?:\/\/[^/]/.test(String(options.url))) throw wrong("the option url is no address of a relay", ADDRESS, shown(options.url))
  const families = options.testWallets ?? []
  const known = Object.keys(FAMILIES)
  if (!Array.isArray(families)) throw wrong("the option testWallets is no list", `some of ${known.join(", ")}`, shown(families))
  const strange = families.filter((family) => !known.includes(family))
  if (strange.length) throw wrong("there is no such test wallet", `some of ${known.join(", ")}`, strange.map(String).join(", "))
}
