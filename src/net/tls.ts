/**
 * Transports over TLS, as nodes with `-proto_dist inet_tls` speak it.
 *
 * @see https://www.erlang.org/doc/apps/ssl/ssl_distribution.html
 */
import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  createServer,
  type DetailedPeerCertificate,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { checkTimeout, startDeadline, type Waiting } from './deadline.ts'
import {
  CertificateExpiredError,
  CertificateHostError,
  CertificateUntrustedError,
  ClientCertificateError,
  type NetError,
  NotTlsError,
  type TlsError,
  TlsFailedError,
  TlsOptionsError,
} from './errors.ts'
import {
  ACCEPTING,
  acceptedTransport,
  DEFAULT_TIMEOUT,
  type Endpoint,
  openSocket,
  SocketTransport,
  startListening,
} from './tcp.ts'
import type { Listener, Transport } from './transport.ts'

/** Whom to trust, and who we are; all of it in PEM. */
export interface TlsOptions {
  /** The authorities that may vouch for the peer. Default: the public ones that Node.js brings. */
  readonly ca?: string | Uint8Array | undefined
  /** Our certificate, with those between it and its authority; goes with `key`. */
  readonly cert?: string | Uint8Array | undefined
  /** The private key of `cert`, not encrypted. */
  readonly key?: string | Uint8Array | undefined
}

export interface TlsEndpoint extends Endpoint, Waiting, TlsOptions {
  /** The host that the peer's certificate must be for, whatever address it is reached at. */
  readonly serverName: string
}

/**
 * Opens a connection to a peer that proves who it is; this cannot be turned off.
 *
 * With TLS 1.3 a peer looks at our certificate when the connection stands already: if it refuses us,
 * the transport ends with a {@link ClientCertificateError}.
 *
 * @throws {TlsOptionsError} when an option is not what it should be
 * @throws {ConnectionRefusedError | HostNotFoundError | SocketError} as `connectTcp` does
 * @throws {NotTlsError} when the peer speaks something else
 * @throws {CertificateUntrustedError | CertificateExpiredError | CertificateHostError} when the peer
 *   does not prove that it is `serverName`
 * @throws {ClientCertificateError} when it demands a certificate, or another one
 * @throws {TlsFailedError} when both have nothing in common
 * @throws {TimeoutError} when all of it takes longer than the time-out (default 5 s)
 */
export async function connectTls(endpoint: TlsEndpoint): Promise<Transport> {
  const { timeout = DEFAULT_TIMEOUT } = endpoint
  checkTimeout('timeout', timeout)
  const end = performance.now() + timeout
  const context = createContext(checkOptions(endpoint))
  return openSocket(endpoint, (socket, remote) =>
    secure(socket, remote, context, {
      ...endpoint,
      timeout: Math.max(1, end - performance.now()),
    }),
  )
}

/** Where to listen, and how much of strangers to bear. */
export interface TlsListenEndpoint extends Endpoint, TlsOptions {
  /** Milliseconds within which whoever connects must be through with TLS. Default: 7 s. */
  readonly handshakeTimeout?: number | undefined
  /** Connections that are in the middle of TLS; any more are dropped. Default: 1,000. */
  readonly maxHandshakes?: number | undefined
}

/** The BEAM's own set-up time, `net_setuptime`. */
const HANDSHAKE_TIMEOUT = 7_000

/** As many as other servers here take connections; one holds some 50 kB of OpenSSL's. */
const MAX_HANDSHAKES = 1_000

/**
 * Listens on a port for peers that prove who they are; 0 takes a free one. All of `ca`, `cert` and `key`
 * must be there.
 *
 * `accept` sees a connection only when its peer has shown a valid certificate of an authority in `ca`;
 * this cannot be turned off. Which host that certificate is for is not looked at, as `inet_tls_dist`
 * does not unless it is told to. Any other peer loses its connection, and nobody hears of it.
 *
 * @throws {TlsOptionsError} when an option is missing, or not what it should be
 * @throws {SocketError} when the port cannot be had
 */
