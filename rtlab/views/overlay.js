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
// signals repainted and removed; the view of a line has sx, sy, visuals and _paint (see columns.js); what is read
// once has names of its own (see lighter.js); a property that is marked internal is not told to Python (in a notebook
// Panel sends what setv(..., {sync: false}) changed all the same, and Python's echo runs the window backwards).

// Charts of one group on a page, whichever of its components they came with.
const groups = (globalThis.rtlab_groups ??= new Map())

const UNANSWERED = 3 // questions
const AGAIN_MS = 1000 // until it is said again that the chart is there, while Python is not heard of
const LATE_MS = 50 // that a new window waits for its columns
const PATIENCE_MS = 4000 // until the badge says that Python is silent

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

const both = (a, b) => ({ x: join(a.x, b.x), y: join(a.y, b.y) })

function ulp(value) {
  return 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 52)
}

function keep_here(model, ...names) {
  for (const name of names) model.properties[name].internal = true
}

const EMPTY = { x: new Float64Array(0), y: new Float64Array(0) }

// What a chart holds, and its talk with Python; how it is drawn is in marks.js, how it is moved in hand.js.
class Chart extends Hand {
  constructor(model, view) {
    super()
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
    this.levels = new Map() // what is written beside the axis, by value
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
    this.lighter = lighten(plot)
    this.colours = { ...this.model.colours } // each look at the model itself goes through several proxies
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
    this.layers = {
      below: new Sketch(marks), levels: new Sketch(marks), above: new Sketch(marks), cursor: new Sketch(cursor),
    }
    this.anchor = null
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
      const ticks = Math.max(3, Math.min(10, Math.floor(width / 100))) // labels must not touch; of one Bokeh tells the year
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
    const { surface, text, border, font } = this.colours
    const [ink, edge] = notice ? [this.colour("bad"), this.colour("bad")] : [text, border]
    this.notice.textContent = notice || hint
    this.notice.hidden = !(notice || hint)
    this.notice.className = notice ? "rtlab-notice" : "rtlab-hint"
    this.notice.style.cssText = `position:absolute;left:12px;bottom:40px;max-width:calc(100% - 110px);padding:4px 10px;` +
      `background:${surface};color:${ink};font:12px ${font};border:1px solid ${edge};border-radius:4px;pointer-events:none`
  }

  detach() {
    if (!this.plot) return
    this.plot.repainted.disconnect(this.on_repaint)
    this.plot.removed.disconnect(this.on_removed)
    this.lighter.end()
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
}
