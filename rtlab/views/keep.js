// What is seen of a chart, to be kept or to be read by ear: a picture, a file of numbers, a table.
//
// All three are of the visible window and the lines that are not hidden, as they are drawn: at most four points of
// each pixel column, so a file holds what is seen and not what lies behind it.

const MOST_ROWS = 500 // of the table; the file has all

// rows [x, name of the line, y], in the order of x
function seen_rows(chart) {
  const { start, end } = chart.plot.model.x_range
  const rows = []
  for (const [line, { x, y }] of chart.drawn.entries())
    for (let i = search(x, start); i < x.length && x[i] <= end; i++)
      rows.push([x[i], chart.model.names[line], y[i]])
  return rows.sort((a, b) => a[0] - b[0])
}

function written_x(chart, x) {
  return chart.model.time_axis ? new Date(x).toISOString() : String(x)
}

function as_csv(chart) {
  const quoted = (word) => (/[",\n]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word)
  const lines = seen_rows(chart).map(([x, name, y]) => `${written_x(chart, x)},${quoted(name)},${Number.isNaN(y) ? "" : y}`)
  return [`${chart.model.time_axis ? "time" : "x"},series,value`, ...lines, ""].join("\n")
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

// the figure with what lies above it, as a PNG
async function as_png(chart) {
  const { canvas, ctx, pixel_ratio } = chart.plot.export("auto", true)
  for (const svg of chart.svgs) {
    const { width, height } = chart.plot.bbox
    const copy = svg.cloneNode(true)
    for (const [name, value] of Object.entries({ xmlns: NS, width, height })) copy.setAttribute(name, value)
    const picture = new Image()
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`
    await picture.decode()
    ctx.setTransform(pixel_ratio, 0, 0, pixel_ratio, 0, 0)
    ctx.drawImage(picture, 0, 0, width, height)
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"))
}

class Keeper {
  constructor(chart, place) {
    this.chart = chart
    this.root = document.createElement("div")
    this.root.className = "rtlab-keep"
    this.button = this.press("⋯", "Keep or read what is seen", () => this.open(this.menu.hidden))
    this.button.setAttribute("aria-haspopup", "true")
    this.menu = document.createElement("div")
    this.menu.hidden = true
    this.menu.append(
      this.press("Picture (PNG)", "", async () => this.save(await as_png(chart), "png")),
      this.press("Numbers (CSV)", "", () => this.save(new Blob([as_csv(chart)], { type: "text/csv" }), "csv")),
      this.press("Table", "", () => this.show_table()),
    )
    this.root.append(this.button, this.menu)
    this.root.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Escape") this.close()
    })
    for (const kind of ["pointerdown", "pointermove", "pointerup", "dblclick", "wheel"])
      this.root.addEventListener(kind, (event) => event.stopPropagation())
    place.append(this.root)
  }

  press(words, label, act) {
    const button = document.createElement("button")
    button.append(words)
    if (label) button.title = label
    if (label) button.setAttribute("aria-label", label)
    button.addEventListener("click", act)
    return button
  }

  open(is_open) {
    this.table?.remove()
    this.table = null
    this.menu.hidden = !is_open
    this.button.setAttribute("aria-expanded", String(is_open))
    if (is_open) this.menu.firstChild.focus()
  }

  close() {
    this.open(false)
    this.button.focus()
  }

  save(blob, ending) {
    const title = this.chart.plot.model.title?.text || "chart"
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.${ending}`
    link.click()
    URL.revokeObjectURL(link.href)
    this.close()
  }

  show_table() {
    this.open(false)
    const { chart } = this
    const rows = seen_rows(chart)
    const part = (name, words = "") => {
      const made = document.createElement(name)
      made.append(words)
      return made
    }
    const row = (kind, cells) => {
      const made = document.createElement("tr")
      made.append(...cells.map((cell) => part(kind, cell)))
      return made
    }
    const shown = rows.length > MOST_ROWS ? ` The last ${MOST_ROWS} of ${rows.length} points:` : ""
    const table = part("table")
    table.append(part("caption", summary(chart) + shown))
    table.append(row("th", [chart.model.time_axis ? "Time" : "x", "Series", "Value"]))
    for (const [x, name, y] of rows.slice(-MOST_ROWS))
      table.append(row("td", [written_x(chart, x), name, Number.isNaN(y) ? "none" : number(y)]))
    this.table = part("div")
    this.table.tabIndex = 0
    this.table.setAttribute("role", "region")
    this.table.setAttribute("aria-label", "What the chart shows, as a table")
    this.table.append(this.press("Close", "", () => this.close()), table)
    this.root.append(this.table)
    this.wear()
    this.table.focus()
  }

  wear() {
    const { surface, border, text, font } = this.chart.model.colours
    const look = `background:${surface};color:${text};border:1px solid ${border};font:11px/16px ${font}`
    this.button.style.cssText = `position:absolute;top:4px;right:8px;padding:2px 8px;border-radius:10px;cursor:pointer;${look}`
    const box = "position:absolute;right:8px;top:28px;border-radius:6px;z-index:1"
    this.menu.style.cssText = `${box};padding:4px;${look}`
    for (const one of this.menu.children)
      one.style.cssText = `display:block;width:100%;padding:4px 10px;border:0;background:none;text-align:left;cursor:pointer;color:${text};font:12px ${font}`
    if (!this.table) return
    this.table.style.cssText = `${box};bottom:8px;max-width:calc(100% - 40px);overflow:auto;padding:8px;${look}`
    this.table.querySelector("button").style.cssText = `padding:2px 10px;border-radius:10px;cursor:pointer;${look}`
    const cells = [...this.table.querySelectorAll("th,td")]
    for (const cell of cells) cell.style.cssText = "padding:1px 12px 1px 0;text-align:left;font-variant-numeric:tabular-nums"
    this.table.querySelector("caption").style.cssText = "text-align:left;padding:6px 0"
  }
}
