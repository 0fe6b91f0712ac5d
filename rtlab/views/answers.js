// When Python is told which drawing was painted. It waits between two drawings of a panel and has no clock: it draws
// what waits when an answer comes. So after the newest drawing answers go on until no panel can wait any more; of many
// drawings one answer comes early, and counts for none of these. A hidden tab paints nothing (requestAnimationFrame
// rests), so it answers nothing, and Python sends the newest state on its return.

const ANSWER_MS = 150 // between a drawing and its answer, and between that and the next
const ANSWERS = 2 // after the newest drawing: the last comes after the longest period of a panel
const MANY = 4 // drawings are answered at once: with eight unanswered Python waits

export class Answers {
  // `tell(number)` says that drawing `number` is on the screen
  constructor(tell) {
    this.tell = tell
    this.newest = this.told = this.timer = this.left = 0
    this.painting = false
  }

  drawn(number) {
    this.newest = number
    this.left = ANSWERS
    if (!this.painting) this.wait()
  }

  stop() {
    clearTimeout(this.timer)
    this.left = 0
  }

  get many() {
    return this.newest - this.told >= MANY
  }

  wait() {
    clearTimeout(this.timer)
    if (this.left) this.timer = setTimeout(() => this.answer(), this.many ? 0 : ANSWER_MS)
  }

  answer() {
    const painted = this.newest
    this.painting = true
    requestAnimationFrame(() => {
      this.painting = false
      if (!this.left) return // stopped
      if (!this.many && painted === this.newest) this.left--
      this.told = painted
      this.tell(painted)
      this.wait()
    })
  }
}
