/**
 * What can go wrong between us and a port mapper.
 */
import { BeamscopeError } from '../errors.ts'

/** A failure with the EPMD at an address. */
export abstract class EpmdError extends BeamscopeError {
  /** `host:port`. */
  readonly address: string
  constructor(
    message: string,
    address: string,
    options?: { readonly cause?: unknown; readonly hint?: string },
  ) {
    super(message, options)
    this.address = address
  }
}

/** The host is there, and no EPMD listens on the port. */
export class NoEpmdError extends EpmdError {
  readonly code = 'ERR_EPMD_NOT_RUNNING'
  constructor(address: string, cause: unknown) {
    super(`no EPMD listens on ${address}`, address, {
      cause,
      hint:
        'if EPMD has another port there, give it by --epmd-port; if the node runs without EPMD, give ' +
        'the port of the node itself by --port',
    })
  }
}

/** EPMD is there and does not know the name. */
export class NameNotRegisteredError extends EpmdError {
  readonly code = 'ERR_EPMD_NAME_NOT_REGISTERED'
  /** The part of a node's name before the `@`. */
  readonly alive: string
  /** Which names it knows, `undefined` if it could not be asked. */
  readonly registered: readonly string[] | undefined
  constructor(alive: string, address: string, registered: readonly string[] | undefined) {
    super(`no node is registered as ${alive} in the EPMD at ${address}`, address, {
      ...(registered !== undefined && {
        hint:
          registered.length === 0
            ? 'no node is registered there at all'
            : `registered there: ${registered.join(', ')}`,
      }),
    })
    this.alive = alive
    this.registered = registered
  }
}

/** The node is registered, and speaks no version of the distribution protocol that we speak. */
export class DistributionVersionError extends EpmdError {
  readonly code = 'ERR_EPMD_DISTRIBUTION_VERSION'
  readonly alive: string
  readonly lowestVersion: number
  readonly highestVersion: number
  constructor(alive: string, address: string, lowestVersion: number, highestVersion: number) {
    super(
      `${alive} speaks the versions ${lowestVersion} to ${highestVersion} of the distribution ` +
        'protocol, and beamscope speaks 6',
      address,
      { hint: 'version 6 is spoken by nodes of OTP 23 and later' },
    )
    this.alive = alive
    this.lowestVersion = lowestVersion
    this.highestVersion = highestVersion
  }
}

/** EPMD does not take the name: most likely another node has it. */
export class RegistrationRefusedError extends EpmdError {
  readonly code = 'ERR_EPMD_REGISTRATION_REFUSED'
  readonly alive: string
  constructor(alive: string, address: string) {
    super(`the EPMD at ${address} refuses to register ${alive}`, address, {
      hint: 'most likely another node has the name: choose one by --name',
    })
    this.alive = alive
  }
}

/** What came is no message of EPMD. */
export class EpmdProtocolError extends EpmdError {
  readonly code = 'ERR_EPMD_PROTOCOL'
  constructor(address: string, what: string) {
    super(`${address} does not speak like an EPMD: ${what}`, address, {
      hint: 'is the port right? EPMD has 4369 unless ERL_EPMD_PORT says otherwise',
    })
  }
}

/** The connection ended before the answer did. */
export class EpmdClosedError extends EpmdError {
  readonly code = 'ERR_EPMD_CLOSED'
  constructor(address: string, hint: string, cause: unknown) {
    super(`the EPMD at ${address} closed the connection without a whole answer`, address, {
      cause,
      hint,
    })
  }
}

/** `ERL_EPMD_PORT` is no port. */
export class InvalidEpmdPortError extends BeamscopeError {
  readonly code = 'ERR_EPMD_PORT'
  readonly value: string
  constructor(value: string) {
    super(`ERL_EPMD_PORT is ${JSON.stringify(value)}, which is no port`, {
      hint: 'a port is a number from 1 to 65535',
    })
    this.value = value
  }
}
