// The records of a store: every put is one, written as a whole, for a message changes some eight values, and each of
// them by itself would go to another process and back. Later, when there is time, what they say is written to the
// values' own places, and they are forgotten. Whatever a crash leaves, the values with all records on top are the same.

const START = "log:"
const nameOf = (n) => `${START}${String(n).padStart(12, "0")}`

const isRecord = (key) => key.startsWith(START)

export class Records {
  #last = 0
  #kept = new Map() // name: changes that are in no place of their own yet

  get count() {
    return this.#kept.size
  }

  // Reads what a store has: {key: value}, of which some are records; gives what they come to.
  read(stored) {
    const values = new Map([...stored].filter(([key]) => !isRecord(key)))
    for (const name of [...stored.keys()].filter(isRecord).sort()) {
      const changes = stored.get(name)
      this.add(name, changes)
      this.#last = Math.max(this.#last, Number(name.slice(START.length)))
      for (const [key, value] of changes) {
        if (value === undefined) values.delete(key)
        else values.set(key, value)
      }
    }
    return values
  }

  // Gives the next record, [name, value]; `add` it once it is written.
  next(changes) {
    return [nameOf(++this.#last), [...changes].map(([key, value]) => (value === undefined ? [key] : [key, value]))]
  }

  add(name, changes) {
    this.#kept.set(name, [...changes])
  }

  // Gives the names of so many of the oldest records, and what is to be written to places before those are forgotten:
  // what a later record says anew is left to that.
  oldest(count) {
    const all = [...this.#kept]
    const later = new Set(all.slice(count).flatMap(([, changes]) => changes.map(([key]) => key)))
    const changes = new Map(all.slice(0, count).flatMap(([, changes]) => changes).filter(([key]) => !later.has(key)))
    return { names: all.slice(0, count).map(([name]) => name), changes }
  }

  forget(names) {
    for (const name of names) this.#kept.delete(name)
  }
}
