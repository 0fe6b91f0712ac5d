// What comes in: opened, shown at once, and saved a little later or with what is sent next, whichever comes first. Until
// it is saved it is not acknowledged, so that after a crash the relay has it still.

import { equal, hex, unbase64 } from "../bytes.js"
import { IdentityError, UnreadableError } from "../errors.js"
import * as envelope from "../mls/envelope.js"
import * as mls from "../mls/group.js"
import * as contents from "./content.js"
import { accountOf, compareHead, newsOf } from "./people.js"

const TYPES_FOR = 4000 // ms after the last word of it

export class Inbox {
  #typed = new Map()

  // `alarm(problem)`, `changed()`
  constructor({ known, turns, groups, membership, marks, counts, alarm, changed }) {
    Object.assign(this, { known, turns, groups, membership, marks, counts, alarm, changed })
  }

  isTyping(account) {
    return (this.#typed.get(account) ?? 0) > Date.now() - TYPES_FOR
  }

  async take({ cursor, envelope: sealed }) {
    if (cursor <= this.known.cursor) return
    let changes = []
    let wipe
    try {
      ;({ changes, wipe } = await this.#opened(await envelope.open(unbase64(sealed))))
    } catch (problem) {
      if (!(problem instanceof UnreadableError) && !(problem instanceof IdentityError) && !(problem instanceof TypeError)) throw problem
      this.counts.unreadable++
      this.alarm(problem)
    }
    this.known.saveSoon([...changes, ["cursor", cursor]])
    wipe?.()
  }

  async takeFleeting({ envelope: sealed }) {
    const { kind, sender, payload } = await envelope.open(unbase64(sealed))
    const group = this.known.get(`group:${hex(mls.groupOf(payload))}`)
    if (kind !== envelope.FLEETING || !group) return
    const made = await mls.open(this.groups.live(group), payload, () => { throw new UnreadableError("a commit comes otherwise") })
    const content = contents.decode(made.content, hex(sender))
    this.known.saveSoon([this.groups.stepped(group, made)])
    made.wipe()
    if (content.kind !== "typing" || this.known.chat(group.peer)?.status !== "accepted") return
    this.#typed.set(group.peer, Date.now())
    this.changed()
    setTimeout(() => this.changed(), TYPES_FOR + 100)
  }

  async #opened({ kind, sender, payload }) {
    if (kind === envelope.WELCOME) return { changes: await this.membership.join(sender, payload) }
    const group = this.known.get(`group:${hex(mls.groupOf(payload))}`)
    if (!group) throw new UnreadableError("a message is of a conversation that is not known here")
    const live = this.groups.live(group)
    const from = mls.members(live).find(({ device }) => equal(device, sender))
    const made = await mls.open(live, payload, this.groups.check(group.peer))
    if (made.committed) return { changes: this.#committed(kind, group, live, made), wipe: made.wipe }
    if (kind !== envelope.MESSAGE) throw new UnreadableError("a message comes in another envelope")
    const content = contents.decode(made.content, hex(sender))
    const account = from ? accountOf(from.credential) : group.peer
    const changes = [this.groups.stepped(group, made), ...this.#shown(group.peer, account, content)]
    this.#compare(content.heads)
    return { changes, wipe: made.wipe }
  }

  #committed(kind, group, live, made) {
    if (kind !== envelope.COMMIT) throw new UnreadableError("a commit comes in another envelope")
    newsOf(mls.members(live), mls.members(made.group)).forEach((news) => this.alarm(news))
    const { pending, ...rest } = group // another commit came first: what was pending is void
    const isOut = !mls.members(made.group).some(({ device }) => equal(device, this.known.me.device.publicKey))
    return [this.groups.stepped(rest, made, { isOver: isOut || undefined })]
  }

  #shown(peer, account, { heads, device, ...content }) {
    const chat = this.known.chatWith(peer, "request")
    const messages = this.known.said(peer)
    const isMine = account === this.known.me.account
    if (content.kind === "mark") return isMine ? [] : this.#marked(messages, content)
    if (chat.status === "blocked" || messages.some(({ id }) => id === content.id)) return []
    if (!isMine) this.#typed.delete(peer)
    if (!isMine && chat.status === "accepted") this.marks.add(peer, "delivered", [content.id])
    const message = { ...content, mine: isMine, state: isMine ? "sent" : undefined, got: Date.now() }
    const [[key, kept], said] = this.known.saying(peer, message)
    return [[key, { ...kept, status: chat.status, unread: chat.unread + (isMine ? 0 : 1) }], said]
  }

  #marked(messages, { read, delivered }) {
    const levels = new Map([...(delivered ?? []).map((id) => [id, "delivered"]), ...(read ?? []).map((id) => [id, "read"])])
    const raised = messages.filter(({ id, mine, state }) => mine && levels.has(id) && state !== "read")
    return raised.map((one) => [one.key, { ...one, state: levels.get(one.id) }])
  }

  // Compares what the other side has seen of both accounts' logs with what was seen here.
  #compare(heads = {}) {
    for (const [account, head] of Object.entries(heads)) {
      const hashes = this.known.get(`pins:${account}`)
      if (!hashes || compareHead(head, hashes) !== "longer") continue
      this.turns.take(async () => {
        const looked = await this.membership.look(account)
        await this.known.save([[`pins:${account}`, looked.hashes]])
        if (compareHead(head, looked.hashes) === "longer") throw new IdentityError("the directory withholds entries that the other side has seen")
        await this.membership.reconcile()
      }).catch(() => {})
    }
  }
}
