// What a depth heat map paints: the ring of cells, best prices and bubbles, the axes, and above them the crosshair.

const RIGHT = 72, BELOW = 24 // px of the axes
const NO_BEST = -32768
const clamp = (value, low, high) => Math.max(low, Math.min(high, value))
const RAMPS = {
  dark: ["#131920", "#16324a", "#1d5a78", "#2f8f8f", "#86c489", "#f2e48b", "#fffbe6"],
  light: ["#ffffff", "#e4eef6", "#b5d2e6", "#6fa8cf", "#3476ab", "#174c82", "#08234c"],
}

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

class Painting {
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
}

// a step of 1, 2 or 5 times a power of ten
function nice(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)))
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least)
}
