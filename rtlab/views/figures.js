// Bokeh's figures below a panel: found by their names, and what the keyboard does with them.

function figure_below(view, name) {
  if (view.model.name === name && view.canvas_view) return view
  for (const child of view.children_views()) {
    const found = figure_below(child, name)
    if (found) return found
  }
  return null
}

// a figure is built after the panel that holds it
function when_drawn(model, view, name, act) {
  let frame = 0
  const look = () => {
    const plot = figure_below(view, name)
    plot ? act(plot) : (frame = requestAnimationFrame(look))
  }
  model.on("remove", () => cancelAnimationFrame(frame))
  look()
}

// Bokeh lets every figure be reached by Tab, without a name
function reachable(plot, name, key) {
  const { events_el } = plot.canvas_view
  events_el.setAttribute("role", "application")
  events_el.setAttribute("aria-label", name)
  events_el.addEventListener("keydown", (event) => event.target === events_el && key(event, plot))
}

function unreachable(plot) {
  plot.canvas_view.events_el.tabIndex = -1
}