export async function listenTls(
  endpoint: TlsListenEndpoint,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const { handshakeTimeout = HANDSHAKE_TIMEOUT, maxHandshakes = MAX_HANDSHAKES } = endpoint
  const options = checkOptions(endpoint)
  if (options.cert === undefined) {
    throw new TlsOptionsError('cert', 'is needed to listen: whoever connects wants it shown')
  }
  if (options.ca === undefined) {
    const why = 'the public authorities would vouch for anybody'
    throw new TlsOptionsError('ca', `is needed to listen: ${why}`)
  }
  // Whatever is wrong with them is said here.
  createContext(options)
  const server = createServer({
    ...ACCEPTING,
    ...options,
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout,
    // A session that is resumed shows no certificate: each connection is to prove itself anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
  let handshakes = 0
  server.on('connection', (tcp) => {
    handshakes++
    // A stranger keeps nobody's process alive.
    tcp.unref()
    if (handshakes > maxHandshakes) tcp.destroy()
  })
  // Either of these two ends each handshake, once; the second one also when the peer just goes away.
  server.on('secureConnection', (socket) => {
    handshakes--
    if (!server.listening) {
      socket.destroy()
      return
    }
    socket.ref()
    accept(acceptedTransport(socket))
  })
  server.on('tlsClientError', (_, socket) => {
    handshakes--
    socket.destroy()
  })
  return startListening(server, endpoint)
}

/** What is given, if it is what it should be. */
function checkOptions({
  ca,
  cert,
  key,
}: TlsOptions): Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> {
  // An empty one would stand for the default, which is not what was asked for.
  if (ca !== undefined) parseCertificate('ca', ca)
  if (cert === undefined && key === undefined) return { ca: pem(ca) }
  if (cert === undefined) throw new TlsOptionsError('key', 'goes with a certificate (--cert)')
  if (key === undefined) throw new TlsOptionsError('cert', 'goes with its private key (--key)')
  const certificate = parseCertificate('cert', cert)
  if (!certificate.checkPrivateKey(parseKey(key))) {
    throw new TlsOptionsError('key', 'is not the private key of the certificate')
  }
  return { ca: pem(ca), cert: pem(cert), key: pem(key) }
}

/** @throws {TlsOptionsError} when the certificate is followed by what is none: of that OpenSSL alone knows */
function createContext(options: ReturnType<typeof checkOptions>): SecureContext {
  try {
    return createSecureContext(options)
  } catch (cause) {
    throw new TlsOptionsError('cert', 'goes on with what is no certificate in PEM format', cause)
  }
}

function pem(text: string | Uint8Array): Buffer
function pem(text: string | Uint8Array | undefined): Buffer | undefined
function pem(text: string | Uint8Array | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text)
}

function parseCertificate(option: 'ca' | 'cert', text: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(pem(text))
  } catch (cause) {
    throw new TlsOptionsError(option, 'is no certificate in PEM format', cause)
  }
}

function parseKey(text: string | Uint8Array): KeyObject {
  try {
    return createPrivateKey(pem(text))
  } catch {
    // `ENCRYPTED PRIVATE KEY` (RFC 7468, 11), or `Proc-Type: 4,ENCRYPTED` (RFC 1421, 4.6.1.1).
    const isEncrypted = pem(text).includes('ENCRYPTED')
    const what = isEncrypted ? 'is encrypted' : 'is no private key in PEM format'
    // Without the cause: nobody knows what a parser quotes.
    throw new TlsOptionsError('key', what)
  }
}

function secure(
  tcp: Socket,
  remote: string,
  context: SecureContext,
  endpoint: TlsEndpoint & { readonly timeout: number },
): Promise<Transport> {
  const { serverName, timeout, signal, ca, cert } = endpoint
  const isShown = cert !== undefined
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: tcp,
      secureContext: context,
      // RFC 6066, 3: an address is no server name.
      ...(isIP(serverName) === 0 && { servername: serverName }),
      checkServerIdentity: (_, certificate) => checkHost(serverName, certificate),
      // `authorized` is asked below, while the certificate can still tell who issued it.
      rejectUnauthorized: false,
    })
    const fail = (reason: unknown): void => {
      stop()
      socket.destroy()
      tcp.destroy()
      reject(reason)
    }
    const what = `the TLS handshake with ${remote}, which may speak no TLS`
    const stop = startDeadline(what, timeout, signal, (reason) => {
      socket.destroy()
      tcp.destroy()
      reject(reason)
    })
    tcp.on('error', (cause) => socket.destroy(cause))
    // A peer that refuses us after it began to answer speaks TLS, whether it sends an alert or not.
    const hungUp = (cause?: Error): TlsError =>
      tcp.bytesRead === 0
        ? new NotTlsError(remote, 'closed the connection instead of answering in TLS', cause)
        : new ClientCertificateError(remote, isShown, undefined, cause)
    const broken = (cause: Error): void => {
      const isEnd = END_CODES.has(codeOf(cause))
      fail(isEnd ? hungUp(cause) : handshakeError(cause, remote, isShown))
    }
    const closed = (): void => fail(hungUp())
    socket.on('error', broken)
    socket.on('close', closed)
    socket.once('secureConnect', () => {
      if (!socket.authorized) {
        fail(certificateError(socket, remote, serverName, ca === undefined ? 'public' : 'given'))
        return
      }
      stop()
      socket.off('error', broken)
      socket.off('close', closed)
      resolve(new TlsTransport(socket, remote, isShown))
    })
  })
}

