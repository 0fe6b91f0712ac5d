// The widget's reader of the feed, without a socket: `node messaging_feed.mjs SOURCES` reads one JSON object, {wishes,
// messages}, and prints {said, shown, cards}: what it said to the server, and what each wish was shown last.

import { pathToFileURL } from "node:url"

const load = (name) => import(pathToFileURL(`${process.argv[2]}/src/${name}`))
const said = []
let opened
globalThis.WebSocket = class {
  static OPEN = 1
  readyState = 1
  constructor() {
    opened = this
  }
  send(text) {
    said.push(JSON.parse(text))
  }
  close() {
    said.push({ type: "closed" })
  }
}
const [{ Feed }, { price, summary }] = await Promise.all([load("market/feed.js"), load("market/chart.js")])
let input = ""
for await (const part of process.stdin) input += part
const { wishes, messages } = JSON.parse(input)
const feed = new Feed("ws://feed")
const shown = wishes.map(() => ({ times: 0 }))
const taken = wishes.map((wish, i) =>
  feed.follow(wish.channel, (state) => {
    Object.assign(shown[i], state, { times: shown[i].times + 1 })
    return shown[i].times < (wish.times ?? Infinity)
  }),
)
opened.onopen()
for (const message of messages) opened.onmessage({ data: JSON.stringify(message) })
const words = shown.map(({ bars, tick }) => bars?.length && summary("X", bars, tick).text)
console.log(JSON.stringify({ said, shown, taken, words, prices: [price(12345, "0.01"), price(-5, "0.5"), price(7, "1"), price(2 ** 60, "1"), price("7", "1")] }))
