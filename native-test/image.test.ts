/**
 * The image of beamscope itself, on real nodes: as nobody, on a file system that it can only read, without
 * capabilities.
 */
import { randomBytes } from 'node:crypto'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { describeUnless } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  findFreePort,
  type ProgramResult,
  runProgram,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'

const IMAGE = 'beamscope/beamscope'

/** docs/monitoring.md says what is in it. Bytes. */
const MAX_SIZE = 130e6

/** The image's own. */
const USER = 65_532

const HARDENED = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges']

const shortfall = await whyNoImage('beamscope')
if (shortfall !== undefined) console.error(`the image of beamscope skipped: ${shortfall}`)

describeUnless(shortfall, 'the image of beamscope', () => {
  const containers: string[] = []
  let folder: TemporaryFolder
  let cookieFile: string
  let node: ErlangNode

  function docker(...argv: readonly string[]): Promise<ProgramResult> {
    return runProgram(['docker', ...argv], { timeout: 60_000 })
  }

  async function inspect(subject: string, format: string): Promise<string> {
    const { status, stdout, stderr } = await docker('inspect', '--format', format, subject)
    if (status !== 0) throw new Error(stderr)
    return stdout.trim()
  }

  /** What may be removed whatever becomes of it. */
  function newContainer(): string {
    const name = `beamscope-test-image-${process.pid}-${randomBytes(4).toString('hex')}`
    containers.push(name)
    return name
  }

  /** Runs a command in a container that is like a production one. */
  function run(options: readonly string[], ...command: readonly string[]): Promise<ProgramResult> {
    const hardened = ['--rm', '--pull=never', `--name=${newContainer()}`, ...HARDENED]
    return docker('run', ...hardened, ...options, IMAGE, ...command)
  }

  /** So that the container sees the node and the cookie; only root can give a file away. */
  function reach(): readonly string[] {
    const user = process.getuid?.() === 0 ? USER : process.getuid?.()
    return ['--network=host', `--user=${user}`, `--volume=${cookieFile}:/run/secrets/cookie:ro`]
  }

  function connecting(): readonly string[] {
    return [node.name, '--cookie-file=/run/secrets/cookie', `--epmd-port=${node.epmdPort}`]
  }

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    node = await startErlangNode()
    cookieFile = join(folder.path, 'cookie')
    await writeFile(cookieFile, node.cookie, { mode: 0o400 })
    if (process.getuid?.() === 0) await chown(cookieFile, USER, USER)
  })

  afterAll(async () => {
    await docker('rm', '--force', '--volumes', ...containers)
    await node?.kill()
    await folder?.[Symbol.asyncDispose]()
  })

  it('is small, says what it is, and is run as a user with a number', async () => {
    expect(Number(await inspect(IMAGE, '{{.Size}}'))).toBeLessThan(MAX_SIZE)
    expect(await inspect(IMAGE, '{{.Config.User}}')).toBe(`${USER}:${USER}`)
    const labels: Readonly<Record<string, string>> = JSON.parse(
      await inspect(IMAGE, '{{json .Config.Labels}}'),
    )
    expect(labels).toMatchObject({
      'org.opencontainers.image.title': 'beamscope',
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.licenses': manifest.license,
    })
  })

  it('has no shell, and no package manager', async () => {
    for (const program of ['/bin/sh', '/bin/bash', '/usr/bin/apt-get', '/usr/bin/npm']) {
      const { status, stderr } = await run([`--entrypoint=${program}`], '--version')
      expect(status, program).toBe(127)
      expect(stderr).toContain('no such file')
    }
  })

  it('is beamscope', async () => {
    expect(await run([], '--version')).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    })
  })

  it('plays the demo without a network', async () => {
    const { status, stdout } = await run(['--network=none'], 'demo')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^VERDICT {2}fragmented/m)
  })

  it('writes nothing, where it could', async () => {
    const name = newContainer()
    // Whose it is, so that nothing else is what keeps it from writing.
    const { status } = await docker('run', `--name=${name}`, '--user=0', IMAGE, 'demo')
    expect(status).toBe(0)
    expect(await docker('diff', name)).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('asks a real node, and finds a host by its name', async () => {
    const diagnosed = await run(reach(), 'diagnose', ...connecting(), '--json')
    expect(diagnosed.status, diagnosed.stderr).toBe(0)
    expect(JSON.parse(diagnosed.stdout)).toMatchObject({ beamscope: 'diagnose/1', node: node.name })
    const [alive] = node.name.split('@')
    const byHosts = await run(
      [...reach(), '--add-host=elsewhere:127.0.0.1'],
      ...['ping', `${alive}@elsewhere`, '--cookie-file=/run/secrets/cookie'],
      `--epmd-port=${node.epmdPort}`,
    )
    expect(byHosts.stdout + byHosts.stderr).toContain(node.name)
  })

  it('serves, turns healthy, and ends when it is told to', async () => {
    const name = newContainer()
    const port = await findFreePort()
    const health = [
      ...['--health-interval=1s', '--health-start-period=0s'],
      `--env=BEAMSCOPE_HEALTH=http://127.0.0.1:${port}/healthz`,
    ]
    const container = ['--detach', '--pull=never', `--name=${name}`, ...HARDENED, ...reach()]
    const command = ['serve', ...connecting(), `--listen=127.0.0.1:${port}`]
    const started = await docker('run', ...container, ...health, IMAGE, ...command)
    expect(started.status, started.stderr).toBe(0)
    await expect
      .poll(() => inspect(name, '{{.State.Health.Status}}'), { timeout: 60_000, interval: 500 })
      .toBe('healthy')
    await expect
      .poll(() => fetchText(`http://127.0.0.1:${port}/metrics`), { timeout: 60_000 })
      .toContain(`beamscope_up{node="${node.name}"} 1\n`)
    // With what the page is made of.
    expect(await fetchText(`http://127.0.0.1:${port}/`)).toMatch(/^<!doctype html>.*<script/is)
    await docker('stop', '--time=30', name)
    expect(await inspect(name, '{{.State.Running}} {{.State.ExitCode}}')).toBe('false 143')
  })
})

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  return response.text()
}
