// What Bokeh does anew at each paint of a plot, and need not.
//
// For each colour, width and font it asks the page's style sheets (`--bk-…`), which makes the browser work out all
// styles again wherever something changed since, as the marks do; here it asks once, until `forget` is called. It writes
// the style sheets of all its parts anew, which makes the browser do the same; here only those that say something else.
// It makes the labels of an axis up to three times a paint, and measures them; here when its ticks change. It indexes
// the points of a line whenever some come, and looks for their least and greatest; here when somebody asks. And it wipes
// the canvas of its own overlays, which the browser then copies as a whole; here that canvas is shown only where
// something lies on it.

function lighten(plot) {
  const spared = new Spared()
  const below = (view) => {
    spare_styles(view, spared)
    if (view.glyph) spare_places(view, spared)
    if (view.compute_labels) spare_labels(view, spared)
    view.children_views().forEach(below)
  }
  below(plot)
  const size = spared.once(() => Reflect.get(Object.getPrototypeOf(plot), "base_font_size", plot))
  spared.instead(plot, "base_font_size", { get: size })
  spare_ranges(plot, spared)
  spare_overlays(plot, spared)
  return { forget: () => spared.forget(), end: () => spared.end(), point_as: sign_of_mouse(plot, spared) }
}

// Answers that are kept, and properties that lie in front of those that all of a class have, until the end.
class Spared {
  constructor() {
    this.answers = []
    this.undo = []
  }

  instead(of, name, read) {
    Object.defineProperty(of, name, { configurable: true, ...(read.get ? read : { value: read }) })
    this.undo.push(() => delete of[name])
  }

  // what `read` says of a name, asked once
  once(read) {
    const kept = new Map()
    this.answers.push(kept)
    return (name) => {
      if (!kept.has(name)) kept.set(name, read(name))
      return kept.get(name)
    }
  }

  // what `make` makes of a list, made again when one of it is another
  newest(make) {
    const kept = { clear: () => (kept.of = null) }
    this.answers.push(kept)
    return (list) => {
      if (kept.of?.length !== list.length || list.some((one, i) => one !== kept.of[i]))
        Object.assign(kept, { of: list, made: make(list) })
      return kept.made
    }
  }

  forget() {
    for (const kept of this.answers) kept.clear()
  }

  end() {
    for (const undo of this.undo) undo()
  }
}

function spare_styles(view, spared) {
  for (const visual of view.visuals ?? [])
    if (visual._get_css_value) spared.instead(visual, "_get_css_value", spared.once(visual._get_css_value.bind(visual)))
  for (const sheet of view.computed_stylesheets?.() ?? [])
    spared.instead(sheet, "_update", (text) => {
      if (sheet.el.textContent !== text) sheet.el.textContent = text
    })
}

function spare_places(view, spared) {
  const { glyph } = view, index = glyph.index_data.bind(glyph)
  spared.instead(view, "update_position", () => {}) // of its element, which shows nothing
  const make = () => {
    delete glyph._index
    index() // sets it
    return glyph._index
  }
  spared.instead(glyph, "index_data", () => Object.defineProperty(glyph, "_index", { configurable: true, get: make }))
  spared.undo.push(() => Object.getOwnPropertyDescriptor(glyph, "_index")?.get?.())
}

function spare_labels(axis, spared) {
  spared.instead(axis, "compute_labels", spared.newest(axis.compute_labels.bind(axis)))
  const extent = axis._oriented_labels_extent.bind(axis), newest = spared.newest((given) => extent(...given))
  spared.instead(axis, "_oriented_labels_extent", (...given) => newest(given))
}

function spare_ranges(plot, spared) {
  const ranges = plot._range_manager, look = ranges.update_dataranges.bind(ranges)
  spared.instead(ranges, "update_dataranges", () => {
    const { x_ranges, y_ranges } = plot.frame
    const follows = [...x_ranges.values(), ...y_ranges.values()].some(({ type }) => type.startsWith("DataRange"))
    if (follows || plot.model.renderers.some(({ coordinates }) => coordinates)) look()
    else ranges.invalidate_dataranges = false
  })
}

function spare_overlays(plot, spared) {
  const { el } = plot.canvas_view.overlays
  const show = () => {
    const used = plot.computed_renderer_views.some(({ model }) => model.level === "overlay" && model.visible)
    el.style.display = used ? "" : "none"
  }
  show()
  plot.repainted.connect(show)
  spared.undo.push(() => {
    plot.repainted.disconnect(show)
    el.style.display = ""
  })
}

// give what shows the mouse as another sign, or with null as Bokeh would, which sets its own at each move
function sign_of_mouse(plot, spared) {
  const bus = plot.canvas_view.ui_event_bus
  let theirs = null, ours = null
  const show = () => (bus.hit_area.style.cursor = ours ?? theirs ?? "default")
  spared.instead(bus, "set_cursor", (sign) => {
    theirs = sign
    show()
  })
  return (sign) => {
    if (sign === ours) return
    ours = sign
    show()
  }
}
