// How a dense line is painted: what lies in one column of pixels is drawn in the middle of that column.
//
// Of a column that holds several points the canvas shows a bar from the least to the greatest, and lines from its
// first point to the column before and from its last to the next. All points of the column give that picture, and so
// do the four that Python sends (M4): equal in every pixel, which a line from point to point is not, for its edges are
// softened by all that lies there. A point that is alone in its column stands where it is. Of what lies beyond the
// frame only the nearest point of each side counts: a line comes from there. (Where WebGL draws, it draws from point
// to point.)

const ON_THE_EDGE = 1e-9 // px: a point on the edge of two columns belongs to the right one, however it is rounded

// give the points that count, in px of the frame: `from` is where it begins, `per` the px of one x, `width` its columns
function placed(x, y, { from, per, width }) {
  const begin = Math.max(0, search(x, from) - 1), end = Math.min(x.length, search(x, from + width / per) + 1)
  const at = new Float64Array(end - begin), column = new Int32Array(end - begin)
  for (let i = 0, last = -1; begin + i < end; i++) {
    at[i] = (x[begin + i] - from) * per
    column[i] = Math.floor(at[i] + ON_THE_EDGE)
    if (Number.isNaN(y[begin + i])) continue
    if (last >= 0 && column[last] === column[i]) at[last] = at[i] = column[i] + 0.5
    last = i
  }
  return { begin, at, column }
}

// give what is painted: `line`, its corners with NaN for gaps, as x, y, x, y, ...; and `bars`, as x, top, bottom, ...
function columns_of(x, sy, frame) {
  const { begin, at, column } = placed(x, sy, frame), count = at.length
  const line = [], bars = []
  for (let i = 0; i < count; ) {
    const first = sy[begin + i], place = at[i]
    if (Number.isNaN(first)) { line.push(NaN, NaN); i++; continue }
    let top = first, bottom = first, last = first
    for (const here = column[i++]; i < count && column[i] === here && !Number.isNaN(sy[begin + i]); i++) {
      last = sy[begin + i]
      top = Math.min(top, last)
      bottom = Math.max(bottom, last)
    }
    line.push(place, first)
    if (last !== first) line.push(place, last)
    if (bottom > top) bars.push(place, top, bottom)
  }
  return { line, bars }
}

// `left` is where the frame begins on the canvas
function paint_columns(ctx, { line, bars }, left) {
  ctx.beginPath()
  for (let i = 0; i < line.length; i += 2)
    Number.isNaN(line[i - 2] ?? NaN) ? ctx.moveTo(left + line[i], line[i + 1]) : ctx.lineTo(left + line[i], line[i + 1])
  ctx.stroke()
  ctx.fillStyle = ctx.strokeStyle
  const thick = ctx.lineWidth
  for (let i = 0; i < bars.length; i += 3)
    ctx.fillRect(left + bars[i] - thick / 2, bars[i + 1], thick, bars[i + 2] - bars[i + 1])
}

// let the lines of a plot be painted so; `glyphs` are Bokeh's views of them
function paint_by_columns(plot, glyphs) {
  for (const glyph of glyphs)
    glyph._paint = (ctx) => {
      const { start, end } = plot.model.x_range, { left, width } = plot.frame.bbox
      const { a, e } = ctx.getTransform() // Bokeh counts from the middle of a pixel
      glyph.visuals.line.set_value(ctx)
      paint_columns(ctx, columns_of(glyph.x, glyph.sy, { from: start, per: width / (end - start), width }), left - ((e / a) % 1))
    }
}
