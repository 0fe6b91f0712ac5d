// The browser owns the ranges; `sync: false` keeps all of that here. x follows the newest candle unless the reader has
// moved away from it, by any drag back (a candle that comes meanwhile must not undo it) or by a zoom that leaves it
// out. y fits what is seen. Which window is seen is told to whoever brings its candles (see indicators.js).
const LEAST = 24, MOST = 160, PIXELS = 10, NARROWEST = 3
const TICK_PX = 100 // between two times on the axis, about: their words must not touch; Bokeh tells the year alone of a single one
let newest = null, own = false, at_hand = false, following = true, known = { start: 0, end: 0 }

// Bokeh takes a button that rests for 300 ms for a press, and what comes then for no drag: it is given the press again
function drag_after_a_rest(element) {
  const far = 5 // what Bokeh too takes for a move, in pixels
  let pressed = null, rested = false, resting = 0
  const end = () => { pressed = null; clearTimeout(resting) }
  const on = (kind, act) => element.addEventListener(kind, (event) => { if (event.isTrusted) act(event) }, true)
  on("pointerdown", (event) => {
    end()
    if (!event.isPrimary || event.button !== 0) return
    pressed = event
    rested = false
    resting = setTimeout(() => { rested = true }, 300)
  })
  on("pointermove", (event) => {
    if (!pressed || !event.isPrimary) return
    if (Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) <= far) return
    const { pointerId, pointerType, clientX, clientY } = pressed
    const again = { pointerId, pointerType, clientX, clientY, isPrimary: true, button: 0, buttons: 1 }
    end()
    if (rested) for (const kind of ["pointercancel", "pointerdown"]) element.dispatchEvent(new PointerEvent(kind, again))
  })
  on("pointerup", end)
  on("pointercancel", end)
}

export default function ({ source, edge, plot, x, y, volume, lines, panes }, changed) {
  const { x: at, low, high, volume: sums } = source.data
  const count = at.length
  if (own || !count || !edge.data.x.length) return
  own = true
  const last = edge.data.x[0], interval = edge.data.interval[0]
  const is_laid_out = !plot.properties.inner_width.is_unset
  const element = at_hand ? null : Bokeh.index.find_one_by_id?.(plot.id)?.canvas_view?.events_el
  if (element) {
    at_hand = true
    element.style.setProperty("touch-action", "pan-y") // a finger that goes up or down scrolls the page
    drag_after_a_rest(element)
  }
  if (changed === x && (x.start !== known.start || x.end !== known.end)) {
    const span = x.end - x.start, is_drag = Math.abs(span - (known.end - known.start)) < span * 1e-6
    following = x.end >= newest && !(is_drag && x.end < known.end)
  }
  if (changed === source || changed === edge) {
    if (following && last !== newest) {
      const fitting = is_laid_out ? Math.round(plot.inner_width / PIXELS) : 60
      const width = newest === null ? Math.min(MOST, Math.max(LEAST, fitting)) * interval : x.end - x.start
      x.setv({ start: last + 2 * interval - width, end: last + 2 * interval }, { sync: false })
    }
    newest = last
  }
  known = { start: x.start, end: x.end }
  if (is_laid_out) {
    const ticks = Math.max(3, Math.min(10, Math.floor(plot.inner_width / TICK_PX)))
    plot.below[0].ticker.setv({ desired_num_ticks: ticks }, { sync: false })
    const most = Math.max(LEAST, Math.floor(plot.inner_width / NARROWEST))
    globalThis.rtlab_looks?.get(plot.id)?.({ x0: x.start, x1: x.end, most, live: following, newest: last + 2 * interval })
  }
  let bottom = Infinity, top = -Infinity, most = 0
  for (let i = 0; i < count; i++) {
    if (at[i] < x.start - interval / 2 || at[i] > x.end + interval / 2) continue
    bottom = Math.min(bottom, low[i])
    top = Math.max(top, high[i])
    most = Math.max(most, sums[i])
  }
  const stretched = (renderers, bottom, top) => {
    for (const { visible, glyph, data_source: { data } } of renderers) {
      const values = data[glyph.y.field]
      if (!visible) continue
      for (let i = 0; i < values.length; i++) {
        if (data.x[i] < x.start || data.x[i] > x.end) continue
        bottom = Math.min(bottom, values[i])
        top = Math.max(top, values[i])
      }
    }
    return [bottom, top]
  };
  [bottom, top] = stretched(lines, bottom, top)
  if (top >= bottom) {
    const room = (top - bottom || Math.abs(top) * 1e-4 || 1) * 0.06
    // the lowest fifth belongs to the volume
    y.setv({ start: bottom - (top - bottom) * 0.28 - room, end: top + room }, { sync: false })
    volume.setv({ start: 0, end: 5 * most || 1 }, { sync: false })
  }
  for (const [range, ...renderers] of panes) {
    const [, greatest] = stretched(renderers, 0, 0)
    range.setv({ start: 0, end: 1.15 * greatest || 1 }, { sync: false })
  }
  own = false
}
