// What draws SVG, and how numbers and times are written in it.

const NS = "http://www.w3.org/2000/svg"
const tenth = (px) => Math.round(px * 10) / 10
const pencil = document.createElement("canvas").getContext("2d")
const rounded = Array.from({ length: 11 }, (_, digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }))
const fixed = (value, step) => rounded[Math.min(10, Math.max(0, Math.ceil(-Math.log10(step))))].format(value)

function element(parent, name, attributes = {}) {
  const made = document.createElementNS(NS, name)
  for (const key in attributes) made.setAttribute(key, attributes[key])
  parent.append(made)
  return made
}

function write(node, words) {
  if (node.firstChild && words) node.firstChild.data = words // else a new text is laid out
  else node.textContent = words
}

// A group that is drawn again and again: what did not change since is left as it is, so that it costs the browser
// neither layout nor paint. Places are whole tenths of a pixel for that reason.
class Sketch {
  constructor(svg) {
    this.group = element(svg, "g")
    this.kept = []
    this.at = 0
    this.by = 0
  }

  // move the whole group so many px to the right of where it was drawn
  move(px) {
    const by = Math.round(px * 1000) / 1000
    if (by !== this.by) this.group.setAttribute("transform", `translate(${by})`)
    this.by = by
  }

  draw(name, attributes, words = "") {
    const { kept, at } = this
    if (kept[at]?.name !== name) {
      const node = document.createElementNS(NS, name)
      if (kept[at]) kept[at].node.replaceWith(node)
      else this.group.append(node)
      kept[at] = { name, node, attributes: {}, words: "" }
    }
    this.at++
    const one = kept[at]
    for (const key in attributes) {
      const value = attributes[key], told = typeof value === "number" ? tenth(value) : value
      attributes[key] = told
      if (one.attributes[key] !== told) one.node.setAttribute(key, told)
    }
    for (const key in one.attributes) if (!(key in attributes)) one.node.removeAttribute(key)
    one.attributes = attributes
    if (one.words !== words) write(one.node, (one.words = words))
    return one.node
  }

  end() {
    for (const { node } of this.kept.splice(this.at)) node.remove()
    this.at = 0
  }
}

function time(value, span) {
  const [day, clock] = new Date(value).toISOString().slice(0, -1).split("T")
  if (span > 2 * 86_400_000) return `${day} ${clock.slice(0, 5)}`
  return span > 600_000 ? clock.slice(0, 8) : clock
}
