// The depth heat map: columns of bytes in a ring of pixels, moved and stretched by the canvas itself.
//
// Theory of operation. `ring` is a canvas of one pixel a cell. Column number c lies at x = c modulo its width, so
// that a new column is one putImageData and nothing else moves. A repaint draws the ring in two pieces onto the
// dense canvas, then best prices and bubbles. The crosshair has a canvas of its own above it: the mouse repaints
// only that. The window (scale, end, base) belongs to the browser: it asks for one with `look`, and Python answers
// with the whole of it (`whole`), and from then on, while live, with what is new. An answer to an older question
// is dropped and counted. A column travels as the cells that differ from the column before it (heat_window.py).

const MOST_ROWS = 256
const BUBBLES = 150

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

export function render({ model, view }) {
  const heat = new Heat(model, view)
  model.on("msg:custom", (message) => heat.take(message))
  model.on("theme", () => heat.wear())
  model.on("remove", () => heat.leave())
  heat.root.rtlab_heat = heat
  return heat.root
}

class Heat extends Painting {
  constructor(model, view) {
    super()
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
    const counts = shown ? ` · ${counts_of(told, this.width >= ROOM_PX, feed)}` : ""
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
