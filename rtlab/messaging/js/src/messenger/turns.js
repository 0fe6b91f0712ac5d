// Everything that a device does is done in turns, one after the other, for every step of MLS goes on from the last.

export class Turns {
  #last = Promise.resolve()

  // `alarm(problem)` hears of every turn that failed, beside whoever waits for it.
  constructor(alarm) {
    this.alarm = alarm
  }

  take(work) {
    const turn = this.#last.then(work)
    this.#last = turn.catch((problem) => this.alarm(problem))
    return turn
  }
}
