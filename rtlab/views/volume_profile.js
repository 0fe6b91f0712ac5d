// Bars of what was bought and sold at each price, the highest on top. Rows are made once; a repaint changes what
// differs. The last line says how much a row holds, or reads out the row under the mouse or the keyboard's.
const ROW_PX = 6, LABEL_PX = 24

const make = (parent, kind, text = "", tag = "div") => {
  const element = parent.appendChild(document.createElement(tag))
  element.className = kind
  element.textContent = text
  return element
}

function spelled(number, decimals) {
  return number.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

// each n-th row has its price beside it: n so that there is room, and prices are round
function every(rows, height) {
  for (let size = 1; ; size *= 10)
    for (const digit of [1, 2, 5])
      if (digit * size * height >= LABEL_PX * rows) return digit * size
}

function switches(head, model) {
  const group = make(head, "switches")
  group.setAttribute("role", "group")
  group.setAttribute("aria-label", "Trades that count")
  group.hidden = !model.has_window
  return [["Session", true], ["Window", false]].map(([text, whole]) => {
    const button = make(group, "", text, "button")
    button.title = whole ? "All trades of this session" : "The trades that the price chart shows"
    button.addEventListener("click", () => model.send_msg({ whole }))
    return [button, whole]
  })
}

export function render({ model, view }) {
  const root = document.createElement("div")
  const wear = () => { root.className = `rt volume ${model.theme}` }
  wear()
  const empty = make(root, "empty", `Waiting for a trade of ${model.symbol} …`)
  const head = make(root, "head")
  make(head, "bought", "▲ bought", "span")
  make(head, "sold", "▼ sold", "span")
  const buttons = switches(head, model)
  const body = make(root, "rows")
  body.tabIndex = 0
  body.setAttribute("role", "application")
  body.setAttribute("aria-roledescription", "volume profile")
  body.setAttribute("aria-label", `Volume of ${model.symbol} at each price: arrows walk from row to row, Home goes to the point of control`)
  const said = make(root, "said")
  said.setAttribute("role", "status")
  head.hidden = body.hidden = said.hidden = true

  const rows = []
  let told = null, at = null, waiting = false
  const badge = new Badge(view, said, () => told && at === null && {
    shown: told.shown, held: told.held, unit: "trades", exact: told.step === 1 ? "exact" : `${told.step.toLocaleString("en")} ticks a row`,
    merged: told.merged, of_merged: "updates", dropped: 0, of_dropped: "updates",
  })
  const words = said.appendChild(document.createTextNode(""))
  const count = () => told.rows.length / 2
  const ticks = (i) => told.first + (count() - 1 - i) * told.step
  const price = (i) => spelled(ticks(i) * model.tick, model.decimals)
  const size = (lots) => spelled(lots * model.lot, model.lot_decimals)
  const say = () => {
    const [bought, sold] = told.rows.slice(2 * at, 2 * at + 2)
    badge.tell()
    words.data = at === null ? "" : `${price(at)} · ▲ ${size(bought)} · ▼ ${size(sold)} · ${size(bought + sold)}`
  }
  const mark = (next) => {
    if (next !== null && !(next >= 0 && next < count())) return
    rows[at]?.element.classList.remove("chosen")
    at = next
    rows[at]?.element.classList.add("chosen")
    say()
  }
  const row = () => {
    const element = make(body, "level")
    return { element, label: make(element, "price", "", "span"), shape: "", text: "" }
  }
  const paint = () => {
    waiting = false
    const n = count()
    empty.hidden = n > 0 || !told.whole
    head.hidden = body.hidden = said.hidden = !empty.hidden
    while (rows.length < n) rows.push(row())
    while (rows.length > n) rows.pop().element.remove()
    if (at !== null && at >= n) at = null
    body.style.setProperty("--rows", n)
    if (n) body.style.setProperty("--price-width", `${Math.max(price(0).length, price(n - 1).length) + 5}ch`)
    const control = told.control === null ? -1 : n - 1 - told.control
    const most = n ? told.rows[2 * control] + told.rows[2 * control + 1] : 1
    const apart = n ? every(n, body.clientHeight || 1) : 1
    rows.forEach((one, i) => {
      const [bought, sold] = told.rows.slice(2 * i, 2 * i + 2)
      const shape = `${(100 * bought / most).toFixed(1)}% ${(100 * (bought + sold) / most).toFixed(1)}% ${i === control}`
      if (shape !== one.shape) {
        const [middle, end] = shape.split(" ")
        one.shape = shape
        one.element.style.setProperty("--bought", middle)
        one.element.style.setProperty("--all", end)
        one.element.className = `level${i === control ? " control" : ""}${i === at ? " chosen" : ""}`
      }
      const near = i !== control && Math.abs(i - control) < apart * 0.8
      const text = i === control ? `POC ${price(i)}` : !near && (ticks(i) / told.step) % apart === 0 ? price(i) : ""
      if (text !== one.text) one.label.textContent = one.text = text
    })
    for (const [button, whole] of buttons) button.setAttribute("aria-pressed", String(whole === told.whole))
    say()
  }
  new Keeper({
    title: () => `${model.symbol} volume at price`,
    head: () => ["price", "bought", "sold"],
    rows: () => rows.map((_, i) => [
      Number((ticks(i) * model.tick).toFixed(model.decimals)),
      ...[0, 1].map((side) => Number((told.rows[2 * i + side] * model.lot).toFixed(model.lot_decimals)))]),
    summary: () => `Volume of ${model.symbol} at each price. ${told?.note ?? "Nothing yet"}. ${badge.words}`,
  }, root)
  const soon = () => { if (told && !waiting) { waiting = true; requestAnimationFrame(paint) } }

  body.addEventListener("keydown", (event) => {
    const here = at ?? count() - 1 - told.control
    const next = { ArrowUp: here - (at !== null), ArrowDown: here + (at !== null), Home: count() - 1 - told.control }[event.key]
    if (next === undefined) return
    event.preventDefault()
    mark(next)
  })
  body.addEventListener("blur", () => mark(null))
  body.addEventListener("pointermove", (event) => mark(rows.findIndex((one) => one.element === event.target.closest(".level"))))
  body.addEventListener("pointerleave", () => mark(null))
  let fitting = 0
  const watcher = new ResizeObserver(() => {
    const now = Math.floor((root.clientHeight - 50) / ROW_PX)
    if (now > 0 && now !== fitting) model.send_msg({ fitting: (fitting = now) })
    soon()
  })
  watcher.observe(root)
  model.on("remove", () => { watcher.disconnect(); badge.leave() })
  model.on("msg:custom", (message) => { told = message; badge.came(); soon() })
  model.on("theme", wear)
  model.send_msg({ ready: true })
  return root
}
