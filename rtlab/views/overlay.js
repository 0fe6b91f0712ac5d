// The browser's half of a LayeredPlot: an SVG above the dense figure, and the hand that moves the window.
//
// Theory of operation. The window (the figure's x range) belongs to the browser. Wheel, drag and pinch move
// it and ask Python for the columns of the new window: at most once per animation frame, and never with more
// than three questions unanswered. The window and its columns are painted together, once: the old line under
// a new window would be a picture that is not true, and costs as much. Only when Python takes longer than
// LATE_MS is the new window shown at once with the line that is there, until the newest question is answered.
// An answer is drawn even when the window has moved on a little since (it is the newest there is), unless a
// newer one has been drawn, or the window has jumped since (to the newest point and back): such late answers
// are dropped and counted.
//
// The plot is *live* while the newest point is in the window. Then Python sends, unasked, what has come, and
// the window moves with it. Every drawing is answered once it is painted; a hidden tab paints nothing,
// answers nothing, gets nothing, and the whole window on its return.
//
// All that is known here of BokehJS's inside (3.9): views of a root are found by children_views(); a plot
// view has frame.bbox, frame.x_scale, frame.y_scale, canvas_view.overlays_el, canvas_view.events_el and the
// signals repainted and removed; a property that is marked internal is not told to Python (in a notebook Panel
// sends what setv(..., {sync: false}) changed all the same, and Python's echo runs the window backwards).

const NS = "http://www.w3.org/2000/svg"
const UNANSWERED = 3 // questions
const AGAIN_MS = 1000 // until it is said again that the chart is there, while Python is not heard of
const ANSWER_MS = 100 // between two answers that something is painted
const LATE_MS = 50 // that a new window waits for its columns
const PATIENCE_MS = 4000 // until the badge says that Python is silent
const SNAP_PX = 40 // how near a point must be to be read out
const DRAG_PX = 3

export function render({ model, view }) {
  const chart = new Chart(model, view)
  model.on("msg:custom", (message) => chart.hear(message))
  model.on("figure_id", () => chart.search())
  model.on("colours", () => chart.wear())
  model.on("remove", () => chart.leave())
  chart.hello()
  chart.search()
  return document.createElement("div")
}

function renderer() {
  const gl = document.createElement("canvas").getContext("webgl")
  if (!gl) return ""
  const names = gl.getExtension("WEBGL_debug_renderer_info")
  const name = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER)
  gl.getExtension("WEBGL_lose_context")?.loseContext() // a page may have sixteen
  return String(name ?? "")
}

function find(view, id) {
  if (view.model.id === id && view.canvas_view) return view
  for (const child of view.children_views()) {
    const found = find(child, id)
    if (found) return found
  }
  return null
}

// the first i with values[i] >= value
function search(values, value) {
  let low = 0, high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

function join(a, b) {
  const both = new Float64Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const both = (a, b) => ({ x: join(a.x, b.x), y: join(a.y, b.y) })

function element(parent, name, attributes = {}) {
  const made = document.createElementNS(NS, name)
  put(made, attributes)
  parent.append(made)
  return made
}

function put(node, attributes) {
  for (const name in attributes) node.setAttribute(name, attributes[name])
}

function ulp(value) {
  return 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 52)
}

function keep_here(model, ...names) {
  for (const name of names) model.properties[name].internal = true
}

const EMPTY = { x: new Float64Array(0), y: new Float64Array(0) }
const pencil = document.createElement("canvas").getContext("2d")

const number = (value) =>
  Number(value.toPrecision(12)).toLocaleString("en-US", { maximumFractionDigits: 10 })
const fixed = (value, step) => {
  const digits = Math.min(10, Math.max(0, Math.ceil(-Math.log10(step))))
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 })

function time(value, span) {
  const [day, clock] = new Date(value).toISOString().slice(0, -1).split("T")
  if (span > 2 * 86_400_000) return `${day} ${clock.slice(0, 5)}`
  return span > 600_000 ? clock.slice(0, 8) : clock
}

