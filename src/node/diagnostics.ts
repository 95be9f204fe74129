/**
 * What a client does, told to whoever subscribes through `node:diagnostics_channel`. Nobody listening
 * costs nothing; arguments, results and cookies are never told.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html
 */
import { channel } from 'node:diagnostics_channel'

/** The events by the names of their channels. Durations in milliseconds. */
export interface DiagnosticEvents {
  /** A connection stands, or could not be had. */
  readonly 'beamscope:connect': {
    readonly node: string
    /** `host:port`, once it is known. */
    readonly address: string | undefined
    readonly duration: number
    readonly error: unknown
  }
  /** A handshake ended, from either side. */
  readonly 'beamscope:handshake': {
    readonly address: string
    readonly duration: number
    /** The flags in force; `undefined` when it failed. */
    readonly flags: bigint | undefined
    readonly error: unknown
  }
  /** A call settled, whether it was sent or not. */
  readonly 'beamscope:call': {
    readonly node: string
    /** `module:function/arity`, or the server. */
    readonly what: string
    readonly duration: number
    readonly error: unknown
  }
  /** A tick was sent or came. */
  readonly 'beamscope:tick': {
    readonly node: string
    readonly direction: 'sent' | 'received'
  }
  /** A node was registered in EPMD, for the first time or again, or could not be. */
  readonly 'beamscope:register': {
    /** The part of the node's name before the `@`. */
    readonly name: string
    /** EPMD's: `host:port`. */
    readonly address: string
    readonly error: unknown
  }
  /** A connection ended. */
  readonly 'beamscope:close': {
    readonly node: string
    readonly error: Error
  }
}

const channels = {
  'beamscope:connect': channel('beamscope:connect'),
  'beamscope:handshake': channel('beamscope:handshake'),
  'beamscope:call': channel('beamscope:call'),
  'beamscope:tick': channel('beamscope:tick'),
  'beamscope:register': channel('beamscope:register'),
  'beamscope:close': channel('beamscope:close'),
} as const satisfies Readonly<Record<keyof DiagnosticEvents, unknown>>

/** Publishes an event, which is only made where somebody listens. */
export function publish<Name extends keyof DiagnosticEvents>(
  name: Name,
  makeEvent: () => DiagnosticEvents[Name],
): void {
  if (channels[name].hasSubscribers) channels[name].publish(makeEvent())
}

/** Tells that a call settled, which was made at `start`. */
export function tellOfCall(node: string, what: string, start: number, error: unknown): void {
  publish('beamscope:call', () => ({ node, what, duration: performance.now() - start, error }))
}
