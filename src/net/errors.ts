/**
 * Why a connection could not be had, or was lost.
 */
import { quoteForeignText } from '../dist/node-name.ts'
import { BeamscopeError } from '../errors.ts'

/** A failure at an address. */
export abstract class NetError extends BeamscopeError {
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

/** The host is there, and nobody listens on the port. */
export class ConnectionRefusedError extends NetError {
  readonly code = 'ERR_NET_REFUSED'
  constructor(address: string, cause?: unknown) {
    super(`nobody listens on ${address}`, address, { cause })
  }
}

/** The name of the host resolves to nothing. */
export class HostNotFoundError extends NetError {
  readonly code = 'ERR_NET_HOST_NOT_FOUND'
  readonly host: string
  constructor(host: string, address: string, cause?: unknown) {
    super(`the host ${host} cannot be resolved`, address, {
      cause,
      hint: `try an address: --map ${host}=ADDRESS`,
    })
    this.host = host
  }
}

/** Any other failure of a socket: unreachable, reset, no more file descriptors. */
export class SocketError extends NetError {
  readonly code = 'ERR_NET_SOCKET'
}

/** What makes TLS fail, apart from the network: the rest of this file's `ERR_TLS_…`. */
export abstract class TlsError extends NetError {}

/** The peer answered a TLS handshake with something else, or hung up on it. */
export class NotTlsError extends TlsError {
  readonly code = 'ERR_TLS_NOT_SPOKEN'
  constructor(address: string, what: string, cause?: unknown) {
    super(`${address} ${what}`, address, {
      cause,
      hint: 'the node may speak no TLS: leave --tls out, if the network in between is to be trusted',
    })
  }
}

/** The peer speaks TLS, and we do not. */
export class TlsWantedError extends TlsError {
  readonly code = 'ERR_TLS_WANTED'
  constructor(address: string, cause?: unknown) {
    super(`${address} answers in TLS`, address, {
      cause,
      hint: 'connect over TLS: --tls, with --ca FILE for the authority of its certificate',
    })
  }
}

/** No authority that is trusted here vouches for the peer's certificate. */
export class CertificateUntrustedError extends TlsError {
  readonly code = 'ERR_TLS_CERTIFICATE_UNTRUSTED'
  /** The subject of the authority that would have to be trusted, `undefined` if it is not known. */
  readonly authority: string | undefined
  /** OpenSSL's name for the reason. */
  readonly reason: string
  constructor(
    address: string,
    reason: string,
    authority: string | undefined,
    trusted: 'given' | 'public',
  ) {
    const issued = authority === undefined ? '' : `, which ${quoteForeignText(authority)} issued`
    super(`the certificate of ${address}${issued}, is not trusted (${reason})`, address, {
      hint:
        trusted === 'given'
          ? 'the file of --ca holds another authority than the one that signed for this node'
          : "name the authority of the node's certificate by --ca FILE; without it only the public ones count",
    })
    this.reason = reason
    this.authority = authority
  }
}

/** A certificate of the peer is not valid any more, or not yet. */
export class CertificateExpiredError extends TlsError {
  readonly code = 'ERR_TLS_CERTIFICATE_EXPIRED'
  readonly reason: 'expired' | 'not yet valid'
  constructor(address: string, reason: 'expired' | 'not yet valid', period: string | undefined) {
    const dates = period === undefined ? '' : ` (${quoteForeignText(period)})`
    super(`the certificate of ${address} is ${reason}${dates}`, address, {
      hint: 'renew it on the node, or set the clock of this machine right',
    })
    this.reason = reason
  }
}

/** The peer's certificate is for other hosts than the one in the node's name. */
export class CertificateHostError extends TlsError {
  readonly code = 'ERR_TLS_CERTIFICATE_HOST'
  /** The host that should stand in the certificate. */
  readonly host: string
  constructor(address: string, host: string, names: string | undefined) {
    const instead = names === undefined ? '' : `, but for ${quoteForeignText(names)}`
    super(`the certificate of ${address} is not for the host ${host}${instead}`, address, {
      hint: "the host of the node's name has to stand in its certificate, as a DNS name; --map says where it is reached",
    })
    this.host = host
  }
}

/** The peer demands a certificate, and none was shown, or not one that it takes. */
export class ClientCertificateError extends TlsError {
  readonly code = 'ERR_TLS_CLIENT_CERTIFICATE'
  /** The peer's alert as OpenSSL names it, such as `unknown_ca`; `undefined` if it just hung up. */
  readonly alert: string | undefined
  readonly shown: boolean
  constructor(address: string, shown: boolean, alert: string | undefined, cause?: unknown) {
    const said = alert === undefined ? 'it hung up without a word' : `TLS alert ${alert}`
    super(
      shown
        ? `${address} does not accept our certificate (${said})`
        : `${address} does not accept us without a certificate (${said})`,
      address,
      {
        cause,
        hint: shown
          ? 'the node has to trust the authority of this certificate (its cacertfile); its log says more'
          : 'give a certificate that the node trusts by --cert FILE and --key FILE',
      },
    )
    this.alert = alert
    this.shown = shown
  }
}

/** TLS failed otherwise: no version or cipher in common, or a broken stream. */
export class TlsFailedError extends TlsError {
  readonly code = 'ERR_TLS_FAILED'
  constructor(address: string, cause: Error) {
    super(`TLS with ${address} failed: ${cause.message}`, address, {
      cause,
      hint: 'the log of the node says why; it must speak TLS 1.2 or 1.3',
    })
  }
}

/** What was given as an authority, a certificate or a key is none. */
export class TlsOptionsError extends BeamscopeError {
  readonly code = 'ERR_TLS_OPTIONS'
  readonly option: 'ca' | 'cert' | 'key'
  constructor(option: 'ca' | 'cert' | 'key', what: string, cause?: unknown) {
    super(`what --${option} gives ${what}`, { cause })
    this.option = option
  }
}

/** Something took longer than the caller allowed. */
export class TimeoutError extends BeamscopeError {
  readonly code = 'ERR_TIMEOUT'
  /** What was waited for. */
  readonly what: string
  /** Milliseconds. */
  readonly timeout: number
  /** What may keep the answer from coming, for the hint; `undefined` where nothing is known of that. */
  readonly mayBe: string | undefined
  constructor(what: string, timeout: number, option = '--timeout', mayBe?: string) {
    const more = `allow more with ${option}`
    super(`${what}: no answer within ${timeout} ms`, {
      hint: mayBe === undefined ? more : `${mayBe}; ${more}`,
    })
    this.what = what
    this.timeout = timeout
    this.mayBe = mayBe
  }
}
