/** The hidden node and the command line against real nodes that speak TLS, and against those that do not. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { atom, binary } from '../src/etf/index.ts'
import { HiddenNode, type HiddenNodeOptions } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { readTlsFiles, type TlsFiles } from '../src/node/tls-files.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { type CliResult, runCli } from '../test/cli/run-cli.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import {
  type Certificates,
  createCertificates,
  type ErlangNode,
  startErlangNode,
} from './support/index.ts'

const HOST = '127.0.0.1'

type Options = Omit<Partial<HiddenNodeOptions>, 'tls'> & {
  readonly files?: TlsFiles
  readonly name?: string
}

async function connect(node: ErlangNode, options: Options = {}): Promise<RemoteNode> {
  const { files, name = node.name, ...others } = options
  const { epmdPort } = node
  const tls = files && (await readTlsFiles(files))
  const cookie = new Cookie(node.cookie)
  return new HiddenNode({ cookie, epmdPort, tls, ...others }).connect(name)
}

function run(node: ErlangNode, command: string, ...argv: readonly string[]): Promise<CliResult> {
  const env = { BEAMSCOPE_COOKIE: node.cookie, ERL_EPMD_PORT: `${node.epmdPort}`, HOME: '/nowhere' }
  return runCli([command, node.name, ...argv], { env })
}

/** What a node of these shows and wants. */
function filesOf({ authority, certificate, key }: Certificates) {
  return { ca: authority, cert: certificate, key }
}

