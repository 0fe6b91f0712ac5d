// What Bokeh does anew at each paint of a plot, and need not.
//
// For each colour, width and font it asks the page's style sheets (`--bk-…`), which makes the browser work out all
// styles again wherever something changed since, as the marks do; here it asks once, until `forget` is called. It makes
// the labels of an axis up to three times a paint; here they are made when its ticks change. And it wipes the canvas of
// its own overlays, which the browser then copies as a whole; here that canvas is shown only where something lies on it.

function lighten(plot) {
  const answers = [], changed = []
  const instead = (of, name, read) => { // in front of what all of its class have
    Object.defineProperty(of, name, { configurable: true, value: read })
    changed.push(() => delete of[name])
  }
  const once = (read) => {
    const kept = new Map()
    answers.push(kept)
    return (name) => {
      if (!kept.has(name)) kept.set(name, read(name))
      return kept.get(name)
    }
  }
  const newest = (make) => {
    const kept = new Map()
    answers.push(kept)
    return (ticks) => {
      const of = ticks.join()
      if (!kept.has(of)) {
        kept.clear()
        kept.set(of, make(ticks))
      }
      return kept.get(of)
    }
  }
  const lighten_below = (view) => {
    for (const visual of view.visuals ?? [])
      if (visual._get_css_value) instead(visual, "_get_css_value", once(visual._get_css_value.bind(visual)))
    if (view.compute_labels) instead(view, "compute_labels", newest(view.compute_labels.bind(view)))
    view.children_views().forEach(lighten_below)
  }
  lighten_below(plot)
  const size = once(() => Reflect.get(Object.getPrototypeOf(plot), "base_font_size", plot))
  Object.defineProperty(plot, "base_font_size", { configurable: true, get: size })
  changed.push(() => delete plot.base_font_size)
  const show = () => {
    const used = plot.computed_renderer_views.some(({ model }) => model.level === "overlay" && model.visible)
    plot.canvas_view.overlays.el.style.display = used ? "" : "none"
  }
  show()
  plot.repainted.connect(show)
  const end = () => {
    plot.repainted.disconnect(show)
    plot.canvas_view.overlays.el.style.display = ""
    changed.forEach((undo) => undo())
  }
  return { forget: () => answers.forEach((kept) => kept.clear()), end }
}
