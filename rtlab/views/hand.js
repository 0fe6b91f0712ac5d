// What moves the window of a chart and what is dragged on it: the wheel, the mouse, fingers and keys.

const DRAG_PX = 3
const GRIP_PX = 5 // how near a line must be to be dragged

class Hand extends Marks {
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
      this.lighter.point_as(this.line_at(now) ? "ns-resize" : null)
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
    const { surface, text: ink, accent, font } = this.colours
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
}
