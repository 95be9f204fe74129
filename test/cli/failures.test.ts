/**
 * What goes wrong, in words and in exit codes; nothing of it on standard output.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenPath } from '../analysis/golden.ts'
import { type CliOptions, runCli } from './run-cli.ts'

const NAME = 'otp25-ets-2-schedulers'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beamscope-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs what must fail; returns the exit code and standard error. */
async function fail(
  argv: readonly string[],
  options?: CliOptions,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const { code, stdout, stderr } = await runCli(argv, options)
  expect(stdout).toBe('')
  return { code, stderr }
}

describe('a command line that is wrong', () => {
  it.each<readonly [argv: readonly string[], message: RegExp]>([
    [['memroy'], /unknown command 'memroy'\n\(Did you mean memory\?\)/],
    [['memory'], /a NODE is missing\n {2}hint: .*--snapshot FILE/],
    [['memory', 'a@b', '--snapshot', 'x'], /NODE and --snapshot exclude each other/],
    [['ping', 'a@b', 'c@d'], /too many arguments/],
    [
      ['memory', 'a@b', 'c@d', '--snapshot', 'x'],
      /several nodes and --snapshot exclude each other/,
    ],
    [['memory', 'a@b', '--via', 'c@d', '--snapshot', 'x'], /several nodes and --snapshot exclude/],
    [['diagnose', 'a@b', 'c@d', '--earlier', 'x'], /--earlier goes with one NODE alone/],
    [['sweep'], /no node is named\n {2}hint: .*--cluster NODE/],
    [['sweep', '--hidden', 'a@b'], /--hidden goes with --cluster/],
    [['sweep', '--alive', 'x', 'a@b'], /--alive goes with --dns and --srv/],
    [['sweep', 'a@b', '--json', '--ndjson'], /cannot be used with/],
    [['sweep', 'a@b', '--concurrency', '0'], /from 1 to 1000/],
    [['sweep', 'a@b', '--concurrency', '1001'], /from 1 to 1000/],
    [['sweep', 'a@b', '--sort', 'x'], /Allowed choices are waste, usage, resident, verdict, node/],
    [['sweep', 'a@b', '--max-waste', '5 pints'], /500MiB or 1\.5GiB/],
    [['sweep', 'a@b', '--min-usage', '2'], /0\.5 or 50%/],
    [['sweep', 'a@b', '--role', '('], /Unterminated group/],
    [['sweep', 'a@b', '--role', 'web'], /needs a group/],
    [['sweep', 'a@b', '--fail-on', 'healthy'], /Allowed choices are info, warning/],
    [['sweep', '--nodes-file', '-', '--cookie-stdin'], /cannot both come by standard input/],
    [['memory', 'rabbit'], /"rabbit" is no node name: the host is missing\n.*rabbit@myhost/],
    [['ping', 'a@b@c'], /more than one @/],
    [['names', 'a@b'], /a@b is a node name, not a host/],
    [['memory', 'a@b', '--unit', 'pint'], /'pint' is invalid. Allowed choices are byte, kilobyte/],
    [['fragmentation', 'a@b', '--allocator', 'x'], /Allowed choices are temp_alloc, eheap_alloc/],
    [['fragmentation', 'a@b', '--max', '--current'], /cannot be used with/],
    [['memory', 'a@b', '--timeout', '0'], /500, 500ms, 5s or 2m/],
    [['memory', 'a@b', '--timeout', '99999999s'], /500, 500ms, 5s or 2m/],
    [['memory', 'a@b', '--port', '65536'], /from 1 to 65535/],
    [['memory', 'a@b', '--map', 'a'], /HOST=ADDRESS/],
    [['ping', 'a@b', '--ca', 'x'], /--ca, --cert and --key go with --tls/],
    [['ping', 'a@b', '--tls', '--cert', 'x'], /--cert and --key go together/],
    [['snapshot', 'save', 'a@b'], /required option '-o, --output <file>' not specified/],
    [['snapshot', 'save', 'a@b', '-o', 'x', '--format', 'y'], /Allowed choices are native, etf/],
    [['snapshot', 'show'], /a FILE is missing/],
    [['completion', 'csh'], /Allowed choices are bash, zsh, fish/],
  ])('%j ends in 2 and says how it would be right', async (argv, message) => {
    const { code, stderr } = await fail(argv)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^beamscope: /)
    expect(code).toBe(2)
  })

  it('shows the help where no command is given', async () => {
    const { code, stderr } = await fail([])
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: beamscope')
  })
})

