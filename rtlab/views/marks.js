// What is drawn above the dense figure: lines, markers, notes, the legend, the crosshair and the ruler.

const SNAP_PX = 40 // how near a point must be to be read out
const NARROW_PX = 600 // of a plot whose lines are named below its badge
const FAR_PX = 10_000 // that groups of marks move until they are drawn anew
const MOST_LEVELS = 1000 // whose words are kept
const LAYERS = ["lines", "markers", "events", "ranges", "notes"]

class Marks {
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
    this.lighter.forget()
    this.colours = { ...this.model.colours }
    const { surface, border, text, font } = this.colours
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
    const { series } = this.colours
    return series[i % series.length]
  }

  colour(name) {
    return this.colours[name] ?? name
  }

  draw_marks() {
    const { layers, plot, marks, state } = this
    const { left, right, top, bottom } = plot.frame.bbox
    const { x_scale, y_scale } = plot.frame
    this.draw_badge()
    this.carry()
    const level = (value, colour, dashed, label) => {
      const y = y_scale.compute(value)
      if (!(y >= top && y <= bottom)) return
      const dash = dashed ? { "stroke-dasharray": "4 3" } : {}
      layers.levels.draw("line", { x1: left, x2: right, y1: y, y2: y, stroke: colour, ...dash })
      this.tag(layers.levels, right, y, "right", this.level(value), colour)
      if (label) {
        const halo = { stroke: this.colour("surface"), "stroke-width": 3, "paint-order": "stroke" }
        layers.levels.draw("text", { x: left + 6, y: y - 4, fill: colour, ...halo }, label)
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
        const at = { cx: x_scale.compute(state.last) - layers.above.by, cy: y_scale.compute(y) }
        layers.above.draw("circle", { ...at, r: 3, fill, class: "newest" })
      }
    }
    for (const marker of of("markers")) {
      const x = x_scale.compute(marker.x), y = y_scale.compute(marker.y)
      if (x >= left && x <= right && y >= top && y <= bottom) this.draw_marker(marker, x - layers.above.by, y)
    }
    for (const layer of [layers.below, layers.levels, layers.above]) layer.end()
  }

  // What stands at an x is drawn in groups that move with the window as long as that is equally wide: then each mark
  // stays where it is in its group, and the browser has one place to change instead of hundreds.
  carry() {
    const { x_range } = this.plot.model, { left, width } = this.plot.frame.bbox
    const px = width / (x_range.end - x_range.start)
    const moved = () => this.plot.frame.x_scale.compute(this.anchor.x) - left
    const same = this.anchor && Math.abs(px / this.anchor.px - 1) < 1e-9 && Math.abs(moved()) < FAR_PX
    if (!same) this.anchor = { x: x_range.start, px }
    for (const layer of [this.layers.below, this.layers.above]) layer.move(moved())
  }

  draw_note({ x: at, y: height, text }) {
    const { left, right, top, bottom } = this.plot.frame.bbox
    const { x_scale, y_scale } = this.plot.frame
    const x = x_scale.compute(at), y = y_scale.compute(height)
    if (!(x >= left && x <= right && y >= top && y <= bottom)) return
    const fill = this.colour("text")
    const { above } = this.layers
    above.draw("circle", { cx: x - above.by, cy: y, r: 3, fill, class: "note" })
    this.tag(above, x - above.by, y - 14, x > right - 120 ? "left" : "beside", text, fill)
  }

  draw_range({ x0, x1, label, colour }) {
    const { left, right, top, bottom } = this.plot.frame.bbox
    const [from, to] = [x0, x1].map((x) => Math.max(left, Math.min(right, this.plot.frame.x_scale.compute(x))))
    if (!(to > from)) return
    const fill = this.colour(colour)
    const { below } = this.layers
    const strip = { x: from - below.by, y: top, width: to - from, height: bottom - top, fill, "fill-opacity": 0.12, class: "range" }
    below.draw("rect", strip)
    const halo = { stroke: this.colour("surface"), "stroke-width": 3, "paint-order": "stroke" }
    if (label) below.draw("text", { x: from + 4 - below.by, y: top + 14, fill, ...halo }, label)
  }

  draw_event({ x: at, label, colour }) {
    const { below } = this.layers
    const { left, right, top, bottom } = this.plot.frame.bbox
    const x = this.plot.frame.x_scale.compute(at)
    if (!(x >= left && x <= right)) return
    const stroke = this.colour(colour)
    const from = label ? top + 8 : bottom - 8
    const place = x - below.by
    below.draw("line", { x1: place, x2: place, y1: from, y2: bottom, stroke, "stroke-opacity": 0.6, class: "event" })
    if (label) this.tag(below, place, bottom - 10, x > right - 90 ? "left" : "beside", label, stroke)
  }

  // with the decimals of the values, where these are known
  exact(value) {
    const { decimals } = this.model
    return decimals < 0 ? number(value) : rounded[Math.min(10, decimals)].format(value)
  }

  // as exact as fits beside the axis; to write a number costs more than to draw it, and most lines stay as they are
  level(value) {
    const { start, end } = this.plot.model.y_range
    const step = (end - start) / this.plot.frame.bbox.height, digits = Math.ceil(-Math.log10(step))
    const known = this.levels.get(value)
    if (known?.digits === digits) return known.words
    if (this.levels.size >= MOST_LEVELS) this.levels.clear()
    const exact = this.exact(value), words = exact.length <= 9 ? exact : fixed(value, step)
    this.levels.set(value, { digits, words })
    return words
  }

  draw_marker({ shape, colour }, x, y) {
    const look = { fill: this.colour(colour), stroke: this.colour("surface"), "stroke-width": 1 }
    const point = { up: `M${tenth(x)},${tenth(y + 2)}l5,8h-10z`, down: `M${tenth(x)},${tenth(y - 2)}l5,-8h-10z` }[shape]
    if (point) this.layers.above.draw("path", { d: point, ...look })
    else this.layers.above.draw("circle", { cx: x, cy: y, r: 4, ...look })
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
    const points = held ? counts_of(told, this.plot.bbox.width >= ROOM_PX, feed) : "no points yet"
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
      pencil.font = `11px ${this.colours.font}`
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
    const { surface, border, text, muted, font } = this.colours
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
}