class Chart {
  constructor(model, view) {
    this.model = model
    this.view = view
    this.mount = Math.random().toString(36).slice(2)
    this.asked = -1 // number of the newest question
    this.shown = -1 // number of the question whose answer is drawn
    this.least = 0 // answers to questions before this one are of a window that was left
    this.dropped = 0
    this.taken = 0 // messages
    this.unanswered = 0
    this.wanting = false
    this.wanted = null // the window that was moved to, as long as it waits for its columns
    this.late = false // the newest question was not answered in time
    this.live = true
    this.kept = [] // of each line the closed columns
    this.drawn = []
    this.hidden = new Set() // lines, by number
    this.state = { held: 0 }
    this.marks = { lines: [], markers: [], events: [], notice: "" }
    this.pointers = new Map()
    this.cursor = null
  }

  // --- what is said and heard

  hello() {
    // a notebook opens the way to its kernel half a second after the output, and loses what is said before
    this.greeting = setTimeout(() => this.hello(), AGAIN_MS)
    this.say({ type: "hello", renderer: renderer(), width: this.view.root.el?.clientWidth ?? 0 })
    // in a notebook Panel would collect what is said for 50 ms
    for (const root of this.model.document?.roots() ?? [])
      if (root.type.endsWith("CommManager")) {
        keep_here(root, "debounce")
        root.debounce = 1
      }
  }

  say(message) {
    this.model.send_msg({ mount: this.mount, ...message })
  }

  hear(message) {
    this.is_there()
    if (message.type === "ping") {
      this.model.send_msg({ type: "alive" })
      this.every = message.every * 1000
    } else if (message.type === "follow") message.on ? this.go_live() : this.stay()
    else if (message.type === "marks") {
      this.marks = message
      if (this.notice) this.notice.textContent = message.notice
      if (this.notice) this.notice.hidden = !message.notice
      this.redraw("marks")
    } else if (message.type === "columns" && message.mount === this.mount && this.plot) this.take(message)
  }

  take(message) {
    if (message.answer) this.answered()
    const left = message.view < this.least || (message.live && !this.live)
    const passed = message.whole ? message.view < this.shown : message.view !== this.shown
    if (left || passed) this.dropped++
    else this.show(message)
    this.drawing = message.drawing
    this.taken++
    this.answer_painted()
  }

  answered() {
    this.unanswered = Math.max(0, this.unanswered - 1)
    if (this.wanting) this.schedule()
  }

  // Python is heard of: not silent, until it is for too long
  is_there() {
    if (this.silent) this.redraw("marks")
    this.silent = false
    clearTimeout(this.greeting)
    clearTimeout(this.silence)
    this.silence = this.every ? this.miss(4 * this.every) : 0
  }

  miss(after) {
    return setTimeout(() => {
      this.silent = true
      this.redraw("marks")
      if (this.plot) this.ask() // again, until there is an answer: a question or its answer may have been lost
    }, after)
  }

  // Python waits a thirtieth of a second between two drawings and has no clock: it draws what waits when an
  // answer comes. So there is always one that comes well after the newest drawing
  answer_painted() {
    if (this.painted) return
    const { taken } = this
    this.painted = setTimeout(() => {
      const { drawing } = this
      requestAnimationFrame(() => {
        this.painted = 0
        if (!this.plot) return
        this.say({ type: "painted", drawing, dropped: this.dropped, shown: this.count() })
        if (this.taken !== taken) this.answer_painted()
      })
    }, ANSWER_MS)
  }

  ask() {
    this.wanting = true
    this.schedule()
  }

  ask_now() {
    const width = Math.round(this.plot.frame.bbox.width)
    const now = performance.now()
    if (now - this.asked_at > PATIENCE_MS) this.unanswered = 0
    if (width < 1 || this.unanswered >= UNANSWERED) return
    const { start, end } = this.window()
    this.wanting = false
    this.unanswered++
    this.asked++
    this.asked_at = now
    this.asked_width = width
    this.say({ type: "ask", view: this.asked, x0: start, x1: end, width, live: this.live, hidden: [...this.hidden] })
    clearTimeout(this.silence)
    this.silence = this.miss(PATIENCE_MS)
  }

  // --- the dense layer