/**
 * As Node.js does; besides, an address may stand as a DNS name, since `inet_tls_dist` looks for the
 * host of a node's name nowhere else (it gives it as `server_name_indication`).
 */
function checkHost(host: string, certificate: PeerCertificate): Error | undefined {
  const error = checkServerIdentity(host, certificate)
  const names = certificate.subjectaltname?.split(', ') ?? []
  return isIP(host) !== 0 && names.includes(`DNS:${host}`) ? undefined : error
}

class TlsTransport extends SocketTransport {
  readonly #socket: TLSSocket
  readonly #isShown: boolean
  #isClosed = false

  constructor(socket: TLSSocket, remote: string, isShown: boolean) {
    super(socket, remote)
    this.#socket = socket
    this.#isShown = isShown
  }

  override close(patience?: number): void {
    this.#isClosed = true
    super.close(patience)
  }

  override destroy(): void {
    this.#isClosed = true
    super.destroy()
  }

  protected override explain(cause: Error | undefined): NetError | undefined {
    // With TLS 1.3 the peer sees our certificate after we are done with the handshake. Its alert may be
    // lost in a reset, or never be sent.
    const alert = cause && alertError(cause, this.remote, this.#isShown)
    if (alert !== undefined) return alert
    if (this.#isClosed || this.#socket.bytesRead > 0) return super.explain(cause)
    return new ClientCertificateError(this.remote, this.#isShown, undefined, cause)
  }
}

/** What the peer, or OpenSSL, found wrong with the handshake. */
function handshakeError(cause: Error, remote: string, isShown: boolean): TlsError {
  const alert = alertError(cause, remote, isShown)
  if (alert !== undefined) return alert
  return NO_TLS.has(codeOf(cause))
    ? new NotTlsError(remote, 'does not answer in TLS', cause)
    : new TlsFailedError(remote, cause)
}

/** What an alert of the peer means, `undefined` for another error. */
function alertError(cause: Error, remote: string, isShown: boolean): TlsError | undefined {
  const alert = alertOf(cause)
  if (alert === undefined) return undefined
  // TLS 1.2 has no alert of its own for a certificate that is missing; servers send this one.
  const isMissing = alert === 'handshake_failure' && !isShown
  return isMissing || CERTIFICATE_ALERTS.has(alert)
    ? new ClientCertificateError(remote, isShown, alert, cause)
    : new TlsFailedError(remote, cause)
}

/** Of a socket that the peer closed. */
const END_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/** What OpenSSL says of an answer that is no TLS record. */
const NO_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNEXPECTED_MESSAGE',
  'ERR_SSL_HTTP_REQUEST',
])

/** RFC 8446, 6.2: those that are about the certificate of the other side. */
const CERTIFICATE_ALERTS: ReadonlySet<string> = new Set([
  'access_denied',
  'bad_certificate',
  'certificate_expired',
  'certificate_required',
  'certificate_revoked',
  'certificate_unknown',
  'decrypt_error',
  'unknown_ca',
  'unsupported_certificate',
])

/** The alert in an error of OpenSSL such as `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
function alertOf(error: Error): string | undefined {
  const [, alert] = /^ERR_SSL_.*_ALERT_(\w+)$/.exec(codeOf(error)) ?? []
  return alert?.toLowerCase()
}

function certificateError(
  socket: TLSSocket,
  remote: string,
  host: string,
  trusted: 'given' | 'public',
): TlsError {
  const certificate = socket.getPeerCertificate(true)
  const reason = String(socket.authorizationError)
  switch (reason) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return new CertificateHostError(remote, host, certificate.subjectaltname)
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID': {
      const period = `from ${certificate.valid_from} to ${certificate.valid_to}`
      const why = reason === 'CERT_HAS_EXPIRED' ? 'expired' : 'not yet valid'
      return new CertificateExpiredError(remote, why, period)
    }
    default:
      return new CertificateUntrustedError(remote, reason, authorityOf(certificate), trusted)
  }
}

/** More certificates than any chain has. */
const MAX_CHAIN = 10

/** Who issued the last certificate of the chain that the peer sent. */
function authorityOf(certificate: DetailedPeerCertificate): string | undefined {
  let last = certificate
  for (let count = 0; count < MAX_CHAIN; count++) {
    // The issuer of the last one is itself, or is not there.
    const issuer: DetailedPeerCertificate | undefined = last.issuerCertificate
    if (issuer === undefined || issuer === last) break
    last = issuer
  }
  const fields = Object.entries(last.issuer ?? {})
  return fields.length === 0
    ? undefined
    : fields.map(([name, value]) => `${name}=${value}`).join(', ')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
