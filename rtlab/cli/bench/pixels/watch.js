// Note each frame, each paint of the dense line with the age of its newest point, and how long a hover waits for its
// answer: from the first move of the mouse that is not answered yet to the end of the frame that shows the answer.
// Gives false as long as the chart is not there.
(contender) => {
  if (window.seen) return true
  const walk = (view) => {
    const { renderers } = view.model
    if (Array.isArray(renderers) && renderers.some((r) => r.name === "dense")) return view
    for (const child of view.children_views()) { const found = walk(child); if (found) return found }
  }
  const of_bokeh = () => globalThis.Bokeh?.index.roots.map(walk).find((view) => view)
  const plot = contender === "uPlot" ? window.chart : of_bokeh()
  const cursor = plot?.canvas_view?.overlays_el.querySelector(".rtlab-cursor")
  if (!plot || (contender === "rtlab" && !cursor)) return false

  const seen = (window.seen = { frames: [], hovers: [], behind: [], place: null })
  const rendered = (act) => {
    const { port1, port2 } = new MessageChannel() // its message comes right after this frame was rendered
    port1.onmessage = act
    port2.postMessage(0)
  }
  const painted = (newest) => rendered(() => seen.behind.push(performance.timeOrigin + performance.now() - newest))
  const frame = (time) => { seen.frames.push(time); requestAnimationFrame(frame) }
  requestAnimationFrame(frame)

  let answers
  if (contender === "uPlot") {
    plot.hooks.draw.push(() => painted(plot.data[0][plot.data[0].length - 1]))
    answers = [plot.over]
    seen.place = plot.over.getBoundingClientRect().toJSON()
  } else {
    const source = plot.model.renderers.find((r) => r.name === "dense").data_source
    const paint = plot._paint_primary
    plot._paint_primary = function (...all) {
      const given = paint.apply(this, all), { x } = source.data
      painted(x[x.length - 1])
      return given
    }
    const { events_el } = plot.canvas_view
    seen.place = events_el.getBoundingClientRect().toJSON()
    const { left, top, width, height } = plot.frame.bbox
    Object.assign(seen.place, { x: seen.place.x + left, y: seen.place.y + top, width, height })
    // ours in a layer of its own; Bokeh's in a tooltip of the page
    answers = [cursor ?? document.body]
  }
  let waiting = null
  document.addEventListener("pointermove", (event) => { waiting ??= event.timeStamp }, { capture: true })
  const answer = () => {
    if (waiting === null) return
    const since = waiting
    waiting = null
    rendered(() => seen.hovers.push(performance.now() - since))
  }
  for (const part of answers)
    new MutationObserver(answer).observe(part, { attributes: true, childList: true, subtree: true })
  return true
}
