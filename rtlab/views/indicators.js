// Candles with a switch for each indicator above them, in the colour of its line.
export function render({ model }) {
  const root = document.createElement("div")
  const bar = root.appendChild(document.createElement("div"))
  bar.className = "bar"
  bar.setAttribute("role", "group")
  bar.setAttribute("aria-label", "Indicators")
  const place = root.appendChild(document.createElement("div"))
  place.className = "chart"
  place.append(model.get_child("chart"))

  const buttons = new Map()
  const show = () => {
    for (const [name, colour] of model.offered) {
      if (!buttons.has(name)) {
        const button = bar.appendChild(document.createElement("button"))
        button.textContent = name.replace(/^ema|^vwap/, (kind) => kind.toUpperCase()).replace(/^b/, "B")
        button.addEventListener("click", () =>
          model.send_msg({ indicator: name, shown: button.getAttribute("aria-pressed") !== "true" }))
        buttons.set(name, button)
      }
      const button = buttons.get(name)
      button.style.setProperty("--line", colour)
      button.setAttribute("aria-pressed", String(model.chosen.includes(name)))
    }
  }
  const wear = () => { root.className = `rt candles ${model.theme}` }
  model.on("offered", show)
  model.on("chosen", show)
  model.on("theme", wear)
  wear()
  show()
  return root
}
