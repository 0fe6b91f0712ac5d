// Candles with a switch for each indicator above them, in the colour of its line.
//
// It also tells Python which window the chart shows (candles.js), once per animation frame at most: one that follows
// the newest candle only when its length changes.
const looks = (globalThis.rtlab_looks ??= new Map())

export function render({ model }) {
  const root = document.createElement("div")
  const bar = root.appendChild(document.createElement("div"))
  bar.className = "bar"
  const switches = bar.appendChild(document.createElement("div"))
  switches.className = "switches"
  switches.setAttribute("role", "group")
  switches.setAttribute("aria-label", "Indicators")
  const told = bar.appendChild(document.createElement("span"))
  const place = root.appendChild(document.createElement("div"))
  place.className = "chart"
  place.append(model.get_child("chart"))

  const buttons = new Map()
  const show = () => {
    for (const [name, colour] of model.offered) {
      if (!buttons.has(name)) {
        const button = switches.appendChild(document.createElement("button"))
        button.textContent = name.replace(/^\w+/, (kind) => (kind === "bollinger" ? "Bollinger" : kind.toUpperCase()))
        button.addEventListener("click", () =>
          model.send_msg({ indicator: name, shown: button.getAttribute("aria-pressed") !== "true" }))
        buttons.set(name, button)
      }
      const button = buttons.get(name)
      button.style.setProperty("--line", colour)
      button.setAttribute("aria-pressed", String(model.chosen.includes(name)))
    }
  }
  const tell = () => { told.textContent = model.told }
  const wear = () => { root.className = `rt candles ${model.theme}` }

  let known = "", next = null, frame = 0
  const ask = () => {
    frame = 0
    model.send_msg({ look: next })
  }
  const look = (seen) => {
    const { x0, x1, most, live } = seen
    const key = live ? `${Math.round(x1 - x0)} ${most}` : `${x0} ${x1} ${most}`
    if (key === known) return
    known = key
    next = seen
    frame ||= requestAnimationFrame(ask)
  }
  looks.set(model.figure_id, look)
  model.on("remove", () => {
    cancelAnimationFrame(frame)
    if (looks.get(model.figure_id) === look) looks.delete(model.figure_id)
  })
  model.on("offered", show)
  model.on("chosen", show)
  model.on("told", tell)
  model.on("theme", wear)
  wear()
  show()
  tell()
  return root
}
