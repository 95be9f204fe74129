/**
 * What the server refuses, and what keeps it from serving.
 */
import { BeamscopeError } from '../errors.ts'

/** A text that cannot be a token; the text itself is told to nobody. */
export class InvalidTokenError extends BeamscopeError {
  readonly code = 'ERR_SERVE_TOKEN'
  constructor(where: string, why: string) {
    super(`${where} ${why}`, {
      hint: 'make one of 44 characters: (umask 377; openssl rand -base64 32 > token)',
    })
  }
}

/** Why the port, and not the address, is refused. */
const LISTEN_REASONS: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  EACCES: {
    why: 'permission denied',
    hint: 'a port below 1024 takes a privilege; choose another one by --listen PORT',
  },
  EADDRINUSE: {
    why: 'somebody does already',
    hint: 'choose another port by --listen PORT; 0 is any that is free',
  },
}

/** The address cannot be listened on. */
export class ListenError extends BeamscopeError {
  readonly code = 'ERR_SERVE_LISTEN'
  /** `host:port`. */
  readonly address: string
  constructor(address: string, cause: NodeJS.ErrnoException) {
    const { why, hint } = LISTEN_REASONS[cause.code ?? ''] ?? {
      why: cause.message,
      hint: 'the address of --listen has to be one of this machine',
    }
    super(`cannot listen on ${address}: ${why}`, { cause, hint })
    this.address = address
  }
}

/** The packages by which figures are sent to a collector are not installed. */
export class OtlpMissingError extends BeamscopeError {
  readonly code = 'ERR_SERVE_OTLP_MISSING'
  constructor(cause: unknown) {
    super('--otlp needs the OpenTelemetry SDK, which is not installed beside beamscope', {
      cause,
      hint: 'npm install @opentelemetry/sdk-metrics@2 @opentelemetry/exporter-metrics-otlp-proto @opentelemetry/resources',
    })
  }
}

/** A collector does not take the metrics, or cannot be reached. */
export class OtlpExportError extends BeamscopeError {
  readonly code = 'ERR_SERVE_OTLP_EXPORT'
  /** @param url as it was given; what stands in its query may be a secret */
  constructor(url: string | undefined, cause: Error | undefined) {
    const { origin, pathname } = url === undefined ? { origin: '', pathname: '' } : new URL(url)
    // Of an answer the SDK tells the phrase, and its number beside it.
    const status = cause !== undefined && 'code' in cause ? cause.code : undefined
    const why = cause?.message ?? 'it is refused'
    super(
      `the collector${url === undefined ? '' : ` at ${origin}${pathname}`} does not take metrics: ` +
        (typeof status === 'number' ? `${status} ${why}` : why),
      { cause },
    )
  }
}

/** A request that is not answered, and the status of HTTP that says so. */
export abstract class RequestError extends BeamscopeError {
  abstract readonly status: 400 | 401 | 403 | 404 | 405 | 413 | 429 | 503
}

/** Neither the token nor a session stands in the request, or a wrong one does. */
export class UnauthorizedError extends RequestError {
  readonly code = 'ERR_SERVE_UNAUTHORIZED'
  readonly status = 401
  constructor() {
    super('the token is missing, or is not the right one', {
      hint: 'send it as Authorization: Bearer TOKEN, or log in at the page',
    })
  }
}

/** The name by which the server was called is none of this machine, as when DNS was bent to point here. */
export class ForeignHostError extends RequestError {
  readonly code = 'ERR_SERVE_HOST'
  readonly status = 403
  constructor() {
    super('without a token this is answered under a name of this machine alone', {
      hint: 'call it by 127.0.0.1 or localhost, or start it with --token-file',
    })
  }
}

/** Another site's page has sent this. */
export class ForeignOriginError extends RequestError {
  readonly code = 'ERR_SERVE_ORIGIN'
  readonly status = 403
  constructor() {
    super('this was sent by another site, or by one that does not say which it is', {
      hint: 'log in at the page itself; programs send Authorization: Bearer TOKEN instead',
    })
  }
}

export class UnknownRouteError extends RequestError {
  readonly code = 'ERR_SERVE_ROUTE'
  readonly status = 404
  constructor() {
    super('there is nothing under this path', {
      hint: 'there are /, /api/nodes, /api/nodes/NODE/diagnose and the like, /metrics, /healthz and /readyz',
    })
  }
}

export class MethodError extends RequestError {
  readonly code = 'ERR_SERVE_METHOD'
  readonly status = 405
  constructor() {
    super('this is only to be read', { hint: 'use GET' })
  }
}

export class BodySizeError extends RequestError {
  readonly code = 'ERR_SERVE_BODY_SIZE'
  readonly status = 413
  constructor(maxSize: number) {
    super(`the body is larger than ${maxSize} bytes`)
  }
}

export class UnknownNodeError extends RequestError {
  readonly code = 'ERR_SERVE_NODE'
  readonly status = 404
  constructor() {
    super('the node is not among those that are served', { hint: '/api/nodes lists them' })
  }
}

export class UnknownUnitError extends RequestError {
  readonly code = 'ERR_SERVE_UNIT'
  readonly status = 400
  constructor(units: readonly string[]) {
    super(`there is no such unit: ${units.join(', ')}`)
  }
}

/** The node has not answered yet, and nothing is known of it. */
export class NoSampleError extends RequestError {
  readonly code = 'ERR_SERVE_NO_SAMPLE'
  readonly status = 503
  constructor(node: string, cause: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    super(`${node} has not answered yet${why}`, {
      cause,
      hint: (cause instanceof BeamscopeError ? cause.hint : undefined) ?? 'try again in a moment',
    })
  }
}

/** Too many wrong tokens, or too many who watch. */
export class TooManyError extends RequestError {
  readonly code = 'ERR_SERVE_TOO_MANY'
  readonly status: 429 | 503
  /** Seconds. */
  readonly retryAfter: number
  constructor(status: 429 | 503, what: string, retryAfter: number) {
    super(`${what}; try again in ${retryAfter} s`)
    this.status = status
    this.retryAfter = retryAfter
  }
}
