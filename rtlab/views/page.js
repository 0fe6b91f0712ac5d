// The shell of a page: header, the panels' places, light and dark. The panels draw themselves, in the order of
// `places`.
const TITLE_MS = 250 // the window's title is dear: another process draws it
const GONE_MS = 2000 // by then nothing comes any more for what was shown before

function make(parent, kind, text = "", tag = "div") {
  const element = parent.appendChild(document.createElement(tag))
  element.className = kind
  element.textContent = text
  return element
}

function choices(header, model) {
  const select = make(header, "choice", "", "select")
  select.setAttribute("aria-label", "Instrument")
  for (const symbol of model.symbols) select.append(new Option(symbol, symbol, false, symbol === model.symbol))
  select.addEventListener("change", () => model.send_msg({ symbol: select.value }))
}

function themes(header, model, wear) {
  const button = make(header, "switch", "", "button")
  const label = () => {
    const other = model.theme === "dark" ? "light" : "dark"
    button.textContent = other === "dark" ? "☾" : "☀"
    button.title = `Switch to ${other}`
    button.setAttribute("aria-label", button.title)
  }
  button.addEventListener("click", () => {
    model.theme = model.theme === "dark" ? "light" : "dark"
    model.send_msg({ wear: model.theme }) // in a notebook under load the property alone may not arrive
    try { localStorage.setItem("rtlab-theme", model.theme) } catch { /* a reader who allows no storage */ }
  })
  model.on("theme", () => { label(); wear() })
  label()
}

function wished() {
  let stored = null
  try { stored = localStorage.getItem("rtlab-theme") } catch { /* as above */ }
  return stored ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
}

// Bokeh looks which models are still in use once nothing came for 30 s. A feed is never silent for so long: those of an
// instrument that was left would stay for ever, with their points.
function let_go(view) {
  setTimeout(() => view.model.document?._recompute_all_models?.(), GONE_MS)
}

export function render({ model, view }) {
  const root = document.createElement("div")
  let state = ""
  let_go(view)
  const wear = () => {
    root.className = `rt page ${model.kind} ${model.theme} ${model.alone ? "alone" : ""} ${state}`
    if (model.alone) document.documentElement.style.background = getComputedStyle(root).backgroundColor || ""
  }
  const header = make(root, "header", "", "header")
  make(header, "mark", "rtlab")
  if (model.symbols.length) choices(header, model)
  const last = make(header, "last")
  const way = last.appendChild(document.createTextNode("")), price = last.appendChild(document.createTextNode(""))
  make(header, "room")
  themes(header, model, wear)
  const strip = make(root, "strip")
  strip.append(model.get_child("health"))
  strip.hidden = !model.has_feed
  const grid = make(root, "grid", "", "main")
  const panels = model.get_child("panels")
  for (const [i, [name, title]] of model.places.entries()) {
    const card = make(grid, `card ${name}`, "", "section")
    make(card, "title", title, "h2")
    make(card, "body").append(panels[i])
  }
  root.append(model.get_child("beat"))

  let told = null, waiting = false, titled = 0
  const paint = (now) => {
    waiting = false
    way.data = ["▼ ", "", "▲ "][told.way + 1]
    price.data = told.last ?? ""
    last.className = `last ${["down", "", "up"][told.way + 1]}`
    if (!model.alone || now - titled < TITLE_MS) return
    titled = now
    const shown = model.symbol || model.places[0][1]
    document.title = `${told.last ? `${told.last} ` : ""}${shown} · rtlab`
  }
  // said again until Python answers: see beat.js
  const appear = () => model.send_msg({ ready: true, theme: wished() })
  const appearing = setInterval(appear, 1000)
  model.on("remove", () => clearInterval(appearing))
  model.on("msg:custom", (message) => {
    clearInterval(appearing)
    told = message
    if (!waiting) { waiting = true; requestAnimationFrame(paint) }
  })
  root.addEventListener("rt-liveness", ({ detail }) => { state = detail.still ? "still" : ""; wear() })
  appear()
  requestAnimationFrame(wear)
  wear()
  return root
}