  show(message) {
    const { view, live, whole, x0, x1, y0, y1, lines } = message
    const points =
      message.points instanceof Float64Array
        ? new Float64Array(message.points.buffer, message.points.byteOffset, message.points.length)
        : Float64Array.from(message.points)
    let at = 0 // first all x, then all y
    const half = points.length / 2
    for (const [i, [closed, open]] of lines.entries()) {
      const part = (start, n) => ({
        x: points.subarray(start, start + n), y: points.subarray(half + start, half + start + n),
      })
      const kept = whole ? EMPTY : this.kept[i]
      // of the columns that left the window, the last point leads the line into it
      const cut = Math.max(0, search(kept.x, x0) - 1)
      this.kept[i] = both({ x: kept.x.subarray(cut), y: kept.y.subarray(cut) }, part(at, closed))
      this.drawn[i] = both(this.kept[i], part(at + closed, open))
      at += closed + open
    }
    this.shown = view
    this.state = message
    const { x_range, y_range } = this.plot.model
    for (const [i, source] of this.sources.entries()) source.setv({ data: this.drawn[i] }, { check_eq: false })
    y_range.setv({ start: y0, end: y1 })
    if (live || this.wanted) x_range.setv({ start: x0, end: x1 })
    if (view === this.asked && !this.wanting) this.in_time()
  }

  // --- finding the figure, and letting it go

  search() {
    cancelAnimationFrame(this.searching)
    const plot = this.model.figure_id ? find(this.view.root, this.model.figure_id) : null
    if (plot && plot === this.plot) return
    if (plot?.frame?.bbox.width > 0 && plot.canvas_view.overlays_el.isConnected) this.attach(plot)
    else if (this.model.figure_id) this.searching = requestAnimationFrame(() => this.search())
  }

  attach(plot) {
    this.detach()
    this.plot = plot
    const { x_range, y_range, renderers, below } = plot.model
    this.sources = renderers.filter((r) => r.name?.startsWith("dense")).map((r) => r.data_source)
    keep_here(x_range, "start", "end")
    keep_here(y_range, "start", "end")
    for (const source of this.sources) keep_here(source, "data")
    for (const axis of below) keep_here(axis.ticker, "desired_num_ticks")
    const { overlays_el, events_el } = plot.canvas_view
    this.span = x_range.end - x_range.start
    this.svg = element(overlays_el, "svg", { "aria-hidden": "true", class: "rtlab-overlay" })
    this.svg.style.cssText = "position:absolute;left:0;top:0;width:100%;height:100%;pointer-events:none"
    this.layers = { marks: element(this.svg, "g"), cursor: element(this.svg, "g") }
    this.badge = document.createElement("button")
    this.badge.className = "rtlab-badge"
    events_el.append(this.badge)
    const state = this.badge.appendChild(document.createElement("b"))
    this.words = [state, this.badge].map((parent) => parent.appendChild(document.createTextNode("")))
    this.look = null
    this.notice = document.createElement("div")
    this.notice.setAttribute("role", "status")
    this.notice.textContent = this.marks.notice
    this.notice.hidden = !this.marks.notice
    events_el.append(this.notice)
    this.show_legend(events_el)
    this.wear()
    this.listen(events_el)
    this.on_repaint = () => {
      this.draw("marks", "cursor") // in the frame of the line that they belong to
      const { width } = plot.frame.bbox
      const ticks = Math.max(2, Math.min(10, Math.floor(width / 100))) // labels must not touch
      for (const axis of below) axis.ticker.desired_num_ticks = ticks
      if (Math.abs(width - this.asked_width) >= 2) this.ask()
    }
    this.on_removed = () => {
      this.detach()
      this.search()
    }
    plot.repainted.connect(this.on_repaint)
    plot.removed.connect(this.on_removed)
    this.hide_picture()
    this.live = true
    this.least = this.asked + 1
    this.ask()
  }

