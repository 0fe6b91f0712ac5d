// What a LayeredPlot tells of itself (see keep.js): of the visible window the lines that are not hidden, as they are
// drawn. Of each pixel column these are at most four points, so a file holds what is seen and not what lies behind it.

// rows [x, name of the line, y], in the order of x
function seen_rows(chart) {
  const { start, end } = chart.plot.model.x_range
  const rows = []
  for (const [line, { x, y }] of chart.drawn.entries())
    for (let i = search(x, start); i < x.length && x[i] <= end; i++)
      rows.push([x[i], chart.model.names[line], y[i]])
  rows.sort((a, b) => a[0] - b[0])
  return rows.map(([x, ...rest]) => [chart.model.time_axis ? new Date(x).toISOString() : String(x), ...rest])
}

// one sentence on what the window shows, for each line
function summary(chart) {
  const { start, end } = chart.plot.model.x_range
  const when = (x) => (chart.model.time_axis ? time(x, end - start) : number(x))
  const told = chart.drawn.map(({ x, y }, line) => {
    const seen = [...y.subarray(search(x, start), search(x, end))].filter((value) => !Number.isNaN(value))
    if (!seen.length) return `${chart.model.names[line]}: nothing`
    const least = seen.reduce((a, b) => Math.min(a, b)), most = seen.reduce((a, b) => Math.max(a, b))
    return `${chart.model.names[line]}: first ${number(seen[0])}, lowest ${number(least)}, highest ${number(most)}, last ${number(seen.at(-1))}`
  })
  return `From ${when(start)} to ${when(end)}. ${told.join(". ")}.`
}

// the figure with what lies above it
async function picture(chart) {
  const { canvas, ctx, pixel_ratio } = chart.plot.export("auto", true)
  for (const svg of chart.svgs) {
    const { width, height } = chart.plot.bbox
    const copy = svg.cloneNode(true)
    for (const [name, value] of Object.entries({ xmlns: NS, width, height })) copy.setAttribute(name, value)
    const image = new Image()
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`
    await image.decode()
    ctx.setTransform(pixel_ratio, 0, 0, pixel_ratio, 0, 0)
    ctx.drawImage(image, 0, 0, width, height)
  }
  return canvas
}

const seen_of = (chart) => ({
  title: () => chart.plot.model.title?.text || "chart",
  head: () => [chart.model.time_axis ? "time" : "x", "series", "value"],
  rows: () => seen_rows(chart),
  summary: () => summary(chart),
  picture: () => picture(chart),
  get look() { return chart.model.colours },
})
