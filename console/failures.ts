// What a call to the daemon failed with, as the views tell it apart. Pure.

/**
 * `unreachable`: no server answers. `token`: it answers, and wants a token for this, or another one. `stopped`: we gave up the call
 * ourselves. `refused`: the server said why. `slow`: no answer within the time that we give it.
 */
export type FailureKind = 'unreachable' | 'token' | 'stopped' | 'refused' | 'slow'

export class CallFailure extends Error {
  override readonly name = 'CallFailure'

  constructor(
    readonly kind: FailureKind,
    message: string,
    /** As `ApiError` says it; empty where no server said anything. */
    readonly code: string = '',
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
  }
}

export function asCallFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error
  return new CallFailure('refused', error instanceof Error ? error.message : String(error))
}
