// Candles with a switch for each indicator above them, in the colour of its line.
//
// It also tells Python which window the chart shows (candles.js), once per animation frame at most: one that follows
// the newest candle only when its length changes.
const looks = (globalThis.rtlab_looks ??= new Map())


const PARTS = ["open", "high", "low", "close", "volume"]

// the lines of the indicators that are chosen: those over the candles, and those of panes of their own
function lines_of(view, chosen) {
  const main = figure_below(view, "candles")
  const panes = chosen.map((name) => figure_below(view, name)).filter(Boolean)
  return [main, ...panes].flatMap(({ model }) => model.renderers).filter(({ visible, glyph, name }) => visible && name && glyph.type === "Line")
}

// the candles of the visible window, with the values of the indicators that are shown
function seen_candles(view, chosen) {
  const { x_range: { start, end }, renderers } = figure_below(view, "candles").model
  const values = lines_of(view, chosen).map(({ data_source: { data }, glyph }) => {
    const y = data[glyph.y.field]
    return new Map([...data.x].map((x, i) => [x, y[i]]))
  })
  const { data } = renderers[0].data_source
  const rows = [...data.x].map((x, i) => [x, ...PARTS.map((name) => data[name][i])])
  return rows.filter(([x]) => x >= start && x <= end).map(([x, ...rest]) =>
    [new Date(x).toISOString(), ...rest, ...values.map((line) => line.get(x) ?? NaN)])
}

// arrows move the window, plus and minus change its length, End goes back to the newest candle, which `last` leaves room
// for: of those that were sent the last may be an older one
function key(event, plot, last) {
  const { x_range } = plot.model
  const { start, end } = x_range, span = end - start, far = span / (event.shiftKey ? 2 : 10)
  const zoomed = (by) => [end - span * by, end]
  const newest = () => [last - span, last]
  const act = {
    ArrowLeft: () => [start - far, end - far], ArrowRight: () => [start + far, end + far],
    ArrowUp: () => zoomed(0.8), ArrowDown: () => zoomed(1.25), "+": () => zoomed(0.8), "-": () => zoomed(1.25),
    Home: newest, End: newest, Escape: newest,
  }[event.key]
  if (!act) return
  event.preventDefault()
  const [from, to] = act()
  x_range.setv({ start: from, end: to }, { sync: false })
}

export function render({ model, view }) {
  const root = document.createElement("div")
  const bar = root.appendChild(document.createElement("div"))
  bar.className = "bar"
  const switches = bar.appendChild(document.createElement("div"))
  switches.className = "switches"
  switches.setAttribute("role", "group")
  switches.setAttribute("aria-label", "Indicators")
  const told = bar.appendChild(document.createElement("span"))
  const place = root.appendChild(document.createElement("div"))
  place.className = "chart"
  place.append(model.get_child("chart"))

  let counts = null
  const badge = new Badge(view, bar, () => {
    const plot = counts && figure_below(view, "candles")
    if (!plot) return null
    const { x_range: { start, end }, renderers } = plot.model
    const shown = [...renderers[0].data_source.data.x].filter((x) => x >= start && x <= end).length
    const exact = model.told.includes(" each") ? "joined exactly" : "exact"
    return { ...counts, shown, unit: "candles", exact, of_merged: "updates", dropped: 0, of_dropped: "updates" }
  })
  model.on("msg:custom", (message) => {
    counts = message
    badge.came()
  })

  const buttons = new Map()
  const show = () => {
    for (const [name, colour] of model.offered) {
      if (!buttons.has(name)) {
        const button = switches.appendChild(document.createElement("button"))
        button.textContent = name.replace(/^\w+/, (kind) => (kind === "bollinger" ? "Bollinger" : kind.toUpperCase()))
        button.addEventListener("click", () =>
          model.send_msg({ indicator: name, shown: button.getAttribute("aria-pressed") !== "true" }))
        buttons.set(name, button)
      }
      const button = buttons.get(name)
      button.style.setProperty("--line", colour)
      button.setAttribute("aria-pressed", String(model.chosen.includes(name)))
    }
  }
  const tell = () => { told.textContent = model.told }
  const wear = () => { root.className = `rt candles ${model.theme}` }

  let known = "", next = null, frame = 0, last = NaN
  const ask = () => {
    frame = 0
    model.send_msg({ look: next })
  }
  const look = ({ newest, ...seen }) => {
    last = newest
    const { x0, x1, most, live } = seen
    const key = live ? `${Math.round(x1 - x0)} ${most}` : `${x0} ${x1} ${most}`
    if (key === known) return
    known = key
    next = seen
    frame ||= requestAnimationFrame(ask)
  }
  looks.set(model.figure_id, look)
  model.on("remove", () => {
    cancelAnimationFrame(frame)
    badge.leave()
    if (looks.get(model.figure_id) === look) looks.delete(model.figure_id)
  })
  model.on("offered", show)
  model.on("chosen", show)
  model.on("told", tell)
  model.on("theme", wear)
  wear()
  show()
  tell()
  const pass_panes = () => requestAnimationFrame(() => {
    for (const pane of model.chosen.map((name) => figure_below(view, name))) if (pane) unreachable(pane)
  })
  model.on("chosen", pass_panes)
  when_drawn(model, view, "candles", (plot) => {
    reachable(plot, "Candles: arrows move the window, plus and minus change its length, End goes to the newest", (event) => key(event, plot, last))
    pass_panes()
  })
  new Keeper({
    title: () => "candles",
    head: () => ["time", ...PARTS, ...lines_of(view, model.chosen).map(({ name }) => name)],
    rows: () => seen_candles(view, model.chosen),
    summary: () => {
      const rows = seen_candles(view, model.chosen)
      const told = rows.length ? `${rows.length} candles, the newest closes at ${number(rows.at(-1)[4])}.` : "No candles yet."
      return `${told} ${badge.words}`
    },
    picture: () => figure_below(view, "candles").export("auto", true).canvas,
  }, root, bar)
  return root
}
