/**
 * The built program as a process of its own: `npm test` builds it first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { goldenPath } from '../analysis/golden.ts'

const PROGRAM = new URL('../../lib/cli/main.cjs', import.meta.url).pathname
const FORMER_PROGRAM = new URL('../../lib/cli/main.js', import.meta.url).pathname
const SNAPSHOT = goldenPath('otp23-binary-8-schedulers', 'snapshot.etf')

function start(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program = PROGRAM,
): ChildProcess {
  const { PATH = '' } = process.env
  return spawn(process.execPath, [program, ...argv], { env: { PATH, ...env } })
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function end(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

it('is a program that npm can link: it names its interpreter', () => {
  expect(readFileSync(PROGRAM, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})

it('keeps the licenses of what is built into it', () => {
  const text = readFileSync(new URL('../../lib/cli/LICENSES.txt', import.meta.url), 'utf8')
  expect(text).toMatch(/^commander \d+\.\d+\.\d+, MIT\n\n\(The MIT License\)\n\nCopyright /m)
  expect(text).toMatch(/^@exodus\/bigint-buffer /m)
})

it('prints stacks in lines of the source for whoever asks for them', async () => {
  const { stderr } = await end(start(['memory', '--snapshot', '/nowhere/x', '--verbose']))
  expect(stderr).toMatch(/ at .*[\\/]src[\\/]history[\\/]\S+\.ts:\d+:\d+/)
})

it.each([
  ['its path', PROGRAM],
  ['the path that it had before', FORMER_PROGRAM],
])('prints the version of the package by %s', async (_, program) => {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  expect(await end(start(['--version'], {}, program))).toEqual({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  })
})

it('ends by the exit code of its failure', async () => {
  const { code, stdout, stderr } = await end(start(['memory', '--snapshot', '/nowhere/x']))
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
  expect(stderr).toContain('cannot be read')
})

it('writes no escape sequence into a pipe, unless colours are demanded', async () => {
  const plain = await end(start(['fragmentation', '--snapshot', SNAPSHOT], { CI: 'true' }))
  expect(plain).toMatchObject({ code: 0, stderr: '' })
  expect(plain.stdout).not.toContain('\u001b')
  const forced = await end(start(['fragmentation', '--snapshot', SNAPSHOT], { FORCE_COLOR: '1' }))
  expect(forced.stdout).toContain('\u001b[1mallocator\u001b[22m')
  // Colours take no columns of the table.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what this is about
  expect(forced.stdout.replace(/\u001b\[\d+m/g, '')).toBe(plain.stdout)
})

it('ends quietly when nobody reads on, as head does not', async () => {
  const child = start(['allocators', '--snapshot', SNAPSHOT, '--json'])
  child.stdout?.once('data', () => child.stdout?.destroy())
  const { code, stderr } = await end(child)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

it.skipIf(!existsSync('/dev/full'))('says why it ends when the disk is full', async () => {
  const full = openSync('/dev/full', 'w')
  try {
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, [PROGRAM, 'memory', '--snapshot', SNAPSHOT], {
      stdio: ['ignore', full, 'pipe'],
      env: { PATH },
    })
    const { code, stderr } = await end(child)
    expect(code).toBe(5)
    expect(stderr).toMatch(/^beamscope: standard output cannot be written: .*no space left.*\n$/)
  } finally {
    closeSync(full)
  }
})

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it while it waits, with %d', async (signal, expected) => {
    const child = start(['memory', '--snapshot', '-'])
    const ended = end(child)
    // Once it reads, its handlers are in place.
    child.stdin?.write('{[')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    child.kill(signal)
    expect(await ended).toEqual({ code: expected, stdout: '', stderr: '' })
  })
})

describe('completion', () => {
  async function complete(...words: readonly string[]): Promise<readonly string[]> {
    const { stdout } = await end(start(['complete', '--', ...words]))
    const lines = stdout.split('\n').map((line) => line.split('\t')[0] ?? '')
    return lines.filter((line) => line !== '' && !line.startsWith(':'))
  }

  it('knows commands, options, and the values that they take', async () => {
    expect(await complete('frag')).toEqual(['fragmentation'])
    expect(await complete('carriers', '--histogram-w')).toEqual(['--histogram-width'])
    expect(await complete('carriers', '--allocator', 'literal')).toEqual(['literal_alloc'])
    expect(await complete('diagnose', '--de')).toEqual(['--deep'])
    expect(await complete('snapshot', '')).toEqual(['save', 'show', 'diff', 'help'])
    expect(await complete('memory', '--un')).toEqual(['--unit'])
    expect(await complete('memory', '--unit', '')).toEqual([
      'byte',
      'kilobyte',
      'megabyte',
      'gigabyte',
    ])
  })

  it('knows files', async () => {
    const folder = SNAPSHOT.slice(0, -'snapshot.etf'.length)
    expect(await complete('memory', '--snapshot', `${folder}snapshot.`)).toEqual([
      SNAPSHOT,
      SNAPSHOT.replace('.etf', '.terms'),
    ])
  })

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that asks for them', async (shell) => {
    const { code, stdout } = await end(start(['completion', shell]))
    expect(code).toBe(0)
    expect(stdout).toContain('beamscope complete -- ')
  })
})
