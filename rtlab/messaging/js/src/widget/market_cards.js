// Prices and charts that somebody shares: only what to look at comes in the message, the figures from this side's feed.

import { chart, price, summary } from "../market/chart.js"
import { clock, h } from "./dom.js"

const SECOND = 1e9 // ns
const INTERVALS = [1, 5, 15, 60, 300, 900, 3600] // s, of bars that a feed keeps
const MOST = 240 // bars of a chart
const RECENT = 120 // s, beside a price
const SETTLING = 1000 // ms
const SPANS = { s: 1, m: 60, h: 3600 }

// "/price BTC-USD" and "/chart BTC-USD 15m" as the contents of messages; undefined for any other text.
export function asked(text, now = Date.now()) {
  const [, kind, instrument, many = "5", unit = "m"] = /^\/(price|chart) ([A-Z0-9][A-Z0-9._/-]{0,31})(?: ([1-9]\d{0,2})([smh]))?$/.exec(text) ?? []
  if (kind === "price") return { kind, instrument }
  return kind && { kind, instrument, from: now - 1000 * Number(many) * SPANS[unit], to: now }
}

const time = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })
const said = (message) => h("div", { class: "last", text: message })

// `feed` is undefined where this page has none, and for what a stranger shares: it is not asked for that.
export function marketCard(message, t, feed, isTrusted) {
  const { kind, instrument } = message
  const value = h("b", { text: "…" })
  const note = said(!feed ? t.noFeed : isTrusted ? t.loading : t.notYet)
  const drawing = chart(`${instrument}: ${note.textContent}`)
  const title = kind === "chart" ? `${instrument}, ${clock(message.from)} – ${clock(message.to)}` : instrument
  const card = h("div", { class: "card market", "aria-live": "off" }, said(title), value, drawing.node, note)
  if (!feed || !isTrusted) {
    value.textContent = "–"
    return card
  }
  const parts = { value, note, drawing, t, isHere: hereOf(card) }
  const isTold = kind === "chart" ? follow(feed, message, parts) : followNow(feed, message, parts)
  if (!isTold) note.textContent = t.tooMany
  return card
}

// a card is on the page a moment after it was made, until it is gone
function hereOf(card) {
  const made = performance.now()
  return () => card.isConnected || performance.now() - made < SETTLING
}

function followNow(feed, { instrument }, { value, note, drawing, t, isHere }) {
  const isTold = feed.follow({ name: "ticker", instrument }, ({ tick, ticker, failed }) => {
    if (failed) note.textContent = failed
    if (ticker) value.textContent = price(ticker.last ?? ticker.bid, tick)
    return isHere()
  })
  const channel = { name: "bars", instrument, depth: RECENT, interval: SECOND }
  return isTold && feed.follow(channel, ({ tick, bars, failed }) => {
    if (bars.length) show({ drawing, note }, { instrument, bars, tick, first: bars.at(-1)[0] - RECENT * SECOND, last: bars.at(-1)[0] }, t.recent)
    else note.textContent = failed ?? t.loading
    return isHere()
  })
}

function follow(feed, { instrument, from, to }, { value, note, drawing, t, isHere }) {
  const interval = INTERVALS.find((one) => (to - from) / 1000 / one <= MOST) ?? INTERVALS.at(-1)
  const depth = Math.min(1024, Math.ceil((Date.now() - from) / 1000 / interval) + 1)
  return feed.follow({ name: "bars", instrument, depth, interval: interval * SECOND }, ({ tick, bars, failed }) => {
    const within = bars.filter(([start]) => start >= 1e6 * from - interval * SECOND && start <= 1e6 * to)
    if (within.length) {
      value.textContent = price(within.at(-1)[4], tick)
      const since = within[0][0] / 1e6 - from > 2000 * interval ? `${t.onlySince} ${time(within[0][0] / 1e6)}. ` : ""
      show({ drawing, note }, { instrument, bars: within, tick, first: 1e6 * from, last: 1e6 * to }, since)
    } else if (tick || failed) {
      value.textContent = "–"
      note.textContent = failed ?? t.noData
    }
    return isHere()
  })
}

function show({ drawing, note }, { instrument, bars, tick, first, last }, before) {
  const { open, high, low, close, text } = summary(instrument, bars, tick)
  drawing.draw(bars, first, last, text)
  note.textContent = `${before}O\u00a0${open} · H\u00a0${high} · L\u00a0${low} · C\u00a0${close}`
}
