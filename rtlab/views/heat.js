// The depth heat map: columns of bytes in a ring of pixels, moved and stretched by the canvas itself.
//
// Theory of operation. `ring` is a canvas of one pixel a cell. Column number c lies at x = c modulo its width, so
// that a new column is one putImageData and nothing else moves. A repaint draws the ring in two pieces onto the
// dense canvas, then best prices and bubbles. The crosshair has a canvas of its own above it: the mouse repaints
// only that. The window (scale, end, base) belongs to the browser: it asks for one with `look`, and Python answers
// with the whole of it (`whole`), and from then on, while live, with what is new. An answer to an older question
// is dropped and counted. A column travels as the cells that differ from the column before it (heat_window.py).

const RIGHT = 72, BELOW = 24 // px of the axes
const MOST_ROWS = 256
const BUBBLES = 150
const NO_BEST = -32768
const RAMPS = {
  dark: ["#131920", "#16324a", "#1d5a78", "#2f8f8f", "#86c489", "#f2e48b", "#fffbe6"],
  light: ["#ffffff", "#e4eef6", "#b5d2e6", "#6fa8cf", "#3476ab", "#174c82", "#08234c"],
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
const clamp = (value, low, high) => Math.max(low, Math.min(high, value))

function ramp(theme) {
  const stops = RAMPS[theme].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)))
  const table = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(at)), part = at - low
    const [r, g, b] = stops[low].map((value, k) => Math.round(value + (stops[low + 1][k] - value) * part))
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r
  }
  return table
}

export function render({ model, view }) {
  const heat = new Heat(model, view)
  model.on("msg:custom", (message) => heat.take(message))
  model.on("theme", () => heat.wear())
  model.on("remove", () => heat.leave())
  heat.root.rtlab_heat = heat
  return heat.root
}

