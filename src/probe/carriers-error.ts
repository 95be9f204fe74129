/**
 * Why the carriers of a node cannot be looked into.
 */
import { BeamscopeError } from '../errors.ts'

/** The node has no module `instrument`. */
export class InstrumentMissingError extends BeamscopeError {
  readonly code = 'ERR_INSTRUMENT_MISSING'
  readonly node: string
  /** The application that would have it, for the node's release. */
  readonly application: string
  constructor(node: string, otpRelease: string | undefined) {
    const application = Number(otpRelease) < 26 ? 'tools' : 'runtime_tools'
    // The node says it, and may say anything.
    const release = /^\d{1,3}$/.test(otpRelease ?? '') ? otpRelease : '26 and later'
    super(`${node} has no module instrument, which is in ${application} on OTP ${release}`, {
      hint:
        `add ${application} to the applications of its release (mix: extra_applications; rebar3: the ` +
        'list in relx), where it need not be started. beamscope fragmentation does without',
    })
    this.node = node
    this.application = application
  }
}

/** No allocator that was asked for has an instance of such a number. */
export class NoSuchInstanceError extends BeamscopeError {
  readonly code = 'ERR_NO_SUCH_INSTANCE'
  readonly node: string
  readonly instance: number
  readonly instances: readonly number[]
  constructor(node: string, instance: number, instances: readonly number[]) {
    const last = instances.reduce((highest, it) => Math.max(highest, it), 0)
    super(`${node} has no instance ${instance} of these allocators`, {
      hint:
        last === 0
          ? 'they have the global instance alone: leave out --scheduler'
          : `schedulers have 1 to ${last}, and 0 is the global instance`,
    })
    this.node = node
    this.instance = instance
    this.instances = instances
  }
}
