// What is seen of a view, to be kept or to be read by ear: a picture, a file of numbers, a table.
//
// A view tells of itself, each time it is asked, so that all three are of what is on the screen:
//   title()    what it is called, also as a file
//   head()     the names of the columns
//   rows()     what is seen, a row of texts and numbers each; NaN is nothing
//   summary()  one or a few sentences
//   picture()  a canvas, or a promise of one; a view of text has none
//   look       surface, border, text and font; by default the panel's own

const LISTED = 500 // of the table; the file has all
const PANEL_LOOK = { surface: "var(--rt-surface)", border: "var(--rt-border)", text: "var(--rt-text)", font: "var(--rt-font)" }

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 10 })
const number = (value) => plain.format(Number(value.toPrecision(12)))

const part = (name, ...words) => {
  const made = document.createElement(name)
  made.append(...words)
  return made
}

function as_csv(seen) {
  const cell = (value) => {
    const words = Number.isNaN(value) ? "" : String(value)
    return /[",\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words
  }
  return [seen.head(), ...seen.rows()].map((row) => row.map(cell).join(",")).join("\n") + "\n"
}

function as_table(seen) {
  const rows = seen.rows()
  const told = (value) => (typeof value !== "number" ? value : Number.isNaN(value) ? "none" : number(value))
  const row = (kind, cells) => part("tr", ...cells.map((cell) => part(kind, cell)))
  const shown = rows.length > LISTED ? ` The last ${LISTED} of ${rows.length} rows:` : ""
  const names = seen.head().map((name) => name[0].toUpperCase() + name.slice(1))
  return part("table", part("caption", seen.summary() + shown), row("th", names),
    ...rows.slice(-LISTED).map((cells) => row("td", cells.map(told))))
}

class Keeper {
  // the menu and the table lie in `panel`, which a position of its own; the button in its corner, or in a `bar`
  constructor(seen, panel, bar = null) {
    this.seen = seen
    this.root = part("div")
    this.root.className = "rtlab-keep"
    this.button = this.press("⋯", () => this.open(this.menu.hidden))
    this.button.title = "Keep or read what is seen"
    this.button.setAttribute("aria-label", `${this.button.title}: ${seen.title()}`)
    this.button.setAttribute("aria-haspopup", "true")
    this.menu = part("div")
    this.menu.hidden = true
    if (seen.picture)
      this.menu.append(this.press("Picture (PNG)", async () => {
        const canvas = await seen.picture()
        this.save(await new Promise((done) => canvas.toBlob(done, "image/png")), "png")
      }))
    this.menu.append(
      this.press("Numbers (CSV)", () => this.save(new Blob([as_csv(seen)], { type: "text/csv" }), "csv")),
      this.press("Table", () => this.show_table()),
    )
    this.in_bar = bar !== null
    this.root.append(this.menu)
    for (const place of this.in_bar ? [this.root, this.button] : [this.root]) {
      place.addEventListener("keydown", (event) => {
        event.stopPropagation()
        if (event.key === "Escape") this.close()
      })
      for (const kind of ["pointerdown", "pointermove", "pointerup", "dblclick", "wheel"])
        place.addEventListener(kind, (event) => event.stopPropagation())
    }
    this.in_bar ? bar.append(this.button) : this.root.prepend(this.button)
    panel.append(this.root)
    this.wear()
  }

  press(words, act) {
    const button = part("button", words)
    button.type = "button"
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
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = `${this.seen.title().toLowerCase().replace(/[^a-z0-9]+/g, "-")}.${ending}`
    link.click()
    URL.revokeObjectURL(link.href)
    this.close()
  }

  show_table() {
    this.open(false)
    this.table = part("div", this.press("Close", () => this.close()), as_table(this.seen))
    this.table.tabIndex = 0
    this.table.setAttribute("role", "region")
    this.table.setAttribute("aria-label", `${this.seen.title()}, as a table`)
    this.root.append(this.table)
    this.wear()
    this.table.focus()
  }

  wear() {
    const { surface, border, text, font } = this.seen.look ?? PANEL_LOOK
    const look = `background:${surface};color:${text};border:1px solid ${border};font:11px/16px ${font}`
    const corner = this.in_bar ? "margin-left:auto;flex:none;position:sticky;right:0" : "position:absolute;top:4px;right:8px;z-index:1"
    this.button.style.cssText = `${corner};min-width:0;height:auto;padding:1px 7px;border-radius:10px;cursor:pointer;${look}`
    const box = "position:absolute;right:8px;top:28px;border-radius:6px;z-index:3"
    this.menu.style.cssText = `${box};padding:4px;${look}`
    for (const one of this.menu.children)
      one.style.cssText = `display:block;width:100%;height:auto;padding:4px 10px;border:0;background:none;text-align:left;cursor:pointer;color:${text};font:12px ${font}`
    if (!this.table) return
    this.table.style.cssText = `${box};bottom:8px;max-width:calc(100% - 40px);overflow:auto;padding:8px;${look}`
    this.table.querySelector("button").style.cssText = `height:auto;padding:2px 10px;border-radius:10px;cursor:pointer;${look}`
    const cells = [...this.table.querySelectorAll("th,td")]
    for (const cell of cells) cell.style.cssText = "padding:1px 12px 1px 0;text-align:left;font-variant-numeric:tabular-nums"
    this.table.querySelector("caption").style.cssText = "text-align:left;padding:6px 0"
  }
}