  // of several lines: which is which, and a press hides one
  show_legend(events_el) {
    const { names } = this.model
    this.keys = []
    this.legend = null
    if (names.length < 2) return
    this.legend = document.createElement("div")
    this.legend.className = "rtlab-legend"
    for (const [i, name] of names.entries()) {
      const key = document.createElement("button")
      const sample = key.appendChild(document.createElement("i"))
      sample.style.cssText = "display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle"
      key.append(name)
      key.addEventListener("click", () => this.toggle(i))
      this.legend.append(key)
      this.keys.push(key)
    }
    events_el.append(this.legend)
  }

  toggle(i) {
    this.hidden.delete(i) || this.hidden.add(i)
    this.least = this.asked + 1
    this.wear()
    this.ask()
  }

  wear_legend() {
    const { surface, border, text, muted, font } = this.model.colours
    const title = this.plot.model.title?.text ?? ""
    pencil.font = `bold 13px ${font}`
    const left = this.plot.frame.bbox.left + (title ? pencil.measureText(title).width + 16 : 6)
    this.legend.style.cssText = `position:absolute;left:${left}px;top:4px;display:flex;gap:4px;overflow-x:auto;` +
      `max-width:calc(100% - ${left + 220}px);scrollbar-width:none;white-space:nowrap`
    for (const [i, key] of this.keys.entries()) {
      const hidden = this.hidden.has(i)
      key.setAttribute("aria-pressed", String(!hidden))
      key.title = hidden ? "Show this line" : "Hide this line"
      key.style.cssText = `padding:2px 8px;border:1px solid ${border};border-radius:10px;background:${surface};` +
        `color:${hidden ? muted : text};font:11px ${font};line-height:16px;cursor:pointer;` +
        `text-decoration:${hidden ? "line-through" : "none"}`
      key.firstChild.style.background = hidden ? muted : this.hue(i)
    }
  }

  detach() {
    if (!this.plot) return
    this.plot.repainted.disconnect(this.on_repaint)
    this.plot.removed.disconnect(this.on_removed)
    this.listening.abort()
    this.in_time()
    this.svg.remove()
    this.badge.remove()
    this.notice.remove()
    this.legend?.remove()
    this.plot = null
  }

  leave() {
    this.detach()
    cancelAnimationFrame(this.searching)
    cancelAnimationFrame(this.frame)
    clearTimeout(this.greeting)
    clearTimeout(this.silence)
    clearTimeout(this.painted)
  }

  // a notebook may hold a picture of the plot for those who only read it: here is the plot itself
  hide_picture() {
    let place = this.view.root.el
    while (place && !place.classList?.contains("jp-OutputArea")) place = place.parentNode ?? place.host
    for (const picture of place?.querySelectorAll(".jp-RenderedImage") ?? [])
      picture.closest(".jp-OutputArea-child").style.display = "none"
  }

  // --- moving the window

  // what is shown of x, or is about to be
  window() {
    return this.wanted ?? this.plot.model.x_range
  }

  in_time() {
    clearTimeout(this.waiting)
    this.waiting = 0
    this.wanted = null
    this.late = false
  }

  be_late() {
    const { wanted } = this
    this.in_time()
    this.late = true
    this.plot.model.x_range.setv(wanted)
  }

  move(start, end) {
    const { first, last } = this.state
    if (last !== undefined) {
      const span = end - start
      const shift = Math.max(first + 0.05 * span - end, 0) + Math.min(last - 0.05 * span - start, 0)
      start += shift
      end += shift
    }
    const live = !this.dragging && (last === undefined || end >= last)
    if (live !== this.live) this.least = this.asked + 1
    this.live = live
    if (this.late) this.plot.model.x_range.setv({ start, end })
    else {
      this.wanted = { start, end }
      this.waiting ||= setTimeout(() => this.be_late(), LATE_MS)
    }
    this.ask()
  }

  zoom(at, factor) {
    const { start, end } = this.window()
    const { first, last } = this.state
    const span = end - start
    const most = Math.max(this.span, 1.05 * (last - first) || 0)
    const { left, width } = this.plot.frame.bbox
    const least = 16 * width * ulp(Math.max(Math.abs(start), Math.abs(end)))
    const by = Math.min(most, Math.max(least, span * factor)) / span
    const x = start + ((at - left) / width) * span
    this.move(x - (x - start) * by, x + (end - x) * by)
  }

