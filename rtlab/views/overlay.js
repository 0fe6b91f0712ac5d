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
// signals repainted and removed; the view of a line has sx, sy, visuals and _paint (see columns.js); a property that is marked internal is not told to Python (in a notebook Panel
// sends what setv(..., {sync: false}) changed all the same, and Python's echo runs the window backwards).

// Charts of one group on a page, whichever of its components they came with.
const groups = (globalThis.rtlab_groups ??= new Map())

const NS = "http://www.w3.org/2000/svg"
const UNANSWERED = 3 // questions
const AGAIN_MS = 1000 // until it is said again that the chart is there, while Python is not heard of
const LATE_MS = 50 // that a new window waits for its columns
const PATIENCE_MS = 4000 // until the badge says that Python is silent
const NARROW_PX = 600 // of a plot whose lines are named below its badge
const SNAP_PX = 40 // how near a point must be to be read out
const DRAG_PX = 3
const GRIP_PX = 5 // how near a line must be to be dragged
const LAYERS = ["lines", "markers", "events", "ranges", "notes"]

const fresh_name = () => Math.random().toString(36).slice(2, 10)

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

// as they were sent: few as text in base64, many as an array that begins at any byte
function numbers(sent) {
  if (typeof sent !== "string") return new Float64Array(sent.buffer, sent.byteOffset, sent.length)
  return new Float64Array(Uint8Array.from(atob(sent), (character) => character.charCodeAt(0)).buffer)
}

const tenth = (px) => Math.round(px * 10) / 10
const both = (a, b) => ({ x: join(a.x, b.x), y: join(a.y, b.y) })

function element(parent, name, attributes = {}) {
  const made = document.createElementNS(NS, name)
  for (const key in attributes) made.setAttribute(key, attributes[key])
  parent.append(made)
  return made
}

// A group that is drawn again and again: what did not change since is left as it is, so that it costs the browser
// neither layout nor paint. Places are whole tenths of a pixel for that reason.
class Sketch {
  constructor(svg) {
    this.group = element(svg, "g")
    this.kept = []
    this.at = 0
  }

  draw(name, attributes, words = "") {
    const { kept, at } = this
    if (kept[at]?.name !== name) {
      const node = document.createElementNS(NS, name)
      if (kept[at]) kept[at].node.replaceWith(node)
      else this.group.append(node)
      kept[at] = { name, node, attributes: {}, words: "" }
    }
    this.at++
    const one = kept[at]
    for (const key in attributes) {
      const value = attributes[key], told = typeof value === "number" ? tenth(value) : value
      attributes[key] = told
      if (one.attributes[key] !== told) one.node.setAttribute(key, told)
    }
    for (const key in one.attributes) if (!(key in attributes)) one.node.removeAttribute(key)
    one.attributes = attributes
    if (one.words !== words) one.node.textContent = one.words = words
    return one.node
  }

  end() {
    for (const { node } of this.kept.splice(this.at)) node.remove()
    this.at = 0
  }
}

function ulp(value) {
  return 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 52)
}

function keep_here(model, ...names) {
  for (const name of names) model.properties[name].internal = true
}

const EMPTY = { x: new Float64Array(0), y: new Float64Array(0) }
const pencil = document.createElement("canvas").getContext("2d")

