import { createSocket } from 'node:dgram'
import type { Answer, RecordType } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DnsError,
  DnsFailedError,
  DnsNameNotFoundError,
  InvalidDnsServerError,
  NoDnsAnswerError,
  NoDnsRecordsError,
} from '../../src/cluster/discovery-errors.ts'
import { checkDnsServers, type DnsRecord, hostsOfDns } from '../../src/cluster/hosts-of-dns.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { a, aaaa, type Reply, srv, startDnsServer } from './dns-server.ts'
import { failure } from './failure.ts'

const NAME = 'rabbit.ns.svc.cluster.local'
const TIMEOUT = 20_000

/** What becomes of a name whose records are these. */
async function look(
  replies: Partial<Record<RecordType, Reply>>,
  record: DnsRecord = 'address',
  timeout = TIMEOUT,
): ReturnType<typeof hostsOfDns> {
  await using server = await startDnsServer((_, type) => replies[type] ?? [])
  return await hostsOfDns(NAME, record, { servers: [server.address], timeout })
}

describe('the addresses behind a name', () => {
  it('are of both kinds, sorted, and each there once', async () => {
    const found = await look({
      A: a(NAME, '10.0.0.2', '10.0.0.1', '10.0.0.2'),
      AAAA: aaaa(NAME, 'fd00::1'),
    })
    expect(found).toEqual({ hosts: ['10.0.0.1', '10.0.0.2', 'fd00::1'], failures: [] })
  })

  it('are asked for by the name as it stands', async () => {
    await using server = await startDnsServer(() => 'NXDOMAIN')
    const servers = [server.address]
    await failure(hostsOfDns('rabbit', 'address', { servers, timeout: TIMEOUT }))
    expect([...new Set(server.asked)].sort()).toEqual(['A rabbit', 'AAAA rabbit'])
  })

  it.each<[string, Reply]>([
    ['has no records', []],
    ['is said not to be there, as some servers say', 'NXDOMAIN'],
  ])('may be of one kind, of which the other %s', async (_, nothing) => {
    const v4 = await look({ A: a(NAME, '10.0.0.1'), AAAA: nothing })
    expect(v4).toEqual({ hosts: ['10.0.0.1'], failures: [] })
    const v6 = await look({ A: nothing, AAAA: aaaa(NAME, 'fd00::1') })
    expect(v6).toEqual({ hosts: ['fd00::1'], failures: [] })
  })

  it('may not be all, where one kind cannot be had', async () => {
    const { hosts, failures } = await look({ A: a(NAME, '10.0.0.1'), AAAA: 'REFUSED' })
    expect(hosts).toEqual(['10.0.0.1'])
    expect(failures).toMatchObject([
      { code: 'ERR_CLUSTER_DNS_FAILED', reason: 'EREFUSED', dnsName: NAME },
    ])
  })

  it('are found through another name', async () => {
    const alias: Answer = { type: 'CNAME', name: NAME, ttl: 0, data: 'other.example' }
    const found = await look({ A: [alias, ...a('other.example', '10.0.0.1')] })
    expect(found.hosts).toEqual(['10.0.0.1'])
  })
})

describe('the targets behind a name', () => {
  it('are found, sorted, and each there once', async () => {
    const found = await look({ SRV: srv(NAME, 'b.example', 'a.example', 'b.example') }, 'srv')
    expect(found).toEqual({ hosts: ['a.example', 'b.example'], failures: [] })
  })

  it('are none where the service says that it is not to be had', async () => {
    const error = await failure(look({ SRV: srv(NAME, '.') }, 'srv'))
    expect(error).toBeInstanceOf(NoDnsRecordsError)
    expect(error).toMatchObject({ record: 'srv' })
  })
})

