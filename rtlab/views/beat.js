// Tells Python the newest drawing that was painted: when no more came for a while, and of many at once. A hidden tab
// paints nothing (requestAnimationFrame rests), so it answers nothing, and Python sends the newest state on its return.
const AFTER_MS = 150
const MANY = 4 // with eight unanswered Python waits
// A notebook opens the way to its kernel half a second after the output, and loses what is said before: so it is
// said again until Python answers.
const AGAIN_MS = 1000

// In a notebook Panel sends back what Python has sent. An old column that comes back undoes what was streamed
// since, and a colour comes back in a form that Python refuses, with all else in the same message. So nothing of
// our own figures is sent: they are changed by Python, and what the browser does with them it keeps.
const ours = ({ tags, renderers }) => tags.includes("rtlab") || renderers?.some(({ name }) => name === "dense")

function keep_here(document) {
  for (const model of document.all_models) {
    if (model.type !== "Figure" || !ours(model)) continue
    for (const part of [model, ...model.references()])
      for (const property of Object.values(part.properties)) property.internal = true
  }
}

export function render({ model }) {
  let newest = 0, told = 0, timer = 0, telling = false, known = 0
  const answer = () => {
    if (telling) return
    clearTimeout(timer)
    timer = setTimeout(tell, newest - told < MANY ? AFTER_MS : 0)
  }
  const tell = () => {
    const painted = newest
    telling = true
    requestAnimationFrame(() => {
      telling = false
      told = painted
      model.send_msg({ painted })
      // a drawing that came while this answer waited was answered early: what Python held back then needs another
      if (newest !== painted) answer()
    })
  }
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
  model.on("remove", () => clearInterval(appearing))
  model.on("msg:custom", ({ sent, ping }) => {
    clearInterval(appearing)
    if (ping) return model.send_msg({ alive: true })
    guard()
    newest = sent
    answer()
  })
  guard()
  appear()
  return document.createElement("div")
}