class Heat {
  constructor(model, view) {
    this.model = model
    this.feed = new Feed(() => view.root.el)
    this.root = document.createElement("div")
    this.dense = this.root.appendChild(document.createElement("canvas"))
    this.over = this.root.appendChild(document.createElement("canvas"))
    this.over.className = "over"
    this.over.tabIndex = 0
    this.over.setAttribute("role", "img")
    this.make_bar()
    this.empty = this.add("div", "empty", `Waiting for the book of ${model.symbol} …`)
    this.ring = document.createElement("canvas")
    this.view = -1 // number of the newest question
    this.dropped = this.paints = this.merged = 0
    this.scale = 2
    this.factor = 1
    this.end = null // null: live
    this.base = null // null: around the market
    this.shown = null // what the ring holds: {first, last, base, scale, factor, rows, columns}
    this.bubbles = new Map()
    this.shift = { x: 0, y: 0 } // cells that a drag is ahead of the picture
    this.most = 1
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.root)
    this.listen()
    this.wear()
    this.asking = setInterval(() => this.shown || this.say_look(), 1000) // what is said early may be lost
    this.watching = setInterval(() => this.say_state(), 250)
    model.send_msg({ ready: true })
  }

  add(tag, kind, text = "", parent = this.root) {
    const made = parent.appendChild(document.createElement(tag))
    made.className = kind
    made.textContent = text
    return made
  }

  make_bar() {
    const bar = this.add("div", "bar")
    const button = (sign, name, act, kind = "") => {
      const made = this.add("button", kind, sign, bar)
      made.title = name
      made.setAttribute("aria-label", name)
      made.addEventListener("click", act)
      return made
    }
    this.hold = button("❚❚", "Pause (space)", () => this.toggle())
    button("−", "Show more time", () => this.zoom(1))
    button("+", "Show less time", () => this.zoom(-1))
    button("⇕−", "Show more prices", () => this.stretch(2), "extra")
    button("⇕+", "Show fewer prices", () => this.stretch(0.5), "extra")
    this.badge = this.add("button", "badge")
    this.badge.addEventListener("click", () => this.go_live())
    this.state = this.badge.appendChild(document.createElement("b"))
    this.counts = this.add("span", "extra", "", this.badge).appendChild(document.createTextNode(""))
    const { symbol } = this.model
    new Keeper({
      title: () => `${symbol} depth heat map`,
      head: () => ["time", "price", "size"],
      rows: () => this.seen(),
      summary: () => this.summary(),
      picture: () => this.picture(),
    }, this.root, bar)
  }

  leave() {
    this.feed.leave()
    this.observer.disconnect()
    clearInterval(this.asking)
    clearInterval(this.watching)
    cancelAnimationFrame(this.frame)
  }

  wear() {
    this.root.className = `rt heat ${this.model.theme}`
    this.table = ramp(this.model.theme)
    requestAnimationFrame(() => {
      const style = getComputedStyle(this.root)
      this.colours = Object.fromEntries(
        ["surface", "text", "muted", "border", "bid", "ask", "accent", "good", "warn", "bad"].map((name) =>
          [name, style.getPropertyValue(`--rt-${name}`).trim()]))
      this.font = `11px ${style.getPropertyValue("--rt-font")}`
      if (this.shown) this.colour_all()
      this.repaint()
    })
  }

  // --- the window

  resize() {
    const { clientWidth: width, clientHeight: height } = this.root
    if (width < 1 || height < 1) return
    this.width = Math.max(50, width - RIGHT)
    this.height = Math.max(50, height - BELOW)
    for (const canvas of [this.dense, this.over]) {
      const ratio = window.devicePixelRatio || 1
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0)
    }
    this.cell = Math.max(2, Math.ceil(this.height / MOST_ROWS), Math.round(this.width / 600)) // px
    this.tall = Math.max(3, Math.ceil(this.height / 200))
    this.columns = Math.ceil(this.width / this.cell)
    this.rows = Math.min(MOST_ROWS, Math.ceil(this.height / this.tall))
    this.ask()
    this.repaint()
  }

  ask() {
    if (!this.columns) return
    this.view++
    this.say_look()
    this.say_state()
  }

  say_look() {
    const { view, scale, columns, rows, factor, end, base } = this
    if (view >= 0) this.model.send_msg({ type: "look", view, scale, columns, rows, factor, end, base })
  }

  last() {
    return this.end === null ? (this.shown?.last ?? 0) + 1 : this.end
  }

  zoom(by) {
    const scale = clamp(this.scale + by, 0, 8)
    if (scale === this.scale) return
    const middle = this.last() - this.columns / 2
    if (this.end !== null) this.end = Math.round(middle * 2 ** (this.scale - scale) + this.columns / 2)
    this.scale = scale
    this.ask()
  }

  stretch(by) {
    const factor = clamp(this.factor * by, 1, 64)
    if (factor === this.factor) return
    const { shown } = this
    if (this.base !== null && shown) {
      const middle = shown.base + (shown.rows * shown.factor) / 2
      this.base = Math.round(middle - (this.rows * factor) / 2)
    }
    this.factor = factor
    this.ask()
  }

  pan(columns, rows) {
    if (!this.shown) return
    const [first, last] = this.shown.held
    if (columns) {
      this.end = clamp(Math.round(this.last() - columns), first + Math.ceil(this.columns / 10), last + 1)
      if (this.end > last && columns < 0) this.end = null
    }
    if (rows) this.base = (this.base ?? this.shown.base) + rows * this.factor
    this.ask()
  }

  toggle() {
    this.end === null && this.shown ? this.stay() : this.go_live()
  }

  stay() {
    this.end = this.shown.last + 1
    this.base = this.shown.base
    this.ask()
  }

  go_live() {
    this.end = this.base = null
    this.ask()
  }

  // --- what comes

  take(message) {
    this.arrived = performance.now()
    this.merged = message.m
    // of a window that was left
    if (message.whole ? message.view !== this.view : !this.shown || this.end !== null) return void this.dropped++
    if (message.whole) this.begin(message)
    this.write(message)
    for (const [column, row, lots, side] of message.t ?? []) {
      const key = `${column} ${row} ${side}`
      const bubble = this.bubbles.get(key)
      if (bubble) bubble.lots += lots
      else this.bubbles.set(key, { column, row, lots, side })
    }
    this.forget()
    this.empty.hidden = this.shown.last >= this.shown.held[0] && this.shown.held[1] >= 0
    this.repaint()
  }

  begin({ f, n, base, view, held, scale, factor, rows }) {
    this.shown = { first: f, last: f + n - 1, base, view, held, rows, columns: n, scale, factor }
    this.cells = new Uint8Array(n * rows)
    this.best = new Int16Array(2 * n).fill(NO_BEST)
    this.current = new Uint8Array(rows)
    this.bubbles.clear()
    this.shift = { x: 0, y: 0 }
    this.ring.width = n
    this.ring.height = rows
    this.pencil = this.ring.getContext("2d")
    this.most = this.scaled = 1
  }

  write({ f, n, d, p, whole }) {
    const { shown, current } = this
    const changes = bytes(d), best = new Int16Array(bytes(p).buffer)
    const counts = new Uint16Array(changes.slice(0, 2 * n).buffer)
    const total = counts.reduce((sum, count) => sum + count, 0)
    let at = 2 * n
    const places = []
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < counts[i]; k++, at++) {
        const value = changes[at + total]
        current[changes[at]] = value
        if (value > this.most) this.most = value
      }
      const place = (f + i) % shown.columns
      this.cells.set(current, place * shown.rows)
      this.best[2 * place] = best[2 * i]
      this.best[2 * place + 1] = best[2 * i + 1]
      places.push(place)
    }
    shown.last = f + n - 1
    shown.first = shown.last - shown.columns + 1
    shown.held[1] = Math.max(shown.held[1], shown.last)
    if (whole || this.most > this.scaled) this.colour_all()
    else for (const place of places) this.colour(place)
  }

  // bubbles that left the window
  forget() {
    for (const [key, { column }] of this.bubbles) {
      if (column >= this.shown.first) break
      this.bubbles.delete(key)
    }
  }

  colour(place) {
    const { rows } = this.shown
    const image = this.pencil.createImageData(1, rows)
    this.paint_cells(new Uint32Array(image.data.buffer), place * rows, rows, 1, 0)
    this.pencil.putImageData(image, place, 0)
  }

  colour_all() {
    const { rows, columns } = this.shown
    this.scaled = this.most
    const image = this.pencil.createImageData(columns, rows)
    const pixels = new Uint32Array(image.data.buffer)
    for (let place = 0; place < columns; place++) this.paint_cells(pixels, place * rows, rows, columns, place)
    this.pencil.putImageData(image, 0, 0)
  }

  // what is little is faint: half of the steps below the most are in the lower third of the colours
  paint_cells(pixels, start, rows, step, place) {
    const span = Math.max(24, this.scaled)
    for (let row = 0; row < rows; row++) {
      const value = this.cells[start + row]
      const part = value ? Math.max(0.06, (value / span) ** 1.8) : 0
      pixels[(rows - 1 - row) * step + place] = this.table[Math.min(255, Math.round(part * 255))]
    }
  }

  // --- painting

  repaint() {
    this.dirty = true
    this.schedule()
  }

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0
      if (!this.colours) return
      if (this.dirty) this.paint()
      this.dirty = false
      this.paint_over()
    })
  }

  // of a column (its left edge) and of a row (its lower edge)
  x(column) {
    return this.width + (column - this.shown.last - 1 + this.shift.x) * this.cell
  }

  y(row) {
    return this.height - ((row - this.shown.base) / this.shown.factor + this.shift.y) * this.tall
  }

  paint() {
    this.paints++
    const pen = this.dense.getContext("2d")
    const { width, height, shown, colours } = this
    pen.fillStyle = colours.surface
    pen.fillRect(0, 0, width + RIGHT, height + BELOW)
    if (!shown) return
    pen.save()
    pen.beginPath()
    pen.rect(0, 0, width, height)
    pen.clip()
    pen.imageSmoothingEnabled = false
    const { columns, rows } = shown
    const cut = (shown.last + 1) % columns // the oldest column lies here
    const top = height - (rows + this.shift.y) * this.tall
    const left = this.x(shown.first)
    const piece = (from, count, at) =>
      count && pen.drawImage(this.ring, from, 0, count, rows, at, top, count * this.cell, rows * this.tall)
    piece(cut, columns - cut, left)
    piece(0, cut, left + (columns - cut) * this.cell)
    this.paint_best(pen)
    this.paint_bubbles(pen)
    pen.restore()
    this.paint_axes(pen)
  }

  paint_best(pen) {
    const { shown, colours } = this
    for (const side of [0, 1]) {
      pen.strokeStyle = [colours.bid, colours.ask][side]
      pen.lineWidth = 1.5
      pen.beginPath()
      let down = false
      for (let column = shown.first; column <= shown.last; column++) {
        const row = this.best[2 * (column % shown.columns) + side]
        if (row === NO_BEST || column < shown.held[0]) { down = false; continue }
        const y = this.y(shown.base + (row + (side ? 0 : 1)) * shown.factor), x = this.x(column)
        down ? pen.lineTo(x, y) : pen.moveTo(x, y)
        pen.lineTo(x + this.cell, y)
        down = true
      }
      pen.stroke()
    }
  }

  paint_bubbles(pen) {
    const { shown, colours } = this
    // only the largest: what covers the picture tells nothing
    const largest = [...this.bubbles.values()].sort((a, b) => b.lots - a.lots).slice(0, BUBBLES)
    const most = largest[0]?.lots ?? 1
    for (const { column, row, lots, side } of largest) {
      const x = this.x(column + 0.5), y = this.y(row + shown.factor / 2)
      const radius = 1.5 + 8 * Math.sqrt(lots / most)
      pen.beginPath()
      pen.arc(x, y, radius, 0, 2 * Math.PI)
      // who bought is full, who sold is a ring
      pen.globalAlpha = 0.8
      pen.fillStyle = side ? colours.surface : colours.bid
      pen.fill()
      pen.globalAlpha = 1
      pen.lineWidth = side ? 2 : 1
      pen.strokeStyle = side ? colours.ask : colours.surface
      pen.stroke()
    }
  }

  price(row) {
    const { tick, decimals } = this.model
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
    return (row * tick).toLocaleString("en-US", digits)
  }

  time(column, precise) {
    const ms = column * this.model.interval_ms * 2 ** this.shown.scale
    return new Date(ms).toISOString().slice(11, precise ? 22 : 19)
  }

  paint_axes(pen) {
    const { width, height, shown, colours } = this
    pen.strokeStyle = colours.border
    pen.lineWidth = 1
    pen.strokeRect(-0.5, -0.5, width + 1, height + 1)
    pen.font = this.font
    pen.fillStyle = colours.muted
    pen.textBaseline = "middle"
    pen.textAlign = "left"
    const tags = this.tags()
    const step = nice((48 / this.tall) * shown.factor)
    const top = shown.base + (height / this.tall - this.shift.y) * shown.factor
    for (let row = Math.ceil((shown.base - this.shift.y * shown.factor) / step) * step; row < top; row += step) {
      const y = this.y(row + shown.factor / 2)
      const free = y > 8 && y < height - 6 && tags.every((tag) => Math.abs(tag.y - y) > 16)
      if (free) pen.fillText(this.price(row), width + 8, y)
    }
    pen.textAlign = "center"
    const every = Math.max(1, Math.round(110 / this.cell))
    for (let column = Math.ceil(shown.first / every) * every; column <= shown.last; column += every) {
      const x = this.x(column)
      if (column >= shown.held[0] && x > 30 && x < width - 30) pen.fillText(this.time(column), x, height + BELOW / 2)
    }
    for (const { y, at, fill } of tags) this.tag(pen, width + 2, y, this.price(at), fill)
  }

  // where the newest best prices are written
  tags() {
    const { shown, colours } = this
    const place = 2 * (shown.last % shown.columns)
    return [0, 1].filter((side) => this.best[place + side] !== NO_BEST).map((side) => {
      const at = shown.base + this.best[place + side] * shown.factor
      const y = clamp(this.y(at + shown.factor / 2) + (side ? -9 : 9), 9, this.height - 9)
      return { at, y, fill: [colours.bid, colours.ask][side] }
    })
  }

  tag(pen, x, y, words, fill) {
    pen.font = this.font
    const wide = pen.measureText(words).width + 10
    pen.fillStyle = fill
    pen.beginPath()
    pen.roundRect(x, y - 8.5, wide, 17, 3)
    pen.fill()
    pen.fillStyle = this.colours.surface
    pen.textAlign = "left"
    pen.textBaseline = "middle"
    pen.fillText(words, x + 5, y + 0.5)
    return wide
  }

  paint_over() {
    const pen = this.over.getContext("2d")
    const { width, height, cursor, colours, shown } = this
    pen.clearRect(0, 0, width + RIGHT, height + BELOW)
    if (!cursor || !shown || cursor.x > width || cursor.y > height) return
    pen.strokeStyle = colours.muted
    pen.setLineDash([2, 2])
    pen.beginPath()
    pen.moveTo(Math.round(cursor.x) + 0.5, 0)
    pen.lineTo(Math.round(cursor.x) + 0.5, height)
    pen.moveTo(0, Math.round(cursor.y) + 0.5)
    pen.lineTo(width, Math.round(cursor.y) + 0.5)
    pen.stroke()
    pen.setLineDash([])
    const { column, row, lots } = this.read(cursor)
    this.tag(pen, width + 2, cursor.y, this.price(row), colours.muted)
    const when = column < shown.held[0] ? "before the record" : this.time(column, true)
    this.tag(pen, clamp(cursor.x - 40, 0, width - 80), height + BELOW / 2, when, colours.muted)
    const size = lots ? `≈ ${Number((lots * this.model.lot).toPrecision(3)).toLocaleString("en-US")}` : "none"
    const wide = pen.measureText(size).width + 26
    this.tag(pen, cursor.x > width / 2 ? cursor.x - wide : cursor.x + 10, Math.max(10, cursor.y - 16), size, colours.text)
  }

  // of each cell in which something rests: when, at which price, how much
  seen() {
    if (!this.shown) return []
    const { first, last, rows, columns, base, factor, scale } = this.shown
    const { tick, lot, steps, interval_ms, decimals } = this.model
    const found = []
    for (let column = first; column <= last; column++)
      for (let up = 0; up < rows; up++) {
        const value = this.cells[(column % columns) * rows + up]
        if (!value) continue
        const when = new Date(column * interval_ms * 2 ** scale).toISOString()
        const price = Number(((base + up * factor) * tick).toFixed(decimals))
        found.push([when, price, Number(((2 ** (value / steps) - 1) * lot).toPrecision(3))])
      }
    return found
  }

  picture() {
    const both = document.createElement("canvas")
    Object.assign(both, { width: this.dense.width, height: this.dense.height })
    const pen = both.getContext("2d")
    for (const layer of [this.dense, this.over]) pen.drawImage(layer, 0, 0)
    return both
  }

  // the cell beneath the cursor: 8 steps an octave
  read({ x, y }) {
    const { shown } = this
    const column = Math.floor((x - this.width) / this.cell - this.shift.x) + shown.last + 1
    const up = Math.floor((this.height - y) / this.tall - this.shift.y)
    const inside = column >= shown.first && column <= shown.last && up >= 0 && up < shown.rows
    const value = inside ? this.cells[(column % shown.columns) * shown.rows + up] : 0
    return { column, row: shown.base + up * shown.factor, lots: 2 ** (value / this.model.steps) - 1 }
  }

  // --- what is told in words

  say_state() {
    const { shown } = this
    const quiet = performance.now() - (this.arrived ?? performance.now())
    const live = this.end === null
    const told = { waiting: !shown, paused: !live, quiet, stale: quiet > STALE_MS, ...this.told() }
    const feed = this.feed.told
    const [sign, word, colour] = state_of(told, feed)
    this.root.classList.toggle("frozen", colour === "bad")
    const state = `${sign} ${word}`
    const counts = shown ? ` · ${counts_of(told, this.width >= ROOM_PX)}` : ""
    if (this.state.textContent !== state) this.state.textContent = state
    if (this.counts.data !== counts) this.counts.data = counts
    this.state.style.color = `var(--rt-${colour})`
    this.badge.title = `Press, or double click the picture: the newest\n${words_of(told, feed)}`
    this.hold.textContent = live ? "❚❚" : "▶"
    this.hold.title = live ? "Pause (space)" : "Back to live (space)"
    this.hold.setAttribute("aria-label", this.hold.title)
    this.over.setAttribute("aria-label", this.summary())
  }

  // what is drawn of what is held
  told() {
    const { shown, scale, bubbles, dropped, merged } = this
    const held = shown && shown.held[1] >= 0 ? shown.held[1] - shown.held[0] + 1 : 0
    const exact = [scale ? `most of ${2 ** scale}` : "", shown?.factor > 1 ? `${shown.factor} prices a row` : "",
      bubbles.size > BUBBLES ? `largest ${BUBBLES} of ${bubbles.size} trades` : ""].filter(Boolean)
    const both = { of_merged: "updates", of_dropped: "late answers" }
    return {
      shown: Math.min(held, shown?.columns ?? 0), held, unit: "columns", exact: exact.join(", ") || "exact", merged, dropped, ...both,
    }
  }

  summary() {
    const { shown, model } = this
    if (!shown) return `Depth heat map of ${model.symbol}: waiting`
    const place = 2 * (shown.last % shown.columns)
    const [bid, ask] = [0, 1].map((side) => {
      const row = this.best[place + side]
      return row === NO_BEST ? "none" : this.price(shown.base + row * shown.factor)
    })
    return `Depth heat map of ${model.symbol}: best bid ${bid}, best ask ${ask}, ${this.bubbles.size} trades shown`
  }

  // --- hands

  listen() {
    const on = (name, hear) => this.over.addEventListener(name, hear, { passive: false })
    const at = ({ offsetX: x, offsetY: y }) => ({ x, y })
    on("wheel", (event) => {
      event.preventDefault()
      this.turned = (this.turned ?? 0) + event.deltaY + event.deltaX
      if (Math.abs(this.turned) < 60) return
      const way = Math.sign(this.turned)
      this.turned = 0
      event.shiftKey ? this.stretch(way > 0 ? 2 : 0.5) : this.zoom(way)
    })
    on("dblclick", () => this.go_live())
    on("pointerdown", (event) => {
      if (event.button || !this.shown) return
      this.over.setPointerCapture(event.pointerId)
      this.grip = at(event)
    })
    on("pointermove", (event) => {
      this.cursor = at(event)
      if (!this.grip) return this.schedule()
      this.shift = {
        x: Math.round((this.cursor.x - this.grip.x) / this.cell),
        y: Math.round((this.grip.y - this.cursor.y) / this.tall),
      }
      this.repaint()
    })
    const drop = () => {
      if (!this.grip) return
      this.grip = null
      const { x, y } = this.shift
      if (x || y) this.pan(x, -y)
    }
    on("pointerup", drop)
    on("pointercancel", drop)
    on("pointerleave", () => { this.cursor = null; this.schedule() })
    on("keydown", (event) => {
      const far = Math.round(this.columns / (event.shiftKey ? 2 : 10))
      const act = {
        ArrowLeft: () => this.pan(far, 0), ArrowRight: () => this.pan(-far, 0),
        ArrowUp: () => this.pan(0, 10), ArrowDown: () => this.pan(0, -10),
        "+": () => this.zoom(-1), "=": () => this.zoom(-1), "-": () => this.zoom(1),
        " ": () => this.toggle(), Home: () => this.go_live(), End: () => this.go_live(), Escape: () => this.go_live(),
      }[event.key]
      if (!act) return
      event.preventDefault()
      act()
    })
  }
}

// a step of 1, 2 or 5 times a power of ten
function nice(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least)
}
