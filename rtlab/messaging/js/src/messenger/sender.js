// Sends contents to an account: encrypted, sealed, saved with what they changed, and only then given to the relay.

import { base64 } from "../bytes.js"
import * as envelope from "../mls/envelope.js"
import * as contents from "./content.js"

export class Sender {
  constructor({ known, relay, groups, membership, outbox, counts }) {
    Object.assign(this, { known, relay, groups, membership, outbox, counts })
  }

  async send(account, content) {
    const group = this.groups.of(account) ?? (await this.membership.start(account))
    const made = await this.groups.encrypt(group, content)
    contents.decode(contents.encode(made.content), made.content.device)
    const sealed = await envelope.seal(envelope.MESSAGE, this.known.me.device, made.payload)
    const changes = [
      this.groups.stepped(group, made, { sent: group.sent + 1 }),
      this.outbox.put({ to: made.to, envelope: sealed, message: made.content.id, account }),
    ]
    if (content.kind !== "mark") {
      const { heads, device, ...shown } = made.content
      changes.push(...this.known.saying(account, { ...shown, mine: true, state: "saved" }))
    }
    await this.known.save(changes)
    made.wipe()
    this.outbox.flush()
    await this.membership.renew(this.known.get(`group:${group.id}`))
    return made.content.id
  }

  // Tells the other side that something is being written: nothing is kept of it, and it is not sent again.
  async typing(account) {
    const group = this.groups.of(account)
    if (!group || this.known.chatWith(account).status !== "accepted") return
    const made = await this.groups.encrypt(group, { kind: "typing" })
    await this.known.save([this.groups.stepped(group, made)])
    made.wipe()
    const sealed = await envelope.seal(envelope.FLEETING, this.known.me.device, made.payload)
    this.relay.ask("send", { to: made.to, envelope: base64(sealed) }).catch(() => this.counts.refused++)
  }
}
