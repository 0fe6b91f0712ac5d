// The fault page. Everything it shows is told by Python; the two curves are kept here, for the last minute.
const SLIDERS = [
  ["bytes_per_s", "Speed of the line", 100, (x) => (x >= 100 ? 0 : Math.round(10 ** (3 + 0.03 * x))),
    (v) => (v ? `${bytes(v)}/s` : "unlimited")],
  ["delay_s", "Delay", 0, (x) => x / 100, (v) => `${Math.round(1000 * v)} ms`],
  ["loss", "Loss", 0, (x) => x / 400, (v) => `${(100 * v).toFixed(1)} %`],
]
const BUTTONS = [["freeze", "Freeze the reader"], ["cut", "Cut the connection"], ["kill", "Kill the gateway"], ["heal", "Heal"]]
const STEPS = ["LIVE", "LAGGING", "DEGRADED", "EVICTED"]
const CELLS = [["stale_ms", "Behind by", age], ["held", "Bytes held for it", bytes], ["merged", "Merged", whole],
  ["dropped", "Dropped, and told", whole], ["lost", "Lost without a word", whole, true], ["resumed", "Came back", whole]]
const KEPT = 300
const WIDTH = 600, HEIGHT = 130

function whole(n) { return Math.round(n).toLocaleString("en") }
function bytes(n) { return n < 1000 ? `${Math.round(n)} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB` }
function age(n) { return n < 1000 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(1)} s` }

function make(parent, kind, text = "", tag = "div") {
  const element = parent.appendChild(document.createElement(tag))
  element.className = kind
  element.textContent = text
  return element
}

function reader(parent, kind, title, what) {
  const card = make(parent, `card ${kind}`, "", "section")
  const head = make(card, "head")
  make(head, "title", title, "h2")
  const pill = make(head, "pill", "WAITING")
  make(card, "what", what, "p")
  const cells = {}
  const grid = make(card, "cells")
  for (const [name, label] of CELLS) {
    const cell = make(grid, `cell of-${name}`) // a badge of a panel is "held"
    make(cell, "label", label)
    cells[name] = make(cell, "value", "–")
  }
  return { card, pill, cells }
}

function curve(parent, title, name, write) {
  const card = make(parent, "card curve", "", "section")
  const head = make(card, "head")
  make(head, "title", title, "h2")
  make(head, "key ours", "— rtlab")
  make(head, "key plain", "– – plain")
  const svg = card.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"))
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
  svg.setAttribute("preserveAspectRatio", "none")
  const lines = ["plain", "ours"].map((who) => {
    const line = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "polyline"))
    line.setAttribute("class", who)
    return [who, line]
  })
  const most = make(card, "most")
  return (kept) => {
    const top = Math.max(1, ...kept.flatMap((one) => [one.ours[name] ?? 0, one.plain[name] ?? 0]))
    most.textContent = write(top)
    for (const [who, line] of lines) {
      line.setAttribute("points", kept.map((one, i) => {
        const x = WIDTH - (kept.length - 1 - i) * (WIDTH / (KEPT - 1))
        return `${x.toFixed(1)},${(HEIGHT - 4 - (HEIGHT - 12) * (one[who][name] ?? 0) / top).toFixed(1)}`
      }).join(" "))
    }
  }
}

function wished() {
  let stored = null
  try { stored = localStorage.getItem("rtlab-theme") } catch { /* a reader who allows no storage */ }
  return stored ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
}

export function render({ model }) {
  const root = document.createElement("div")
  const wear = () => {
    root.className = `rt faults ${model.theme} ${model.alone ? "alone" : ""}`
    if (model.alone) document.documentElement.style.background = getComputedStyle(root).backgroundColor || ""
  }
  const header = make(root, "header", "", "header")
  make(header, "mark", "rtlab")
  make(header, "name", "Fault lab")
  make(header, "room")
  const theme = make(header, "switch", "", "button")
  const label = () => {
    theme.textContent = model.theme === "dark" ? "☀" : "☾"
    theme.title = `Switch to ${model.theme === "dark" ? "light" : "dark"}`
    theme.setAttribute("aria-label", theme.title)
  }
  theme.addEventListener("click", () => { model.theme = model.theme === "dark" ? "light" : "dark" })
  label()

  const grid = make(root, "grid", "", "main")
  const controls = make(grid, "card controls", "", "section")
  const wish = (name, value) => model.send_msg({ wish: name, value })
  const inputs = {}
  for (const [name, title, first, scale, write] of SLIDERS) {
    const row = make(controls, "slider", "", "label")
    make(row, "label", title, "span")
    const value = make(row, "value", write(scale(first)), "span")
    const input = make(row, name, "", "input")
    Object.assign(input, { type: "range", min: 0, max: 100, value: first, name })
    input.addEventListener("input", () => {
      value.textContent = write(scale(input.valueAsNumber))
      wish(name, scale(input.valueAsNumber))
    })
    inputs[name] = { input, show: () => { value.textContent = write(scale(input.valueAsNumber)) }, first }
  }
  const row = make(controls, "buttons")
  const buttons = {}
  let frozen = false
  for (const [name, title] of BUTTONS) {
    const button = buttons[name] = make(row, `press ${name}`, title, "button")
    button.addEventListener("click", () => {
      if (name === "heal") for (const one of Object.values(inputs)) { one.input.value = one.first; one.show() }
      wish(name, name === "freeze" ? (frozen ? 0 : 1) : 1)
    })
  }
  const ours = reader(grid, "ours", "rtlab", "What the reader cannot take is merged into one increment, which is as exact.")
  const plain = reader(grid, "plain", "A plain server", "Every message is queued for the reader, for as long as it takes.")
  const ladder = make(grid, "card ladder-card", "", "section")
  make(ladder, "title", "The ladder: how the server treats the reader, and how often it came there", "h2")
  const steps = make(ladder, "steps")
  const marks = STEPS.map((step) => {
    const mark = make(steps, `step ${step.toLowerCase()}`)
    make(mark, "where", step)
    return [step, mark, make(mark, "times", "0")]
  })
  const proof = make(grid, "card proof", "", "section")
  make(proof, "title", "The proof: the same orders through an engine of our own", "h2")
  const verdict = make(proof, "verdict", "waiting for the first book")
  const sums = make(proof, "sums")
  const curves = [curve(grid, "Behind by", "stale_ms", age), curve(grid, "Bytes held", "held", bytes)]
  root.append(model.get_child("beat"))

  const kept = []
  let told = null, waiting = false
  const fill = ({ card, pill, cells }, now) => {
    pill.textContent = now.state
    card.dataset.state = now.state
    for (const [name, , write, grave] of CELLS) {
      cells[name].textContent = now[name] == null ? "–" : write(now[name])
      cells[name].classList.toggle("grave", Boolean(grave && now[name] > 0))
    }
  }
  const paint = () => {
    waiting = false
    fill(ours, told.ours)
    fill(plain, told.plain)
    frozen = told.frozen
    buttons.freeze.textContent = frozen ? "Let the reader go on" : "Freeze the reader"
    buttons.freeze.classList.toggle("on", frozen)
    buttons.kill.disabled = told.killing
    for (const [step, mark, times] of marks) {
      mark.classList.toggle("here", told.ours.state === step)
      times.textContent = whole(told.ladder[step] ?? 0)
    }
    const { checks, different, epoch, seq } = told.proof
    verdict.className = `verdict ${different ? "bad" : checks ? "good" : ""}`
    verdict.textContent = checks
      ? `${different ? "✗ DIFFERENT" : "✓ Equal"}: ${whole(checks)} comparisons, ${whole(different)} different; epoch ${epoch}, change ${whole(seq)}`
      : "waiting for the first book"
    sums.textContent = told.proof.sums
    for (const draw of curves) draw(kept)
  }
  model.on("msg:custom", (message) => {
    told = message
    kept.push(message)
    if (kept.length > KEPT) kept.shift()
    if (!waiting) { waiting = true; requestAnimationFrame(paint) }
  })
  model.on("theme", () => { label(); wear() })
  model.send_msg({ ready: true, theme: wished() })
  requestAnimationFrame(wear)
  wear()
  return root
}