  pan(px) {
    const { start, end } = this.window()
    const by = (px * (end - start)) / this.plot.frame.bbox.width
    this.move(start - by, end - by)
  }

  go_live() {
    this.live = true
    this.least = this.asked + 1
    if (this.plot) this.ask()
  }

  stay() {
    this.live = false
    this.least = this.asked + 1
    if (this.plot) this.ask()
  }

  listen(events_el) {
    this.listening = new AbortController()
    const { signal } = this.listening
    const on = (name, hear, target = events_el) =>
      target.addEventListener(name, hear, { signal, passive: false })
    events_el.style.touchAction = "pan-y"
    on("wheel", (event) => this.wheel(event))
    on("dblclick", () => this.go_live())
    on("pointerdown", (event) => this.down(event))
    on("pointermove", (event) => this.drag(event))
    on("pointerup", (event) => this.up(event))
    on("pointercancel", (event) => this.up(event))
    on("pointerleave", (event) => event.pointerType === "touch" || this.point(null))
    for (const name of ["pointerdown", "pointermove", "dblclick"])
      for (const part of [this.badge, this.legend]) if (part) on(name, (event) => event.stopPropagation(), part)
    on("click", () => this.go_live(), this.badge)
  }

  at(event) {
    const { left, top } = this.svg.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }

  wheel(event) {
    event.preventDefault()
    const unit = [1, 16, 400][event.deltaMode]
    const dx = event.deltaX * unit, dy = event.deltaY * unit
    if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) this.pan(-(dx || dy))
    else {
      const turned = Math.max(-1500, Math.min(1500, dy)) // a browser may gather several turns in one event
      this.zoom(this.at(event).x, Math.exp(turned * (event.ctrlKey ? 0.01 : 0.002)))
    }
  }

  down(event) {
    if (event.button !== 0) return
    this.pointers.set(event.pointerId, this.at(event))
    this.pressed = this.at(event)
    this.plot.canvas_view.events_el.setPointerCapture(event.pointerId)
  }

  drag(event) {
    const now = this.at(event)
    const before = this.pointers.get(event.pointerId)
    if (!before) return this.point(now)
    if (!this.dragging && Math.abs(now.x - this.pressed.x) < DRAG_PX && this.pointers.size < 2) return
    this.dragging = true
    this.cursor = null
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p)
      const apart = Math.max(10, Math.abs(now.x - other.x))
      this.zoom((now.x + other.x) / 2, Math.max(10, Math.abs(before.x - other.x)) / apart)
      this.pan((now.x - before.x) / 2)
    } else this.pan(now.x - before.x)
    this.pointers.set(event.pointerId, now)
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return
    if (!this.dragging) return this.point(this.at(event)) // a tap
    this.dragging = false
    if (this.window().end >= this.state.last) this.go_live()
  }

  point(cursor) {
    this.cursor = cursor
    this.redraw("cursor")
  }

  // --- the layer above

  redraw(...layers) {
    this.dirty = new Set([...(this.dirty ?? []), ...layers])
    this.schedule()
  }

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0
      if (!this.plot) return
      if (this.wanting) this.ask_now()
      this.draw()
    })
  }

  draw(...layers) {
    const dirty = new Set([...(this.dirty ?? []), ...layers])
    this.dirty = null
    if (dirty.has("marks")) this.draw_marks()
    if (dirty.has("cursor")) this.draw_cursor()
  }

  wear() {
    if (!this.plot) return
    const { surface, border, text, font } = this.model.colours
    this.svg.style.font = `11px ${font}`
    this.badge.style.cssText =
      `position:absolute;top:4px;right:8px;padding:2px 8px;border:1px solid ${border};border-radius:10px;` +
      `background:${surface};color:${text};font:11px ${font};line-height:16px;cursor:pointer;white-space:nowrap`
    this.notice.style.cssText = `position:absolute;left:12px;bottom:40px;max-width:calc(100% - 110px);` +
      `padding:4px 10px;background:${surface};color:${this.colour("bad")};font:12px ${font};` +
      `border:1px solid ${this.colour("bad")};border-radius:4px;pointer-events:none`
    if (this.legend) this.wear_legend()
    this.redraw("marks", "cursor")
  }

  // of a line, by its number
  hue(i) {
    const { series } = this.model.colours
    return series[i % series.length]
  }

  colour(name) {
    return this.model.colours[name] ?? name
  }

  draw_marks() {
    const { layers, plot, marks, state } = this
    const { left, right, top, bottom } = plot.frame.bbox
    const { x_scale, y_scale } = plot.frame
    layers.marks.replaceChildren()
    this.draw_badge()
    const level = (value, colour, dashed, label) => {
      const y = y_scale.compute(value)
      if (!(y >= top && y <= bottom)) return
      const dash = dashed ? { "stroke-dasharray": "4 3" } : {}
      element(layers.marks, "line", { x1: left, x2: right, y1: y, y2: y, stroke: colour, ...dash })
      this.tag(layers.marks, right, y, "right", this.level(value), colour)
      if (label) {
        const halo = { stroke: this.colour("surface"), "stroke-width": 3, "paint-order": "stroke" }
        const words = element(layers.marks, "text", { x: left + 6, y: y - 4, fill: colour, ...halo })
        words.textContent = label
      }
    }
    for (const event of marks.events) this.draw_event(event)
    for (const line of marks.lines) level(line.y, this.colour(line.colour), line.dashed, line.label)
    if (this.live && state.held) {
      for (const [i, y] of state.last_y.entries()) {
        if (y === null || this.hidden.has(i)) continue
        const fill = this.hue(i)
        if (state.streaming) level(y, fill, true, "")
        const at = { cx: x_scale.compute(state.last), cy: y_scale.compute(y) }
        element(layers.marks, "circle", { ...at, r: 3, fill, class: "newest" })
      }
    }
    for (const marker of marks.markers) {
      const x = x_scale.compute(marker.x), y = y_scale.compute(marker.y)
      if (x >= left && x <= right && y >= top && y <= bottom) this.draw_marker(marker, x, y)
    }
  }

  draw_event({ x: at, label, colour }) {
    const { layers, plot } = this
    const { left, right, top, bottom } = plot.frame.bbox
    const x = plot.frame.x_scale.compute(at)
    if (!(x >= left && x <= right)) return
    const stroke = this.colour(colour)
    const from = label ? top + 8 : bottom - 8
    element(layers.marks, "line", { x1: x, x2: x, y1: from, y2: bottom, stroke, "stroke-opacity": 0.6, class: "event" })
    if (label) this.tag(layers.marks, x, bottom - 10, x > right - 90 ? "left" : "beside", label, stroke)
  }

  // as exact as fits beside the axis
  level(value) {
    const { start, end } = this.plot.model.y_range
    const exact = number(value)
    return exact.length <= 9 ? exact : fixed(value, (end - start) / this.plot.frame.bbox.height)
  }

  draw_marker({ shape, colour, label }, x, y) {
    const look = { fill: this.colour(colour), stroke: this.colour("surface"), "stroke-width": 1 }
    const point = { up: `M${x},${y + 2}l5,8h-10z`, down: `M${x},${y - 2}l5,-8h-10z` }[shape]
    const drawn = point
      ? element(this.layers.marks, "path", { d: point, ...look })
      : element(this.layers.marks, "circle", { cx: x, cy: y, r: 4, ...look })
    if (label) element(drawn, "title").textContent = label
  }

  // points that are drawn, of all lines
  count() {
    return this.drawn.reduce((sum, { x }) => sum + x.length, 0)
  }

  draw_badge() {
    const { held, streaming } = this.state
    const shown = this.count().toLocaleString("en-US")
    const points = held ? `${shown} of ${compact.format(held)} points` : "no points yet"
    const [sign, word, colour] = this.silent
      ? ["○", "no answer", "bad"]
      : this.live
        ? ["●", "live", "good"]
        : ["❚❚", "paused", "warn"]
    const told = streaming || this.silent ? `${sign} ${word}` : ""
    const [state, text] = this.words
    const rest = told ? ` · ${points}` : points
    if (state.data !== told) state.data = told
    if (text.data !== rest) text.data = rest
    const look = `color:${this.colour(colour)};font-weight:600`
    if (this.look === look + this.live) return
    this.look = look + this.live
    state.parentNode.style.cssText = look
    this.badge.title = this.live ? "Wheel: zoom. Drag: move." : "Press, or double click the chart: newest point"
  }

  draw_cursor() {
    const { layers, plot, cursor } = this
    const { left, right, top, bottom, width, height } = plot.frame.bbox
    layers.cursor.replaceChildren()
    if (!cursor || cursor.x < left || cursor.x > right || cursor.y < top || cursor.y > bottom) return
    const { x_scale, y_scale } = plot.frame
    const { x_range, y_range } = plot.model
    const near = this.nearest(cursor)
    const x = near ? near.sx : cursor.x
    const muted = this.colour("muted")
    const look = { stroke: muted, "stroke-dasharray": "2 2", "shape-rendering": "crispEdges" }
    element(layers.cursor, "line", { x1: x, x2: x, y1: top, y2: bottom, ...look })
    element(layers.cursor, "line", { x1: left, x2: right, y1: cursor.y, y2: cursor.y, ...look })
    const span = x_range.end - x_range.start
    const here = near ? near.x : x_scale.invert(x)
    const when = this.model.time_axis ? time(here, span) : fixed(here, span / width)
    this.tag(layers.cursor, x, bottom, "below", when, muted)
    const y = y_scale.invert(cursor.y)
    this.tag(layers.cursor, right, cursor.y, "right", fixed(y, (y_range.end - y_range.start) / height), muted)
    if (!near) return
    const ring = { r: 3.5, fill: this.hue(near.line), stroke: this.colour("surface"), "stroke-width": 1.5 }
    element(layers.cursor, "circle", { cx: near.sx, cy: near.sy, ...ring })
    const side = near.sx > (left + right) / 2 ? "left" : "beside"
    const name = this.drawn.length > 1 ? `${this.model.names[near.line]} ` : ""
    this.tag(layers.cursor, near.sx, Math.max(top + 12, near.sy - 14), side, name + number(near.y), this.colour("text"))
  }

  // of the points nearest in x to within a pixel, the one nearest in y
  nearest(cursor) {
    const { x_scale, y_scale } = this.plot.frame
    const around = []
    for (const [line, { x, y }] of this.drawn.entries()) {
      const found = search(x, x_scale.invert(cursor.x))
      for (let i = Math.max(0, found - 8); i < Math.min(x.length, found + 8); i++) {
        if (Number.isNaN(y[i])) continue
        const sx = x_scale.compute(x[i]), sy = y_scale.compute(y[i])
        const dx = Math.abs(sx - cursor.x), dy = Math.abs(sy - cursor.y)
        around.push({ line, x: x[i], y: y[i], sx, sy, dx, dy })
      }
    }
    const least = Math.min(...around.map((p) => p.dx))
    if (!(least <= SNAP_PX)) return null
    return around.filter((p) => p.dx <= least + 1).reduce((a, b) => (b.dy < a.dy ? b : a))
  }

  // measured beside the page: what is measured in it is laid out first, all of it, each time
  width(words) {
    pencil.font = `11px ${this.model.colours.font}`
    return pencil.measureText(words).width
  }

  // a box with words: on the right axis, below the frame, or to one side of (x, y)
  tag(layer, x, y, side, words, fill) {
    const box = element(layer, "rect", { rx: 3, fill })
    const text = element(layer, "text", { fill: this.colour("surface"), "dominant-baseline": "central" })
    text.textContent = words
    const width = this.width(words) + 10, height = 18
    const whole = this.plot.bbox.width
    const left = { right: x + 1, below: Math.min(Math.max(0, x - width / 2), whole - width) }[side] ??
      (side === "left" ? x - width - 8 : x + 8)
    const middle = side === "below" ? y + 2 + height / 2 : y
    put(box, { x: left, y: middle - height / 2, width, height })
    put(text, { x: left + 5, y: middle })
  }
}