describeOnEachRelease(
  'a hidden node over TLS',
  (release) => {
    let plain: ErlangNode
    let node: ErlangNode
    let certificates: Certificates
    let others: Certificates

    beforeAll(async () => {
      plain = await startErlangNode({ release })
      certificates = await createCertificates(plain)
      others = await createCertificates(plain)
      const { path, distributionArguments } = certificates
      node = await startErlangNode({ release, folders: [path], distributionArguments })
    })

    afterAll(async () => {
      await Promise.all([node.kill(), plain.kill()])
      await certificates[Symbol.asyncDispose]()
      await others[Symbol.asyncDispose]()
    })

    it('calls, takes a snapshot, and moves megabytes both ways', async () => {
      await using remote = await connect(node, { files: filesOf(certificates) })
      expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
      expect(await remote.call('erlang', 'node', [], { protocol: 'rpc' })).toEqual(atom(node.name))
      const snapshot = toSnapshot(await probe(remote))
      expect(snapshot.allocators.length).toBeGreaterThan(10)
      const copy = await remote.call('binary', 'copy', [binary('x'), 5_000_000])
      expect(await remote.call('erlang', 'byte_size', [copy])).toBe(5_000_000)
    })

    it('tells a node that it cannot trust', async () => {
      const { ca } = filesOf(others)
      await expect(
        connect(node, { files: { ...filesOf(certificates), ca } }),
      ).rejects.toMatchObject({ code: 'ERR_TLS_CERTIFICATE_UNTRUSTED' })
      const { cert, key } = filesOf(certificates)
      await expect(connect(node, { files: { cert, key } })).rejects.toMatchObject({
        code: 'ERR_TLS_CERTIFICATE_UNTRUSTED',
        authority: expect.stringContaining('CN='),
      })
    })

    it('tells a certificate that is for other hosts', async () => {
      const name = `${node.name.split('@')[0]}@elsewhere.invalid`
      const map = new Map([['elsewhere.invalid', { host: HOST }]])
      const files = filesOf(certificates)
      await expect(connect(node, { files, name, map })).rejects.toMatchObject({
        code: 'ERR_TLS_CERTIFICATE_HOST',
        host: 'elsewhere.invalid',
        message: expect.stringContaining('DNS:localhost'),
      })
    })

    it('tells that the node wants a certificate, or another one', async () => {
      const { ca } = filesOf(certificates)
      await expect(connect(node, { files: { ca } })).rejects.toMatchObject({
        code: 'ERR_TLS_CLIENT_CERTIFICATE',
        shown: false,
        alert: expect.any(String),
      })
      await expect(connect(node, { files: { ...filesOf(others), ca } })).rejects.toMatchObject({
        code: 'ERR_TLS_CLIENT_CERTIFICATE',
        shown: true,
        alert: expect.any(String),
      })
    })

    it('tells a certificate that has expired', async () => {
      await using expired = await createCertificates(plain, { isExpired: true })
      const { path, distributionArguments } = expired
      await using late = await startErlangNode({ release, folders: [path], distributionArguments })
      await expect(connect(late, { files: { ca: expired.authority } })).rejects.toMatchObject({
        code: 'ERR_TLS_CERTIFICATE_EXPIRED',
        reason: 'expired',
        message: expect.stringContaining('2011'),
      })
    })

    it('tells that the node refuses us where TLS 1.3 says it late', async () => {
      await using modern = await createCertificates(plain, { version: 'tlsv1.3' })
      const { path, distributionArguments } = modern
      await using recent = await startErlangNode({
        release,
        folders: [path],
        distributionArguments,
      })
      await using remote = await connect(recent, { files: filesOf(modern) })
      expect(await remote.call('erlang', 'node')).toEqual(atom(recent.name))
      const { ca } = filesOf(modern)
      await expect(connect(recent, { files: { ca } })).rejects.toMatchObject({
        code: 'ERR_TLS_CLIENT_CERTIFICATE',
        shown: false,
        alert: 'certificate_required',
      })
      await expect(connect(recent, { files: { ...filesOf(others), ca } })).rejects.toMatchObject({
        code: 'ERR_TLS_CLIENT_CERTIFICATE',
        shown: true,
      })
    })

    it('tells a wrong cookie as without TLS', async () => {
      const cookie = new Cookie('wrong')
      await expect(connect(node, { files: filesOf(certificates), cookie })).rejects.toMatchObject({
        code: 'ERR_DIST_WRONG_COOKIE',
      })
    })

    it('tells a node without TLS, and a node with it from one without', async () => {
      await expect(connect(plain, { files: filesOf(certificates) })).rejects.toMatchObject({
        code: 'ERR_TLS_NOT_SPOKEN',
      })
      await expect(connect(node)).rejects.toMatchObject({
        code: release === 23 ? 'ERR_DIST_HANDSHAKE_CLOSED' : 'ERR_TLS_WANTED',
        hint: expect.stringContaining('--tls'),
      })
    })

    it('names the same way in the commands that it suggests', async () => {
      const { ca, cert, key } = filesOf(certificates)
      const way = ['--tls', '--ca', ca, '--cert', cert, '--key', key]
      const { stdout } = await run(node, 'diagnose', ...way)
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`${node.name} ${way.join(' ')}`)
    })

    it('pings by the command line, and ends in 4 where TLS refuses', async () => {
      const { ca, cert, key } = filesOf(certificates)
      const reached = await run(node, 'ping', '--tls', '--ca', ca, '--cert', cert, '--key', key)
      expect(reached).toMatchObject({ code: 0, stderr: '' })
      expect(reached.stdout).toContain(node.name)
      const failures: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
        [[], /hint: .*TLS.*--tls/],
        [['--tls', '--cert', cert, '--key', key], /is not trusted/],
        [['--tls', '--ca', ca], /without a certificate/],
        [['--tls', '--ca', others.authority, '--cert', cert, '--key', key], /is not trusted/],
      ]
      for (const [argv, says] of failures) {
        const { code, stdout, stderr } = await run(node, 'ping', ...argv, '--verbose')
        expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
        expect(stderr).toMatch(says)
        expect(stderr).not.toContain((await readFile(key, 'utf8')).split('\n')[1])
      }
    })
  },
  { applications: ['ssl'] },
)
