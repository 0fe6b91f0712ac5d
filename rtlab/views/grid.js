// A grid of cards. Python tells what changed; order, filter, age and the small lines are the browser's.
const CHECK_MS = 250
const YOUNG = 12 // points
const LEAST = { width: 216, height: 98 } // of a card and the gap beside it, in px
const SHAPE = 1.8 // of a card: its width by its height
const HOLE = 2.25 // what an empty place costs, as a share of all places
const ORDERS = {
  "as they came": () => 0,
  "by name": (a, b) => a.key.localeCompare(b.key),
  "most risen": (a, b) => b.share - a.share,
  "most fallen": (a, b) => a.share - b.share,
}

// in how many columns so many cards lie best in such a room: near to their shape, with few places left empty
export function columns_of(cards, width, height) {
  const most = Math.max(1, Math.min(cards, Math.floor(width / LEAST.width)))
  const cost = (columns) => {
    const rows = Math.ceil(cards / columns), shape = width / columns / Math.max(LEAST.height, height / rows)
    return Math.abs(Math.log(shape / SHAPE)) + HOLE * (1 - cards / (rows * columns))
  }
  return Array.from({ length: most }, (_, i) => i + 1).reduce((a, b) => (cost(b) < cost(a) ? b : a), 1)
}

export function render({ model }) {
  const root = document.createElement("div")
  const add = (parent, tag, kind, text = "") => {
    const made = parent.appendChild(document.createElement(tag))
    made.className = kind
    made.textContent = text
    return made
  }
  const tools = add(root, "div", "tools")
  const filter = add(tools, "input", "")
  filter.type = "search"
  filter.placeholder = "Filter"
  filter.setAttribute("aria-label", "Filter by name")
  const order = add(tools, "select", "")
  order.setAttribute("aria-label", "Order")
  for (const name of Object.keys(ORDERS)) order.append(new Option(name))
  const count = add(tools, "span", "count")
  const list = add(root, "ul", "list")
  new Keeper({
    title: () => "numbers",
    head: () => ["name", "value", "change"],
    rows: () => [...list.children].filter((one) => !one.hidden).map((one) => {
      const { key, texts, share } = [...cards.values()].find(({ element }) => element === one)
      return [key, texts[2].data, share]
    }),
    summary: () => `${count.textContent} numbers.`,
  }, root, tools)
  const empty = add(root, "div", "empty", "Waiting for numbers …")
  const cards = new Map()
  let colours = null

  const make = (key) => {
    const element = add(list, "li", "card")
    element.tabIndex = 0
    const texts = ["name", "change", "value"].map((kind) => add(element, "span", kind).appendChild(document.createTextNode("")))
    const canvas = add(element, "canvas", "")
    const card = { key, element, texts, canvas, line: [], share: 0, dirty: true, state: "" }
    texts[0].data = element.title = key
    cards.set(key, card)
    empty.hidden = true
    return card
  }

  const wear = () => {
    root.className = `rt cards ${model.theme}`
    requestAnimationFrame(() => {
      const style = getComputedStyle(root)
      colours = { up: style.getPropertyValue("--rt-bid"), down: style.getPropertyValue("--rt-ask"), "": style.getPropertyValue("--rt-accent") }
      for (const card of cards.values()) card.dirty = true
      schedule()
    })
  }

  const draw = ({ canvas, line, share }) => {
    const { clientWidth: width, clientHeight: height } = canvas
    if (!width || !height) return
    const ratio = devicePixelRatio || 1
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
    const pen = canvas.getContext("2d")
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, width, height)
    const low = Math.min(...line), high = Math.max(...line)
    // a young line has the width for itself: a few points at its edge would be a needle
    const steps = Math.max(line.length, Math.min(model.keep, YOUNG)) - 1
    const x = (i) => width - 2 - (line.length - 1 - i) * ((width - 4) / Math.max(1, steps))
    const y = (value) => (high > low ? height - 3 - ((value - low) / (high - low)) * (height - 6) : height / 2)
    pen.strokeStyle = colours[share > 0 ? "up" : share < 0 ? "down" : ""]
    pen.lineWidth = 1.5
    pen.lineJoin = "round"
    pen.beginPath()
    line.forEach((value, i) => (i ? pen.lineTo(x(i), y(value)) : pen.moveTo(x(i), y(value))))
    pen.stroke()
    pen.fillStyle = pen.strokeStyle
    pen.beginPath()
    pen.arc(x(line.length - 1), y(line.at(-1)), 2, 0, 7)
    pen.fill()
  }

  let frame = 0
  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0
      if (!colours) return
      for (const card of cards.values()) if (card.dirty && !card.element.hidden) { card.dirty = false; draw(card) }
    })
  }

  const lay_out = (shown) => {
    const columns = columns_of(shown, list.clientWidth, list.clientHeight)
    const wanted = `repeat(${columns}, minmax(0, 1fr))`
    if (list.style.gridTemplateColumns !== wanted) list.style.gridTemplateColumns = wanted
  }

  const arrange = () => {
    const wanted = filter.value.trim().toLowerCase()
    let shown = 0
    for (const card of cards.values()) {
      const is_in = card.key.toLowerCase().includes(wanted)
      if (card.element.hidden === is_in) card.dirty = true
      card.element.hidden = !is_in
      shown += is_in
    }
    const now = [...list.children], next = [...cards.values()].sort(ORDERS[order.value]).map((card) => card.element)
    if (next.some((element, i) => element !== now[i])) {
      const kept = document.activeElement
      list.append(...next)
      kept?.focus?.()
    }
    const words = `${shown.toLocaleString("en")} of ${cards.size.toLocaleString("en")}`
    if (count.textContent !== words) count.textContent = words
    lay_out(shown)
    schedule()
  }

  const put = (node, text) => { if (node.data !== text) node.data = text }
  const check = () => {
    const now = performance.now()
    for (const card of cards.values()) {
      const age = now - card.said
      const stale = age > model.stale_ms
      const way = card.share > 0 ? "up" : card.share < 0 ? "down" : ""
      const state = `card ${way} ${stale ? "stale" : ""}`
      if (card.state !== state) card.element.className = card.state = state
      const sign = { up: "▲", down: "▼", "": "" }[way]
      const percent = 100 * Math.abs(card.share)
      const words = way && percent < 0.005 ? "< 0.01" : percent.toFixed(2) // an arrow beside 0.00 would be a riddle
      put(card.texts[1], stale ? `frozen ${Math.round(age / 1000)} s` : `${sign} ${words} %`)
    }
  }

  const take = ({ cards: news }) => {
    const now = performance.now(), before = cards.size
    for (const [key, value, share, age, line, whole] of news) {
      const card = cards.get(key) ?? make(key)
      card.said = now - age
      card.share = share
      card.line = whole ? line : [...card.line.slice(0, -1), ...line]
      card.dirty = true
      put(card.texts[2], value)
    }
    check()
    if (cards.size !== before || order.selectedIndex > 1) arrange()
    schedule()
  }

  filter.addEventListener("input", arrange)
  order.addEventListener("change", arrange)
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: "nextElementSibling", ArrowDown: "nextElementSibling", ArrowLeft: "previousElementSibling", ArrowUp: "previousElementSibling" }[event.key]
    if (!step) return
    event.preventDefault()
    let next = event.target[step]
    while (next?.hidden) next = next[step]
    next?.focus()
  })
  const observer = new ResizeObserver(() => {
    for (const card of cards.values()) card.dirty = true
    lay_out([...cards.values()].filter(({ element }) => !element.hidden).length)
    schedule()
  })
  observer.observe(root)
  const timer = setInterval(check, CHECK_MS)
  model.on("msg:custom", take)
  model.on("theme", wear)
  model.on("remove", () => { clearInterval(timer); observer.disconnect(); cancelAnimationFrame(frame) })
  wear()
  model.send_msg({ ready: true })
  return root
}
