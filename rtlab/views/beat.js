// The browser's half of a view that is drawn by a `Beat`; answers.js tells which drawings are painted.
//
// A notebook opens the way to its kernel half a second after the output, and loses what is said before: so it is
// said again until Python answers.
const AGAIN_MS = 1000

// In a notebook Panel sends back what Python has sent. An old column that comes back undoes what was streamed
// since, and a colour comes back in a form that Python refuses, with all else in the same message. So nothing of
// our own figures is sent: they are changed by Python, and what the browser does with them it keeps.
const ours = ({ tags, renderers }) => tags.includes("rtlab") || renderers?.some(({ name }) => name === "dense")

const holds_models = (value) => {
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return false
  if (value.properties && value.references) return true
  const parts = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : Object.values(value)
  return parts.length < 1000 && parts.some(holds_models)
}

// By what holds models Bokeh finds those that are in use: once nothing came for 30 s it forgets all others, and what
// Python sends them then is an error. So that stays as it is.
function keep_here(document) {
  for (const model of document.all_models) {
    if (model.type !== "Figure" || !ours(model)) continue
    for (const part of [model, ...model.references()])
      for (const property of Object.values(part.properties))
        property.internal = property.is_unset || !holds_models(property.get_value())
  }
}

export function render({ model }) {
  let known = 0
  const answers = new Answers((painted) => model.send_msg({ painted }))
  const guard = () => {
    const { document } = model
    if (document && document.all_models.size !== known) {
      known = document.all_models.size
      keep_here(document)
    }
  }
  const view = Math.random().toString(36).slice(2)
  const appear = () => model.send_msg({ ready: view })
  const appearing = setInterval(appear, AGAIN_MS)
  model.on("remove", () => {
    clearInterval(appearing)
    answers.stop()
  })
  model.on("msg:custom", ({ sent, ping }) => {
    clearInterval(appearing)
    if (ping) return model.send_msg({ alive: true })
    guard()
    answers.drawn(sent)
  })
  guard()
  appear()
  return document.createElement("div")
}
