// Rows are made once; a repaint changes only texts and bar lengths that differ, and measures nothing.
const cell = (parent, kind, text = "") => {
  const element = document.createElement("div")
  element.className = kind
  element.textContent = text
  parent.append(element)
  return element
}

function level(parent, side) {
  const row = cell(parent, `row level ${side}`)
  const left = cell(row, "size left"), price = cell(row, "price"), right = cell(row, "size right")
  const home = side === "bid" ? left : right
  const bar = cell(home, "bar")
  const size = document.createElement("b")
  home.append(size)
  const texts = [price, size].map((element) => element.appendChild(document.createTextNode("")))
  return { texts, bar, length: 0 }
}

function write(node, text) {
  if (node.data !== text) node.data = text
}

function show(levels, flat) {
  levels.forEach((row, i) => {
    write(row.texts[0], flat[3 * i] ?? "")
    write(row.texts[1], flat[3 * i + 1] ?? "")
    const length = flat[3 * i + 2] ?? 0
    if (length !== row.length) {
      row.length = length
      row.bar.style.backgroundSize = `${length / 10}% 100%`
    }
  })
}

export function render({ model }) {
  const root = document.createElement("div")
  const wear = () => { root.className = `rt ladder ${model.theme}` }
  wear()
  const empty = cell(root, "empty", `Waiting for the book of ${model.symbol} …`)
  const head = cell(root, "row head")
  cell(head, "size left", "Bid size"); cell(head, "price", "Price"); cell(head, "size right", "Ask size")
  const rows = cell(root, "rows")
  const depth = model.depth
  const above = cell(rows, "side above")
  const asks = Array.from({ length: depth }, () => level(above, "ask"))
  const middle = cell(rows, "row middle")
  const way = cell(middle, "word"), last = cell(middle, "price"), gap = cell(middle, "word")
  const texts = [way, last, gap].map((element) => element.appendChild(document.createTextNode("")))
  const below = cell(rows, "side below")
  const bids = Array.from({ length: depth }, () => level(below, "bid"))
  head.hidden = rows.hidden = true

  let book = null, waiting = false
  const widest = {}
  const widen = (name, texts, extra) => {  // columns only ever grow, so that nothing jumps
    const width = Math.max(...texts.map((text) => text?.length ?? 0)) + extra
    if (width > (widest[name] ?? 0)) root.style.setProperty(name, `${(widest[name] = width)}ch`)
  }
  const paint = () => {
    waiting = false
    if (!empty.hidden) { empty.hidden = true; head.hidden = rows.hidden = false }
    show(asks, book.asks)
    show(bids, book.bids)
    widen("--price-width", [book.asks[0], book.bids[0], book.last], 6)
    widen("--size-width", [...book.asks, ...book.bids].filter((_, i) => i % 3 === 1), 0)
    write(texts[0], book.last === null ? "" : "last")
    write(texts[1], book.last === null ? "–" : `${["▼ ", "", "▲ "][book.way + 1]}${book.last}`)
    last.className = `price ${["down", "", "up"][book.way + 1]}`
    write(texts[2], book.spread ? `spread ${book.spread[0]}` : book.bids.length || book.asks.length ? "one side only" : "no book")
    gap.title = book.spread ? `${book.spread[1]} ticks` : ""
  }
  model.on("msg:custom", (message) => {
    book = message
    if (!waiting) { waiting = true; requestAnimationFrame(paint) }
  })
  model.on("theme", wear)
  model.send_msg({ ready: true })
  return root
}