describe.each<DnsRecord>(['address', 'srv'])('DNS fails (%s)', (record) => {
  const all = (reply: Reply) => ({ A: reply, AAAA: reply, SRV: reply })

  it('when there is no such name', async () => {
    const error = await failure(look(all('NXDOMAIN'), record))
    expect(error).toBeInstanceOf(DnsNameNotFoundError)
    expect(error).toMatchObject({
      code: 'ERR_CLUSTER_DNS_NOT_FOUND',
      dnsName: NAME,
      hint: expect.stringContaining('whole domain'),
    })
  })

  it('when the name has no such records', async () => {
    const error = await failure(look(all([]), record))
    expect(error).toBeInstanceOf(NoDnsRecordsError)
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_DNS_NO_RECORDS', record })
  })

  it('when the server cannot find out', async () => {
    const error = await failure(look(all('SERVFAIL'), record))
    expect(error).toBeInstanceOf(DnsFailedError)
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_DNS_FAILED', reason: 'ESERVFAIL' })
  })

  it('when nobody listens there', async () => {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${socket.address().port}`
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    const options = { servers: [address], timeout: TIMEOUT }
    const error = await failure(hostsOfDns(NAME, record, options))
    expect(error).toBeInstanceOf(NoDnsAnswerError)
    expect(error).toMatchObject({
      code: 'ERR_CLUSTER_DNS_NO_ANSWER',
      servers: [address],
      message: expect.stringContaining(address),
    })
  })

  it('when the server does not answer in time', async () => {
    const error = await failure(look(all('silence'), record, 200))
    expect(error).toBeInstanceOf(NoDnsAnswerError)
    expect(error).toHaveProperty('cause', expect.any(TimeoutError))
  })

  it('when it is called off, with the reason', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const { signal } = controller
    await using server = await startDnsServer(() => {
      controller.abort(reason)
      return 'silence'
    })
    const options = { servers: [server.address], timeout: TIMEOUT, signal }
    expect(await failure(hostsOfDns(NAME, record, options))).toBe(reason)
    const { length } = server.asked
    expect(await failure(hostsOfDns(NAME, record, options))).toBe(reason)
    expect(server.asked).toHaveLength(length)
  })

  it.each(['', 'a\0b', 'a..b', `${'a'.repeat(64)}.example`, `${'a.'.repeat(130)}example`])(
    'when %j is no name',
    async (name) => {
      await using server = await startDnsServer(() => a(name, '10.0.0.1'))
      const options = { servers: [server.address], timeout: TIMEOUT }
      const error = await failure(hostsOfDns(name, record, options))
      expect(error).toBeInstanceOf(DnsFailedError)
      expect(error).toMatchObject({ reason: 'EBADNAME' })
      expect(server.asked).toEqual([])
    },
  )

  it('and not otherwise, whatever bytes come', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 })
    // Half of them with the flags of an answer, and a question and an answer within.
    const answers = fc.oneof(
      bytes,
      bytes.map((rest) => Buffer.concat([Buffer.of(0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0), rest])),
    )
    let current: Uint8Array = new Uint8Array()
    await using server = await startDnsServer(() => current)
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        current = answer
        const options = { servers: [server.address], timeout: 100 }
        expect(await failure(hostsOfDns(NAME, record, options))).toBeInstanceOf(DnsError)
      }),
      { numRuns: 20 },
    )
  })
})

describe('a server that says nothing', () => {
  it('leaves time for the next', async () => {
    await using silent = await startDnsServer(() => 'silence')
    await using server = await startDnsServer((_, type) =>
      type === 'A' ? a(NAME, '10.0.0.1') : [],
    )
    const options = { servers: [silent.address, server.address], timeout: 4_000 }
    expect(await hostsOfDns(NAME, 'address', options)).toEqual({
      hosts: ['10.0.0.1'],
      failures: [],
    })
  })

  it('may have lost the question', async () => {
    let count = 0
    await using server = await startDnsServer(() =>
      count++ === 0 ? 'silence' : srv(NAME, 'a.example'),
    )
    const options = { servers: [server.address], timeout: 4_000 }
    expect((await hostsOfDns(NAME, 'srv', options)).hosts).toEqual(['a.example'])
  })
})

describe('DNS servers', () => {
  it.each(['127.0.0.1', '127.0.0.1:1', '127.0.0.1:65535', '::1', '[::1]', '[::1]:5353'])(
    'may be %s',
    (server) => {
      expect(() => checkDnsServers([server])).not.toThrow()
    },
  )

  it.each([
    '',
    'localhost',
    'dns.example:53',
    '127.0.0.1:',
    '127.0.0.1:0',
    '127.0.0.1:00',
    '127.0.0.1:65536',
    '127.0.0.1:99999999999999999999',
    '127.0.0.1:-1',
    '127.0.0.1:53x',
    '127.0.0.1:53:53',
    '127.0.0.1 ',
    '[::1]:0',
    '[::1]:65536',
    '[::1]:x',
    '[::1',
    '[::1]53',
    '[[::1]]',
    '::1:x',
    '::1:00000',
    '::1:127.0.0.1:0',
    '256.0.0.1',
  ])('are not %j', (server) => {
    expect(() => checkDnsServers(['127.0.0.1', server])).toThrow(InvalidDnsServerError)
  })

  it('are no way to crash us', () => {
    const parts = fc.constantFrom(
      '127.0.0.1',
      '::1',
      '[',
      ']',
      ':',
      '0',
      '00000',
      '53',
      '-',
      '%',
      ' ',
      '\n',
    )
    const texts = fc.oneof(
      fc.array(parts, { maxLength: 6 }).map((it) => it.join('')),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        try {
          checkDnsServers([text])
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidDnsServerError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
