// Errors say whose fault it is: IdentityError and UnreadableError a peer's, RefusedError the relay's.

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
