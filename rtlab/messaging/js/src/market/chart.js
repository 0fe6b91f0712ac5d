// A line of closes over its band of lows and highs, as SVG; and the same in words, for those who do not see it.

const NS = "http://www.w3.org/2000/svg"
const WIDTH = 260
const HEIGHT = 84

function svg(tag, properties, ...children) {
  const element = document.createElementNS(NS, tag)
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

// 12345 ticks of "0.01" are "123.45"
export function price(ticks, tick) {
  if (!Number.isSafeInteger(ticks)) return "–"
  const decimals = (tick.split(".")[1] ?? "").length
  return (ticks * Number(tick)).toFixed(decimals)
}

// `bars` are [start, open, high, low, close, volume, trades], in order of their starts; prices are ticks.
export function summary(instrument, bars, tick) {
  const open = price(bars[0][1], tick)
  const close = price(bars.at(-1)[4], tick)
  const high = price(Math.max(...bars.map((bar) => bar[2])), tick)
  const low = price(Math.min(...bars.map((bar) => bar[3])), tick)
  return { open, high, low, close, text: `${instrument}: open ${open}, high ${high}, low ${low}, close ${close}` }
}

export function chart(label) {
  const band = svg("path", { class: "band" })
  const line = svg("path", { class: "line", fill: "none" })
  const node = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, preserveAspectRatio: "none" }, band, line)
  // draws `bars` from `first` to `last` (ns), with its words
  const draw = (bars, first, last, words) => {
    const sane = bars.filter((bar) => bar.every(Number.isFinite))
    node.setAttribute("aria-label", words)
    if (!sane.length) return
    const top = Math.max(...sane.map((bar) => bar[2]))
    const bottom = Math.min(...sane.map((bar) => bar[3]))
    const x = (start) => ((WIDTH * (start - first)) / Math.max(1, last - first)).toFixed(1)
    const y = (ticks) => (top === bottom ? HEIGHT / 2 : 3 + ((HEIGHT - 6) * (top - ticks)) / (top - bottom)).toFixed(1)
    const through = (points) => points.map(([at, ticks], i) => `${i ? "L" : "M"}${x(at)},${y(ticks)}`).join("")
    line.setAttribute("d", through(sane.map((bar) => [bar[0], bar[4]])))
    band.setAttribute("d", `${through(sane.map((bar) => [bar[0], bar[2]]))}${through(sane.map((bar) => [bar[0], bar[3]]).reverse()).replace("M", "L")}Z`)
  }
  return { node, draw }
}