describe('a snapshot that cannot be read ends in 5', () => {
  it('names a file that is not there', async () => {
    const { code, stderr } = await fail(['memory', '--snapshot', '/nowhere/x', '--json'])
    expect(stderr).toMatch(/^beamscope: \/nowhere\/x: cannot be read: there is no such file/)
    expect(code).toBe(5)
  })

  it('says what is no snapshot', async () => {
    const file = join(folder, 'other')
    await writeFile(file, 'not a snapshot at all')
    const { code, stderr } = await fail(['fragmentation', '--snapshot', file])
    expect(stderr).toContain(`beamscope: ${file}: not a snapshot`)
    expect(stderr).toContain('hint: take one with `beamscope snapshot save`')
    expect(code).toBe(5)
  })

  it('gives the byte at which a binary file breaks off', async () => {
    const file = join(folder, 'truncated.etf')
    const bytes = await readFile(goldenPath(NAME, 'snapshot.etf'))
    await writeFile(file, bytes.subarray(0, 20_000))
    const { code, stderr } = await fail(['memory', '--snapshot', file])
    expect(stderr).toMatch(/damaged: .*at byte \d+/)
    expect(code).toBe(5)
  })

  it('gives the line and shows the place at which text is damaged', async () => {
    const file = join(folder, 'damaged.terms')
    const text = await readFile(goldenPath(NAME, 'snapshot.terms'), 'utf8')
    const at = text.indexOf('{instance,1,')
    await writeFile(file, `${text.slice(0, at)}{instance,,${text.slice(at + 12)}`)
    const { code, stderr } = await fail(['memory', '--snapshot', file])
    const line = text.slice(0, at).split('\n').length
    expect(stderr).toMatch(new RegExp(`damaged: .*at line ${line}, column \\d+\n`))
    expect(stderr).toMatch(/\{instance,,.*\n +\^\n/)
    expect(code).toBe(5)
  })

  it('calls standard input by its name', async () => {
    const { stderr } = await fail(['memory', '--snapshot', '-'], { input: '' })
    expect(stderr).toMatch(/^beamscope: standard input: not a snapshot: it is empty/)
  })
})

describe('a call that is no call', () => {
  it('shows the place before anything is connected', async () => {
    const { code, stderr } = await fail(['call', 'a@b', 'erlang:memory(tot al)'])
    expect(stderr).toMatch(/^beamscope: a@b: .*at line 1, column 19\n/)
    expect(stderr).toContain('  erlang:memory(tot al)\n                    ^')
    expect(code).toBe(2)
  })
})

describe('diagnose', () => {
  const fragmented = goldenPath(NAME, 'snapshot.etf')

  it.each([
    [[], 0],
    [['--fail-on', 'info'], 1],
    [['--fail-on', 'fragmented'], 1],
    [['--fail-on', 'in-use'], 0],
    [['--fail-on', 'in-use', '--fail-on', 'fragmented'], 1],
  ])('with %j ends in %d on a node that is fragmented', async (options, expected) => {
    for (const format of [[], ['--json']]) {
      const argv = ['diagnose', '--snapshot', fragmented, ...options, ...format]
      const { code, stdout, stderr } = await runCli(argv)
      expect({ code, stderr }).toEqual({ code: expected, stderr: '' })
      expect(stdout).toContain('fragmented')
    }
  })

  it('knows severities in their order', async () => {
    const { stdout } = await runCli(['diagnose', '--snapshot', fragmented, '--json'])
    const severities = ['info', 'warning', 'critical']
    const gravest = JSON.parse(stdout).data.findings[0].severity
    for (const severity of severities) {
      const { code } = await runCli(['diagnose', '--snapshot', fragmented, '--fail-on', severity])
      expect(code).toBe(severities.indexOf(severity) <= severities.indexOf(gravest) ? 1 : 0)
    }
  })

  it('names what it can fail on', async () => {
    const { code, stderr } = await fail(['diagnose', 'a@b', '--fail-on', 'healthy'])
    expect(stderr).toContain('Allowed choices are info, warning, critical, fragmented')
    expect(code).toBe(2)
  })
})

describe('the cookie', () => {
  const target = ['ping', 'a@127.0.0.1', '--port', '1']

  it('is missing: says where it was looked for and how to give one', async () => {
    const { code, stderr } = await fail(target, { env: { HOME: folder } })
    expect(stderr).toContain(join(folder, '.erlang.cookie'))
    expect(stderr).toContain('--cookie-file')
    expect(code).toBe(2)
  })

  it('may not lie in a file that others can read', async () => {
    const file = join(folder, 'open-cookie')
    await writeFile(file, 'secret', { mode: 0o644 })
    const { code, stderr } = await fail([...target, '--cookie-file', file])
    expect(stderr).toMatch(/can be read by others\n {2}hint: chmod 400/)
    expect(code).toBe(2)
  })

  it('comes from one place', async () => {
    const { code, stderr } = await fail([...target, '--cookie-file', 'x', '--cookie-stdin'])
    expect(stderr).toContain('exclude each other')
    expect(code).toBe(2)
  })

  it.each([
    ['the variable', { env: { BEAMSCOPE_COOKIE: 'hidden-word' } }, []],
    ['standard input', { input: 'hidden-word\n' }, ['--cookie-stdin']],
  ])('from %s is in no message, not even a verbose one', async (_, options, more) => {
    const { code, stderr } = await fail([...target, ...more, '--verbose'], options)
    expect(code).toBe(3)
    expect(stderr).not.toContain('hidden-word')
  })
})

describe('what does not answer ends in 3', () => {
  it('nobody on the port', async () => {
    const { code, stderr } = await fail(['ping', 'a@127.0.0.1', '--port', '1'], {
      env: { BEAMSCOPE_COOKIE: 'x' },
    })
    expect(stderr).toMatch(/^beamscope: a@127.0.0.1.* 127.0.0.1:1/)
    expect(code).toBe(3)
  })

  it('no port mapper', async () => {
    const { code, stderr } = await fail(['names', '127.0.0.1', '--epmd-port', '1'])
    expect(stderr).toMatch(/^beamscope: .*no EPMD listens on 127.0.0.1:1\n {2}hint: .*--epmd-port/)
    expect(code).toBe(3)
  })
})

it('shows causes and stacks with --verbose, and with BEAMSCOPE_DEBUG', async () => {
  const argv = ['memory', '--snapshot', '/nowhere/x']
  const { stderr } = await fail(argv)
  expect(stderr).not.toContain('    at ')
  expect((await fail([...argv, '--verbose'])).stderr).toMatch(
    /SnapshotUnreadableError.*\[ERR_SNAPSHOT_UNREADABLE\][\s\S]*ENOENT/,
  )
  expect((await fail(argv, { env: { BEAMSCOPE_DEBUG: '1' } })).stderr).toContain('ENOENT')
})

it('lets no escape sequence of a file name through to the terminal', async () => {
  const { stderr } = await fail(['memory', '--snapshot', '/nowhere/\u001b[2J\u202e'])
  expect(stderr).toContain('\\u001b[2J\\u202e')
  expect(stderr).not.toContain('\u001b')
})

it('ends in 130 when it is interrupted, without a word', async () => {
  const { InterruptedError } = await import('../../src/cli/interruption.ts')
  const signal = AbortSignal.abort(new InterruptedError('SIGINT'))
  const result = await fail(['memory', '--snapshot', '-'], { signal })
  expect(result).toEqual({ code: 130, stderr: '' })
})
