import { BeamscopeError } from '../errors.ts'

/** A program that is to be run is not installed. */
export class ProgramMissingError extends BeamscopeError {
  override readonly code = 'ERR_PROGRAM_MISSING'
  readonly program: string

  constructor(program: string, options: { readonly cause: unknown }) {
    super(`${program} is not on PATH`, { ...options, hint: `install ${program}` })
    this.program = program
  }
}

/** A program did not end in time and was killed. */
export class ProgramTimeoutError extends BeamscopeError {
  override readonly code = 'ERR_PROGRAM_TIMEOUT'
  readonly program: string
  /** Milliseconds. */
  readonly timeout: number

  constructor(program: string, timeout: number) {
    super(`${program} did not end within ${timeout} ms`)
    this.program = program
    this.timeout = timeout
  }
}

/** A name or cookie that a node cannot have. */
export class InvalidNodeOptionError extends BeamscopeError {
  override readonly code = 'ERR_INVALID_NODE_OPTION'
  readonly option: string

  constructor(option: string, rule: string) {
    super(`the node's ${option} must be ${rule}`)
    this.option = option
  }
}

/** Neither Docker nor PATH has the release that was asked for. */
export class ReleaseUnavailableError extends BeamscopeError {
  override readonly code = 'ERR_RELEASE_UNAVAILABLE'
  readonly release: number | undefined

  constructor(release: number | undefined, reason: string, hint: string) {
    super(reason, { hint })
    this.release = release
  }
}

/** The release is there, recon is not. */
export class ReconUnavailableError extends BeamscopeError {
  override readonly code = 'ERR_RECON_UNAVAILABLE'

  constructor(reason: string, hint: string) {
    super(reason, { hint })
  }
}

/** A node from PATH has no network of its own. */
export class IsolationUnavailableError extends BeamscopeError {
  override readonly code = 'ERR_ISOLATION_UNAVAILABLE'

  constructor(reason: string, hint: string) {
    super(reason, { hint })
  }
}

/** Of the logs, in a message. */
const shownLines = 20

/** Something failed in or with a node: the message ends with the last lines of the node's logs. */
abstract class NodeError extends BeamscopeError {
  readonly node: string
  readonly #logs: string

  constructor(node: string, message: string, logs: string, options?: { readonly cause: unknown }) {
    const end = logs.trimEnd().split('\n').slice(-shownLines).join('\n')
    super(end === '' ? message : `${message}\nthe last that it printed:\n${end}`, options)
    this.node = node
    this.#logs = logs
  }

  /** All that the node printed, up to a megabyte; a getter, so that no error report prints it. */
  get logs(): string {
    return this.#logs
  }
}

/** The node ended before it was ready. */
export class NodeExitedError extends NodeError {
  override readonly code = 'ERR_NODE_EXITED'

  constructor(node: string, logs: string) {
    super(node, `${node} ended before it was ready`, logs)
  }
}

/** The node runs, but was not registered in EPMD, or did not answer, in time. */
export class NodeNotReadyError extends NodeError {
  override readonly code = 'ERR_NODE_NOT_READY'
  readonly missing: 'registration' | 'answer'

  constructor(
    node: string,
    missing: 'registration' | 'answer',
    logs: string,
    options: { readonly cause: unknown },
  ) {
    const what = missing === 'registration' ? 'is not registered in EPMD' : 'does not answer'
    super(node, `${node} runs, but ${what}`, logs, options)
    this.missing = missing
  }
}

/** What was to be done to a node, or to its port mapper, was not. */
export class NodeCommandError extends BeamscopeError {
  override readonly code = 'ERR_NODE_COMMAND'
  readonly node: string
  /** The name of a signal, for instance. */
  readonly command: string

  constructor(node: string, command: string) {
    super(`${command} fails on ${node}: it has ended, or has no port mapper of its own`)
    this.node = node
    this.command = command
  }
}

/** The network of a node could not be cut, or restored. */
export class NodeLinkError extends BeamscopeError {
  override readonly code = 'ERR_NODE_LINK'
  readonly node: string
  readonly state: 'up' | 'down'

  constructor(node: string, state: 'up' | 'down', reason: string) {
    super(`the network of ${node} cannot be set ${state}: ${reason}`)
    this.node = node
    this.state = state
  }
}

/** The expression raised an exception, cannot be parsed, or the node could not be asked. */
export class EvaluationError extends NodeError {
  override readonly code = 'ERR_EVALUATION'
  readonly expression: string
  /** What Erlang says, `error:badarg` for instance. */
  readonly reason: string

  constructor(
    node: string,
    expression: string,
    reason: string,
    logs: string,
    options: { readonly cause: unknown },
  ) {
    super(node, `${node} cannot evaluate ${expression}\n${reason}`, logs, options)
    this.expression = expression
    this.reason = reason
  }
}
