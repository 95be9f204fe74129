/**
 * A DNS server of the tests, on loopback: it says what a test wants.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4.1
 */
import { createSocket } from 'node:dgram'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type RecordType } from 'dns-packet'

/**
 * Records; the RCODE of an error; other bytes, behind the ID that makes an answer of them; or nothing at all.
 */
export type Reply = readonly Answer[] | keyof typeof RCODES | Uint8Array | 'silence'

export type Replier = (name: string, type: RecordType) => Reply

const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** What was asked, in that order. */
  readonly asked: readonly string[]
}

export async function startDnsServer(reply: Replier): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (request, { address, port }) => {
    const { id = 0, questions = [] } = decode(request)
    const [question] = questions
    if (question === undefined) return
    asked.push(`${question.type} ${question.name}`)
    const answer = reply(question.name, question.type)
    if (answer === 'silence') return
    socket.send(
      answer instanceof Uint8Array
        ? Buffer.concat([request.subarray(0, 2), answer])
        : encode({
            type: 'response',
            id,
            flags: AUTHORITATIVE_ANSWER | (typeof answer === 'string' ? RCODES[answer] : 0),
            questions,
            answers: typeof answer === 'string' ? [] : [...answer],
          }),
      port,
      address,
    )
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', resolve)
  })
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

export function a(name: string, ...addresses: readonly string[]): readonly Answer[] {
  return addresses.map((data) => ({ type: 'A', name, ttl: 0, data }))
}

export function aaaa(name: string, ...addresses: readonly string[]): readonly Answer[] {
  return addresses.map((data) => ({ type: 'AAAA', name, ttl: 0, data }))
}

export function srv(name: string, ...targets: readonly string[]): readonly Answer[] {
  return targets.map((target) => ({ type: 'SRV', name, ttl: 0, data: { target, port: 5672 } }))
}