const rounded = Array.from({ length: 11 }, (_, digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }))
const fixed = (value, step) => rounded[Math.min(10, Math.max(0, Math.ceil(-Math.log10(step))))].format(value)

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
    this.answers = new Answers((drawing) => this.tell_painted(drawing))
    this.unanswered = 0
    this.wanting = false
    this.wanted = null // the window that was moved to, as long as it waits for its columns
    this.late = false // the newest question was not answered in time
    this.live = true
    this.kept = [] // of each line the closed columns
    this.drawn = []
    this.hidden = new Set() // lines, by number
    this.state = { held: 0 }
    this.marks = { lines: [], markers: [], events: [], ranges: [], notes: [], notice: "", hint: "" }
    this.veiled = new Set() // layers that are hidden
    this.news_at = 0
    this.feed = new Feed(() => view.root.el)
    this.pace = 300 // ms between news, as they usually come
    this.pointers = new Map()
    this.cursor = null
    this.widths = new Map() // of words, in pixels
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
      if (this.plot) this.wear_legend()
      if (this.plot) this.show_notice()
      this.redraw("marks")
    } else if (message.type === "columns" && message.mount === this.mount && this.plot) this.take(message)
  }

  take(message) {
    if (message.answer) this.answered()
    const left = message.view < this.least || (message.live && !this.live)
    const passed = message.whole ? message.view < this.shown : message.view !== this.shown
    if (left || passed) this.dropped++
    else this.show(message)
    this.answers.drawn(message.drawing)
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

  tell_painted(drawing) {
    if (this.plot) this.say({ type: "painted", drawing, dropped: this.dropped, shown: this.count() })
  }

  ask() {
    this.wanting = true
    this.schedule()
  }

  ask_now() {
    const width = Math.round(this.plot.frame.bbox.width), height = Math.round(this.plot.frame.bbox.height)
    const now = performance.now()
    if (now - this.asked_at > PATIENCE_MS) this.unanswered = 0
    if (width < 1 || this.unanswered >= UNANSWERED) return
    const { start, end } = this.window()
    this.wanting = false
    this.unanswered++
    this.asked++
    this.asked_at = now
    this.asked_width = width
    this.say({ type: "ask", view: this.asked, x0: start, x1: end, width, height, live: this.live, hidden: [...this.hidden] })
    clearTimeout(this.silence)
    this.silence = this.miss(PATIENCE_MS)
  }

  // --- the dense layer

  show(message) {
    const { view, live, whole, x0, x1, y0, y1, lines } = message
    const points = numbers(message.points)
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
    this.note_news(message.answer)
    const { x_range, y_range } = this.plot.model
    for (const [i, source] of this.sources.entries()) source.setv({ data: this.drawn[i] }, { check_eq: false })
    y_range.setv({ start: y0, end: y1 })
    if (live || this.wanted) x_range.setv({ start: x0, end: x1 })
    if (view === this.asked && !this.wanting) this.in_time()
  }

  // how often news come, to know when they should have
  note_news(answer) {
    const now = performance.now()
    if (!answer && this.news_at) this.pace += (Math.min(now - this.news_at, 10_000) - this.pace) / 8
    this.news_at = now
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
    const dense = renderers.filter((r) => r.name?.startsWith("dense"))
    this.sources = dense.map((r) => r.data_source)
    const lines = plot.children_views().filter(({ model }) => dense.includes(model) && model.glyph.type === "Line")
    paint_by_columns(plot, lines.map(({ glyph }) => glyph))
    keep_here(x_range, "start", "end")
    keep_here(y_range, "start", "end")
    for (const source of this.sources) keep_here(source, "data")
    for (const axis of below) keep_here(axis.ticker, "desired_num_ticks")
    const { overlays_el, events_el } = plot.canvas_view
    this.span = x_range.end - x_range.start
    // the cursor's on a surface of its own: the mouse does not paint the marks anew
    const look = "position:absolute;left:0;top:0;width:100%;height:100%;pointer-events:none"
    const [marks, cursor] = ["rtlab-overlay", "rtlab-cursor"].map((name) =>
      element(overlays_el, "svg", { "aria-hidden": "true", class: name, style: look }))
    cursor.style.willChange = "transform"
    this.svgs = [marks, cursor]
    this.layers = { marks: new Sketch(marks), cursor: new Sketch(cursor) }
    this.badge = document.createElement("button")
    this.badge.className = "rtlab-badge"
    events_el.append(this.badge)
    const state = this.badge.appendChild(document.createElement("b"))
    this.words = [state, this.badge].map((parent) => parent.appendChild(document.createTextNode("")))
    this.look = null
    this.badge_px = 180
    this.notice = document.createElement("div")
    this.notice.setAttribute("role", "status")
    events_el.append(this.notice)
    this.show_notice()
    this.show_legend(events_el)
    this.telling = setInterval(() => this.draw_badge(), TELL_MS)
    this.keeper = new Keeper(seen_of(this), events_el)
    this.wear()
    this.listen(events_el)
    this.on_repaint = () => {
      this.draw("marks", "cursor") // in the frame of the line that they belong to
      const { width } = plot.frame.bbox
      const ticks = Math.max(2, Math.min(10, Math.floor(width / 100))) // labels must not touch
      for (const axis of below) axis.ticker.desired_num_ticks = ticks
      if (Math.abs(width - this.asked_width) >= 2) {
        this.wear_legend()
        this.ask()
      }
    }
    this.on_removed = () => {
      this.detach()
      this.search()
    }
    plot.repainted.connect(this.on_repaint)
    plot.removed.connect(this.on_removed)
    this.hide_picture()
    if (this.model.group) this.peers().add(this)
    this.live = true
    this.least = this.asked + 1
    this.ask()
  }

  // what is wrong, else what there is to know
  show_notice() {
    const { notice, hint } = this.marks
    const { surface, text, border, font } = this.model.colours
    const [ink, edge] = notice ? [this.colour("bad"), this.colour("bad")] : [text, border]
    this.notice.textContent = notice || hint
    this.notice.hidden = !(notice || hint)
    this.notice.className = notice ? "rtlab-notice" : "rtlab-hint"
    this.notice.style.cssText = `position:absolute;left:12px;bottom:40px;max-width:calc(100% - 110px);padding:4px 10px;` +
      `background:${surface};color:${ink};font:12px ${font};border:1px solid ${edge};border-radius:4px;pointer-events:none`
  }

  // of several lines: which is which, and a press hides one
  show_legend(events_el) {
    const { names } = this.model
    this.keys = []
    this.legend = null
    this.legend = document.createElement("div")
    this.legend.className = "rtlab-legend"
    this.switches = LAYERS.map((layer) => {
      const button = document.createElement("button")
      button.append(layer)
      button.addEventListener("click", () => this.veil(layer))
      return button
    })
    for (const [i, name] of names.length > 1 ? names.entries() : []) {
      const key = document.createElement("button")
      const sample = key.appendChild(document.createElement("i"))
      sample.style.cssText = "display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle"
      key.append(name)
      key.addEventListener("click", () => this.toggle(i))
      this.legend.append(key)
      this.keys.push(key)
    }
    this.legend.append(...this.switches)
    events_el.append(this.legend)
  }

  // hide a layer, or show it again: the line below is not painted anew
  veil(layer) {
    this.veiled.delete(layer) || this.veiled.add(layer)
    this.wear_legend()
    this.redraw("marks")
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
    const { frame, bbox } = this.plot, narrow = bbox.width < NARROW_PX
    const left = frame.bbox.left + (title && !narrow ? pencil.measureText(title).width + 16 : 6)
    const free = narrow ? frame.bbox.right - left - 6 : bbox.width - left - this.badge_px - 52
    this.legend.style.cssText = `position:absolute;left:${left}px;top:${narrow ? 30 : 4}px;display:flex;gap:4px;overflow-x:auto;` +
      `max-width:${Math.max(0, free)}px;scrollbar-width:none;white-space:nowrap`
    const look = (hidden) => `padding:2px 8px;border:1px solid ${border};border-radius:10px;background:${surface};` +
      `color:${hidden ? muted : text};font:11px ${font};line-height:16px;cursor:pointer;` +
      `text-decoration:${hidden ? "line-through" : "none"}`
    for (const [i, button] of this.switches.entries()) {
      const layer = LAYERS[i], hidden = this.veiled.has(layer)
      button.style.cssText = look(hidden) + (this.marks[layer].length ? "" : ";display:none")
      button.setAttribute("aria-pressed", String(!hidden))
      button.title = `${hidden ? "Show" : "Hide"} the ${layer}`
    }
    for (const [i, key] of this.keys.entries()) {
      const hidden = this.hidden.has(i)
      key.setAttribute("aria-pressed", String(!hidden))
      key.title = hidden ? "Show this line" : "Hide this line"
      key.style.cssText = look(hidden)
      key.firstChild.style.background = hidden ? muted : this.hue(i)
    }
  }

  detach() {
    if (!this.plot) return
    this.plot.repainted.disconnect(this.on_repaint)
    this.plot.removed.disconnect(this.on_removed)
    this.listening.abort()
    this.in_time()
    clearInterval(this.telling)
    for (const svg of this.svgs) svg.remove()
    this.badge.remove()
    this.notice.remove()
    this.keeper.root.remove()
    this.legend?.remove()
    this.plot = null
  }

  leave() {
    this.detach()
    cancelAnimationFrame(this.searching)
    cancelAnimationFrame(this.frame)
    clearTimeout(this.greeting)
    clearTimeout(this.silence)
    this.answers.stop()
    this.feed.leave()
    this.peers().delete(this)
  }

  // the charts that share crosshair and window with this one, itself among them
  peers() {
    const { group } = this.model
    if (!group) return new Set()
    if (!groups.has(group)) groups.set(group, new Set())
    return groups.get(group)
  }

  others(act) {
    for (const other of this.peers()) if (other !== this && other.plot) act(other)
  }

  // a notebook may hold a picture of the plot for those who only read it: here is the plot itself
  hide_picture() {
    let place = this.view.root.el
    while (place && !place.classList?.contains("jp-OutputArea")) place = place.parentNode ?? place.host
    for (const picture of place?.querySelectorAll(".jp-RenderedImage, .jp-RenderedSVG") ?? [])
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

  move(start, end, linked = false) {
    if (!linked) this.others((other) => other.move(start, end, true))
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

  go_live(linked = false) {
    if (!linked) this.others((other) => other.go_live(true))
    this.live = true
    this.least = this.asked + 1
    if (this.plot) this.ask()
  }

  stay(linked = false) {
    if (!linked) this.others((other) => other.stay(true))
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
    events_el.tabIndex = 0
    events_el.setAttribute("role", "application")
    events_el.setAttribute("aria-roledescription", "chart")
    on("wheel", (event) => this.wheel(event))
    on("dblclick", (event) => this.edit_at(this.at(event)) || this.go_live())
    on("keydown", (event) => this.key(event))
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
    const { left, top } = this.svgs[0].getBoundingClientRect()
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
    if (event.target.closest?.("button,input")) return
    this.pressed = this.at(event)
    this.ruler = null
    if (event.altKey) return this.write_note({ ...this.values(this.pressed), text: "", name: fresh_name() })
    this.held = this.line_at(this.pressed)
    if (event.shiftKey) this.ruler = { from: this.values(this.pressed), to: this.values(this.pressed) }
    this.pointers.set(event.pointerId, this.at(event))
    this.plot.canvas_view.events_el.setPointerCapture(event.pointerId)
  }

  drag(event) {
    const now = this.at(event)
    const before = this.pointers.get(event.pointerId)
    if (!before) {
      this.plot.canvas_view.events_el.style.cursor = this.line_at(now) ? "ns-resize" : ""
      return this.point(now)
    }
    if (this.held) {
      this.held = { ...this.held, y: this.plot.frame.y_scale.invert(now.y) }
      return this.redraw("marks")
    }
    if (this.ruler) {
      this.ruler.to = this.values(now)
      return this.redraw("cursor")
    }
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
    if (this.held) {
      const { name, y } = this.held
      this.marks.lines = this.marks.lines.map((line) => (line.name === name ? { ...line, y } : line))
      this.held = null
      this.say({ type: "moved", name, y })
      return this.redraw("marks")
    }
    if (this.ruler) return
    if (!this.dragging) return this.point(this.at(event)) // a tap
    this.dragging = false
    if (this.window().end >= this.state.last) this.go_live()
  }

  point(cursor) {
    this.cursor = cursor
    this.redraw("cursor")
    const x = cursor ? this.plot.frame.x_scale.invert(cursor.x) : null
    this.others((other) => other.point_from_afar(x))
  }

  // where another chart of the group has its cursor
  point_from_afar(x) {
    this.cursor = x === null ? null : { x: this.plot.frame.x_scale.compute(x), y: null }
    this.redraw("cursor")
  }

  key(event) {
    if (event.target !== this.plot.canvas_view.events_el) return
    const { width, left } = this.plot.frame.bbox
    const far = width / (event.shiftKey ? 2 : 10)
    const middle = this.cursor?.x ?? left + width / 2
    const act = {
      ArrowLeft: () => this.pan(far), ArrowRight: () => this.pan(-far),
      ArrowUp: () => this.zoom(middle, 0.8), ArrowDown: () => this.zoom(middle, 1.25),
      "+": () => this.zoom(middle, 0.8), "-": () => this.zoom(middle, 1.25),
      " ": () => (this.live ? this.stay() : this.go_live()), Home: () => this.go_live(), End: () => this.go_live(),
      n: () => this.write_note({ ...this.values(this.cursor?.y ? this.cursor : this.center()), text: "", name: fresh_name() }),
      Escape: () => { this.ruler = null; this.go_live() },
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  center() {
    const { left, top, width, height } = this.plot.frame.bbox
    return { x: left + width / 2, y: top + height / 2 }
  }

  values({ x, y }) {
    const { x_scale, y_scale } = this.plot.frame
    return { x: x_scale.invert(x), y: y_scale.invert(y) }
  }

  // the line that can be dragged from here
  line_at({ y }) {
    if (this.veiled.has("lines")) return null
    const near = ({ name, y: at }) => name && Math.abs(this.plot.frame.y_scale.compute(at) - y) < GRIP_PX
    return this.marks.lines.find(near) ?? null
  }

  // --- notes

  edit_at({ x, y }) {
    if (this.veiled.has("notes")) return false
    const { x_scale, y_scale } = this.plot.frame
    const note = this.marks.notes.find((one) =>
      Math.abs(x_scale.compute(one.x) - x) < 60 && Math.abs(y_scale.compute(one.y) - 14 - y) < 14)
    if (note) this.write_note(note)
    return Boolean(note)
  }

  write_note({ name, x, y, text }) {
    this.pen?.remove()
    const { frame, canvas_view } = this.plot
    const { surface, text: ink, accent, font } = this.model.colours
    const pen = (this.pen = document.createElement("input"))
    pen.value = text
    pen.maxLength = 200
    pen.setAttribute("aria-label", "Note: Enter keeps it, Escape leaves it, empty takes it away")
    pen.style.cssText = `position:absolute;left:${Math.min(frame.x_scale.compute(x), frame.bbox.right - 190)}px;` +
      `top:${frame.y_scale.compute(y) - 26}px;width:180px;font:12px ${font};padding:3px 6px;background:${surface};` +
      `color:${ink};border:1px solid ${accent};border-radius:4px;pointer-events:auto`
    for (const kind of ["pointerdown", "pointermove", "pointerup", "dblclick", "wheel"])
      pen.addEventListener(kind, (event) => event.stopPropagation())
    const done = (keep) => {
      if (this.pen !== pen) return
      this.pen = null
      pen.remove()
      canvas_view.events_el.focus()
      if (keep) this.say({ type: "wrote", name, x, y, text: pen.value.trim() })
    }
    pen.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Enter") done(true)
      if (event.key === "Escape") done(false)
    })
    canvas_view.events_el.append(pen)
    setTimeout(() => {
      pen.focus() // not before the press that asked for it has moved the focus to the chart
      pen.addEventListener("blur", () => done(false))
    })
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
    for (const svg of this.svgs) svg.style.font = `11px ${font}`
    this.badge.style.cssText =
      `position:absolute;top:4px;right:40px;padding:2px 8px;border:1px solid ${border};border-radius:10px;` +
      `background:${surface};color:${text};font:11px ${font};line-height:16px;cursor:pointer;white-space:nowrap`
    this.show_notice()
    if (this.legend) this.wear_legend()
    this.keeper.wear()
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
    this.draw_badge()
    const level = (value, colour, dashed, label) => {
      const y = y_scale.compute(value)
      if (!(y >= top && y <= bottom)) return
      const dash = dashed ? { "stroke-dasharray": "4 3" } : {}
      layers.marks.draw("line", { x1: left, x2: right, y1: y, y2: y, stroke: colour, ...dash })
      this.tag(layers.marks, right, y, "right", this.level(value), colour)
      if (label) {
        const halo = { stroke: this.colour("surface"), "stroke-width": 3, "paint-order": "stroke" }
        layers.marks.draw("text", { x: left + 6, y: y - 4, fill: colour, ...halo }, label)
      }
    }
    const of = (layer) => (this.veiled.has(layer) ? [] : marks[layer])
    for (const range of of("ranges")) this.draw_range(range)
    for (const event of of("events")) this.draw_event(event)
    for (const line of of("lines")) {
      const y = this.held?.name && this.held.name === line.name ? this.held.y : line.y
      level(y, this.colour(line.colour), line.dashed, line.label)
    }
    for (const note of of("notes")) this.draw_note(note)
    if (this.live && state.held && !this.model.sparse) {
      for (const [i, y] of state.last_y.entries()) {
        if (y === null || this.hidden.has(i)) continue
        const fill = this.hue(i)
        if (state.streaming) level(y, fill, true, "")
        const at = { cx: x_scale.compute(state.last), cy: y_scale.compute(y) }
        layers.marks.draw("circle", { ...at, r: 3, fill, class: "newest" })
      }
    }
    for (const marker of of("markers")) {
      const x = x_scale.compute(marker.x), y = y_scale.compute(marker.y)
      if (x >= left && x <= right && y >= top && y <= bottom) this.draw_marker(marker, x, y)
    }
    layers.marks.end()
  }

  draw_note({ x: at, y: height, text }) {
    const { left, right, top, bottom } = this.plot.frame.bbox
    const { x_scale, y_scale } = this.plot.frame
    const x = x_scale.compute(at), y = y_scale.compute(height)
    if (!(x >= left && x <= right && y >= top && y <= bottom)) return
    const fill = this.colour("text")
    this.layers.marks.draw("circle", { cx: x, cy: y, r: 3, fill, class: "note" })
    this.tag(this.layers.marks, x, y - 14, x > right - 120 ? "left" : "beside", text, fill)
  }

  draw_range({ x0, x1, label, colour }) {
    const { left, right, top, bottom } = this.plot.frame.bbox
    const [from, to] = [x0, x1].map((x) => Math.max(left, Math.min(right, this.plot.frame.x_scale.compute(x))))
    if (!(to > from)) return
    const fill = this.colour(colour)
    const strip = { x: from, y: top, width: to - from, height: bottom - top, fill, "fill-opacity": 0.12, class: "range" }
    this.layers.marks.draw("rect", strip)
    const halo = { stroke: this.colour("surface"), "stroke-width": 3, "paint-order": "stroke" }
    if (label) this.layers.marks.draw("text", { x: from + 4, y: top + 14, fill, ...halo }, label)
  }

  draw_event({ x: at, label, colour }) {
    const { layers, plot } = this
    const { left, right, top, bottom } = plot.frame.bbox
    const x = plot.frame.x_scale.compute(at)
    if (!(x >= left && x <= right)) return
    const stroke = this.colour(colour)
    const from = label ? top + 8 : bottom - 8
    layers.marks.draw("line", { x1: x, x2: x, y1: from, y2: bottom, stroke, "stroke-opacity": 0.6, class: "event" })
    if (label) this.tag(layers.marks, x, bottom - 10, x > right - 90 ? "left" : "beside", label, stroke)
  }

  // with the decimals of the values, where these are known
  exact(value) {
    const { decimals } = this.model
    return decimals < 0 ? number(value) : rounded[Math.min(10, decimals)].format(value)
  }

  // as exact as fits beside the axis
  level(value) {
    const { start, end } = this.plot.model.y_range
    const exact = this.exact(value)
    return exact.length <= 9 ? exact : fixed(value, (end - start) / this.plot.frame.bbox.height)
  }

  draw_marker({ shape, colour }, x, y) {
    const look = { fill: this.colour(colour), stroke: this.colour("surface"), "stroke-width": 1 }
    const point = { up: `M${tenth(x)},${tenth(y + 2)}l5,8h-10z`, down: `M${tenth(x)},${tenth(y - 2)}l5,-8h-10z` }[shape]
    if (point) this.layers.marks.draw("path", { d: point, ...look })
    else this.layers.marks.draw("circle", { cx: x, cy: y, r: 4, ...look })
  }

  // what a screen reader says of the chart
  tell() {
    const { first, last, last_y, held } = this.state
    const title = this.plot.model.title?.text || this.model.names.join(", ")
    const x = (value) => (this.model.time_axis ? time(value, last - first) : number(value))
    const newest = (last_y ?? []).map((y, i) => (y === null ? "" : `${this.model.names[i]} ${this.exact(y)}`)).filter(Boolean)
    const words = held ? `${held.toLocaleString("en-US")} points from ${x(first)} to ${x(last)}, last ${newest.join(", ")}` : "no points yet"
    this.plot.canvas_view.events_el.setAttribute("aria-label", `Chart of ${title}: ${words}`)
  }

  // points that are drawn, of all lines
  count() {
    return this.drawn.reduce((sum, { x }) => sum + x.length, 0)
  }

  draw_badge() {
    const { held, streaming, merged: columns, overtaken } = this.state
    const quiet = performance.now() - this.news_at
    const told = {
      silent: this.silent, paused: !this.live, quiet, stale: quiet > Math.max(STALE_MS, 5 * this.pace),
      shown: this.count(), held, unit: "points", exact: this.model.sparse || (columns ? `≈ ${columns} columns` : "exact"),
      merged: overtaken ?? 0, of_merged: "repaints", dropped: this.dropped, of_dropped: "late answers",
    }
    const feed = this.feed.told
    const [sign, word, colour] = state_of(told, streaming ? feed : null)
    const points = held ? counts_of(told, this.plot.bbox.width >= ROOM_PX) : "no points yet"
    const is_moving = streaming || this.silent
    const [state, text] = this.words
    this.write(state, is_moving ? `${sign} ${word}` : "")
    this.write(text, is_moving ? ` · ${points}` : points)
    const hint = this.live
      ? "Wheel: zoom. Drag: move. Shift and drag: measure. Alt and click, or n: a note. Space: pause."
      : "Press, or double click the chart: newest point."
    const title = `${hint}\n${words_of(told, feed)}`
    if (this.badge.title !== title) this.badge.title = title
    const wide = this.width(state.data + text.data) + 18
    if (Math.abs(wide - this.badge_px) > 12) {
      this.badge_px = wide
      this.wear_legend()
    }
    if (this.look === colour + this.live) return
    this.look = colour + this.live
    state.parentNode.style.cssText = `color:${this.colour(colour)};font-weight:600`
    this.tell()
  }

  write(node, words) {
    if (node.data !== words) node.data = words
  }

  draw_cursor() {
    this.draw_crosshair()
    this.layers.cursor.end()
  }

  draw_crosshair() {
    const { layers, plot, cursor } = this
    const { left, right, top, bottom, width, height } = plot.frame.bbox
    if (this.ruler) this.draw_ruler()
    if (!cursor || cursor.x < left || cursor.x > right || cursor.y < top || cursor.y > bottom) {
      if (cursor?.y !== null) return
      if (!cursor || cursor.x < left || cursor.x > right) return
    }
    const { x_scale, y_scale } = plot.frame
    const { x_range, y_range } = plot.model
    const near = this.nearest(cursor)
    const x = near ? near.sx : cursor.x
    const muted = this.colour("muted")
    const look = { stroke: muted, "stroke-dasharray": "2 2", "shape-rendering": "crispEdges" }
    layers.cursor.draw("line", { x1: x, x2: x, y1: top, y2: bottom, ...look })
    const afar = cursor.y === null
    if (!afar) layers.cursor.draw("line", { x1: left, x2: right, y1: cursor.y, y2: cursor.y, ...look })
    const span = x_range.end - x_range.start
    const here = near ? near.x : x_scale.invert(x)
    const when = this.model.time_axis ? time(here, span) : fixed(here, span / width)
    this.tag(layers.cursor, x, bottom, "below", when, muted)
    if (!afar) {
      const y = y_scale.invert(cursor.y)
      this.tag(layers.cursor, right, cursor.y, "right", fixed(y, (y_range.end - y_range.start) / height), muted)
    }
    if (!near) return
    const ring = { r: 3.5, fill: this.hue(near.line), stroke: this.colour("surface"), "stroke-width": 1.5 }
    layers.cursor.draw("circle", { cx: near.sx, cy: near.sy, ...ring })
    const side = near.sx > (left + right) / 2 ? "left" : "beside"
    const name = this.drawn.length > 1 ? `${this.model.names[near.line]} ` : ""
    this.tag(layers.cursor, near.sx, Math.max(top + 12, near.sy - 14), side, name + this.exact(near.y), this.colour("text"))
  }

  draw_ruler() {
    const { from, to } = this.ruler
    const { x_scale, y_scale } = this.plot.frame
    const { width, height } = this.plot.frame.bbox
    const { x_range, y_range } = this.plot.model
    const [x1, x2] = [from, to].map(({ x }) => x_scale.compute(x)), [y1, y2] = [from, to].map(({ y }) => y_scale.compute(y))
    const accent = this.colour("accent")
    const box = { x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) }
    this.layers.cursor.draw("rect", { ...box, fill: accent, "fill-opacity": 0.12, stroke: accent, class: "ruler" })
    const dy = to.y - from.y, dx = to.x - from.x
    const across = this.model.time_axis
      ? `${fixed(dx / 1000, (x_range.end - x_range.start) / width / 1000)} s` : fixed(dx, (x_range.end - x_range.start) / width)
    const share = from.y ? ` (${((100 * dy) / Math.abs(from.y)).toFixed(2)} %)` : ""
    const words = `${dy < 0 ? "" : "+"}${fixed(dy, (y_range.end - y_range.start) / height)}${share} · ${across}`
    this.tag(this.layers.cursor, x2, Math.max(20, y2 - 14), x2 < x1 ? "left" : "beside", words, accent)
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
        const dx = Math.abs(sx - cursor.x), dy = cursor.y === null ? 0 : Math.abs(sy - cursor.y)
        around.push({ line, x: x[i], y: y[i], sx, sy, dx, dy })
      }
    }
    const least = Math.min(...around.map((p) => p.dx))
    if (!(least <= SNAP_PX)) return null
    return around.filter((p) => p.dx <= least + 1).reduce((a, b) => (b.dy < a.dy ? b : a))
  }

  // measured beside the page: what is measured in it is laid out first, all of it, each time
  width(words) {
    const kind = words.replace(/[0-9]/g, "0") // the digits of these fonts are equally wide
    if (this.widths.size > 1000) this.widths.clear()
    if (!this.widths.has(kind)) {
      pencil.font = `11px ${this.model.colours.font}`
      this.widths.set(kind, pencil.measureText(kind).width)
    }
    return this.widths.get(kind)
  }

  // a box with words: on the right axis, below the frame, or to one side of (x, y)
  tag(layer, x, y, side, words, fill) {
    const width = this.width(words) + 10, height = 18
    const whole = this.plot.bbox.width
    const left = { right: x + 1, below: Math.min(Math.max(0, x - width / 2), whole - width) }[side] ??
      (side === "left" ? x - width - 8 : x + 8)
    const middle = side === "below" ? y + 2 + height / 2 : y
    layer.draw("rect", { rx: 3, fill, x: left, y: middle - height / 2, width, height })
    layer.draw("text", { x: left + 5, y: middle, fill: this.colour("surface"), "dominant-baseline": "central" }, words)
  }
}
