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
  const away = side === "bid" ? right : left
  const own = cell(away, "own")
  return { row, texts, bar, own: own.appendChild(document.createTextNode("")), length: 0 }
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

// from price to price by arrow keys or the mouse; Enter or a press chooses one
function walk(root, rows, model, { asks, bids }) {
  const order = [...asks.map((level, i) => ["ask", i, level]).reverse(), ...bids.map((level, i) => ["bid", i, level])]
  let at = asks.length
  const filled = ([, , level]) => level.texts[0].data !== ""
  const mark = (next) => {
    if (!order[next] || !filled(order[next])) return
    order[at][2].row.classList.remove("chosen")
    at = next
    const { row, texts, own } = order[at][2]
    row.classList.add("chosen")
    said.textContent = `${order[at][0]} ${texts[0].data}, ${texts[1].data}${own.data ? `, ${own.data}` : ""}`
  }
  const choose = () => filled(order[at]) && model.send_msg({ chosen: order[at].slice(0, 2) })
  const said = cell(root, "said")
  said.setAttribute("role", "status")
  rows.tabIndex = 0
  rows.setAttribute("role", "application")
  rows.setAttribute("aria-roledescription", "order book")
  rows.setAttribute("aria-label", `Order book of ${model.symbol}: arrows walk from price to price, Enter chooses`)
  rows.addEventListener("keydown", (event) => {
    const act = {
      ArrowUp: () => mark(at - 1), ArrowDown: () => mark(at + 1),
      Home: () => mark(asks.length), Enter: choose,
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  })
  rows.addEventListener("focus", () => mark(at))
  rows.addEventListener("blur", () => order[at][2].row.classList.remove("chosen"))
  for (const [i, [, , level]] of order.entries())
    level.row.addEventListener("click", () => {
      mark(i)
      choose()
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
  walk(root, rows, model, { asks, bids })
  const seen = (side, levels) => levels.filter(({ texts }) => texts[0].data).map(({ texts, own }) =>
    [side, ...texts.map(({ data }) => data.replaceAll(",", "")), own.data])
  const best = (levels) => levels[0].texts[0].data || "none"
  new Keeper({
    title: () => `${model.symbol} order book`,
    head: () => ["side", "price", "size", "own"],
    rows: () => [...seen("ask", asks).reverse(), ...seen("bid", bids)],
    summary: () => `Order book of ${model.symbol}: best bid ${best(bids)}, best ask ${best(asks)}.`,
  }, root)

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
    const own = new Map(book.own.map(([side, i, told]) => [`${side} ${i}`, told]))
    for (const [side, levels] of [["bid", bids], ["ask", asks]])
      levels.forEach((one, i) => write(one.own, own.get(`${side} ${i}`) ?? ""))
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
