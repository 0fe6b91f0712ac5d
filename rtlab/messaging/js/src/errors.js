// Errors say whose fault it is: IdentityError and UnreadableError a peer's, RefusedError the relay's, MessagingError
// that of who asks for what cannot be done.

export class IdentityError extends Error {
  name = "IdentityError"
}

export class UnreadableError extends Error {
  name = "UnreadableError"
}

export class RefusedError extends Error {
  name = "RefusedError"
  constructor(why, code, retryAfter) {
    super(why)
    this.code = code
    this.retryAfter = retryAfter
  }
}

export class MessagingError extends Error {
  name = "MessagingError"
}
