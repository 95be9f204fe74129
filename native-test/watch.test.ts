/** `beamscope watch` in a real terminal, at real nodes: what it shows, its keys, and what it leaves behind. */
import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import stringWidth from 'string-width'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readSnapshotFile } from '../src/history/snapshot-file.ts'
import { runProgram } from '../src/testing/program.ts'
import { describeOnRelease, describeUnless } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { TmuxTerminal } from './support/tmux.ts'

const MAIN = fileURLToPath(new URL('../lib/cli/main.cjs', import.meta.url))

/** Tells the status that it is given, and how the terminal is set. */
const ENDED = `echo "ended by [$1] with $(stty -a | grep -oE -e '-?\\b(icanon|isig|echo)\\b' | paste -sd' ')"`

/** Keeps every 20th of many binaries, so that there is something to see. */
const FRAGMENT = `
  Self = self(),
  spawn(fun() ->
    Held = [B || {I, B} <- [{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 20000)], I rem 20 =:= 0],
    erlang:garbage_collect(),
    Self ! done,
    receive stop -> Held end
  end),
  receive done -> ok end`

const ALLOCATORS = ['binary_alloc', 'eheap_alloc', 'ets_alloc']

const hasTmux = spawnSync('tmux', ['-V']).error === undefined
const shortfall = hasTmux ? undefined : 'tmux is not on PATH; install it'
if (shortfall !== undefined) console.error(`tests of watch skipped: ${shortfall}`)

function describeInTerminal(title: string, body: () => void): void {
  describeOnRelease(29, title, () => describeOnRelease(23, 'beside', body), { shortfall })
}

describeInTerminal('watch', () => {
  let folder: TemporaryFolder
  let first: ErlangNode
  let second: ErlangNode
  let terminal: TmuxTerminal
  let environment: Readonly<Record<string, string>>

  const watch = (...words: readonly string[]): string =>
    [process.execPath, MAIN, 'watch', ...words].join(' ')

  const open = async (
    columns: number,
    rows: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<TmuxTerminal> => {
    terminal = await TmuxTerminal.start({
      columns,
      rows,
      folder: folder.path,
      environment: { ...environment, ...more },
    })
    return terminal
  }

  const shellIsBack = (): Promise<string> =>
    terminal.until((it) => it.trimEnd().endsWith(TmuxTerminal.prompt))

  /** The shell has the terminal again, as it was, and says how the program ended. */
  const expectLeft = async (status: number): Promise<void> => {
    await terminal.run('bash ended $?')
    const screen = await terminal.until((it) => it.includes('ended by ['))
    expect(screen).toContain(`ended by [${status}] with isig icanon echo`)
    // What stood there before is back.
    expect(screen).toContain('before it')
    expect(await terminal.state('alternate_on')).toBe('0')
    expect(await terminal.state('cursor_flag')).toBe('1')
    expect(await terminal.state('wrap_flag')).toBe('1')
  }

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    await writeFile(join(folder.path, 'ended'), ENDED)
    first = await startErlangNode({ release: 29, emulatorArguments: ['+S', '4:4'] })
    const { cookie, epmdPort } = first
    second = await startErlangNode({ release: 23, cookie, epmdPort })
    await first.evaluate(FRAGMENT)
    environment = {
      BEAMSCOPE_COOKIE: cookie,
      ERL_EPMD_PORT: `${epmdPort}`,
      HOME: folder.path,
      LANG: 'C.UTF-8',
      // The number of processors of the machine is no matter of the screen.
      TERM: 'xterm-256color',
    }
  })
  afterAll(async () => {
    await second.kill()
    await first.kill()
    await folder[Symbol.asyncDispose]()
  })
  afterEach(() => terminal[Symbol.asyncDispose]())

  describe.each([
    [80, 24],
    [200, 50],
  ])('in a terminal of %i by %i', (columns, rows) => {
    beforeEach(() => open(columns, rows))

    const expectWithin = (screen: string): void => {
      const lines = screen.trimEnd().split('\n')
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns)
    }

    it('shows each node, and does what the keys say', async () => {
      await terminal.run('echo before it')
      await terminal.run(watch(first.name, second.name, '--interval', '300ms'))
      const screen = await terminal.until(
        (it) => it.includes('healthy') && /fragmented – \w/.test(it) && it.includes('since'),
      )
      expectWithin(screen)
      expect(screen.split('\n')[0]).toMatch(
        new RegExp(`^${first.name} {2}1 of 2, OTP 29, 4 schedulers .* every 300ms$`),
      )
      for (const name of ALLOCATORS) expect(screen).toContain(name)
      for (const figure of ['usage', 'allocated', 'used', 'resident', 'waste'])
        expect(screen).toMatch(new RegExp(`^${figure} +[\\d.]+( [KM]iB|%)`, 'm'))
      expect(screen).toContain(second.name)
      expect(screen).toMatch(/\? help {2}q quit$/m)
      expect(await terminal.state('alternate_on')).toBe('1')
      expect(await terminal.state('cursor_flag')).toBe('0')
      // Something was drawn over time.
      await terminal.until((it) => /^waste .*[▁▂▃▄▅▆▇█]{4}/m.test(it))

      await terminal.type('sss')
      const sorted = await terminal.until((it) => it.includes('sort: name'))
      const names = sorted.match(/\b\w+_alloc(?= +[\d.]+ [KM]?i?B)/g) ?? []
      expect(names.length).toBeGreaterThan(4)
      expect(names).toEqual([...names].sort())
      await terminal.type('s')
      await terminal.until((it) => it.includes('sort: waste'))

      await terminal.type('u')
      const inBytes = await terminal.until((it) => /^resident +\d+,\d{3},\d{3}/m.test(it))
      expectWithin(inBytes)
      await terminal.type('uuuu')
      await terminal.until((it) => /^resident +[\d.]+ MiB/m.test(it))

      await terminal.press('Enter')
      const opened = await terminal.until(
        (it) => /^ {2}instance/m.test(it) && it.includes('Esc back'),
      )
      expect(opened).toMatch(/^▸ [0-4]\b/m)
      expect(opened).toContain('  binary_alloc')
      expectWithin(opened)
      await terminal.press('Escape')
      await terminal.until((it) => /^ {2}allocator/m.test(it))
      await terminal.press('Down')
      await terminal.until((it) => /^▸ (?!binary)\w+_alloc/m.test(it))

      await terminal.type('?')
      const help = await terminal.until((it) => it.includes('Ctrl-L'))
      expect(help).toContain('save what is shown as a snapshot file')
      await terminal.press('Escape')
      await terminal.until((it) => /^ {2}allocator/m.test(it))

      await terminal.press('Tab')
      const other = await terminal.until((it) => it.startsWith(second.name))
      expect(other.split('\n')[0]).toContain('OTP 23')
      expectWithin(other)
      await terminal.type('1')
      await terminal.until((it) => it.startsWith(first.name))

      await terminal.type('q')
      await shellIsBack()
      await expectLeft(0)
    })
  })

  it('freezes, saves what is shown, and never over another file', async () => {
    await open(80, 24)
    await terminal.run(watch(first.name, '--interval', '200ms'))
    await terminal.until((it) => it.includes('fragmented –'))
    await terminal.type('f')
    // The last line is drawn last.
    const frozen = await terminal.until((it) => it.includes('FROZEN') && it.includes('go on'))
    const time = Date.now()
    await vi.waitUntil(() => Date.now() > time + 1_200, { timeout: 5_000 })
    expect(await terminal.screen()).toBe(frozen)
    await terminal.type('w')
    const saved = await terminal.until((it) => it.includes('saved '))
    const files = (await readdir(folder.path)).filter((it) => it.endsWith('.snapshot'))
    expect(files).toHaveLength(1)
    const [file = ''] = files
    expect(saved).toContain(`saved ${file}, `)
    const { snapshot } = await readSnapshotFile(join(folder.path, file))
    expect(snapshot).toMatchObject({ node: first.name, otpRelease: '29' })
    const before = await readFile(join(folder.path, file))
    await terminal.type('w')
    await terminal.until((it) => it.includes(`${file} is there already`))
    expect(await readFile(join(folder.path, file))).toEqual(before)
    expect(before.includes(first.cookie)).toBe(false)
    await terminal.type('f')
    const shown = /\d\d:\d\d:\d\d/.exec(frozen)?.[0] ?? ''
    await terminal.until((it) => !it.includes('FROZEN') && !it.split('\n')[0]?.includes(shown))
    await terminal.type('q')
  })

  it('says that it needs a folder that is there', async () => {
    await open(80, 24)
    await terminal.run('mkdir gone; cd gone; rmdir ../gone')
    await terminal.run(watch(first.name))
    const screen = await terminal.until((it) => it.includes('hint: '))
    expect(screen).toContain('beamscope: the current folder is gone')
    expect(screen).toContain('hint: go to one that is there')
  })

  it('follows the size of the terminal', async () => {
    await open(80, 24)
    await terminal.run(watch(first.name, second.name, '--interval', '200ms'))
    await terminal.until((it) => it.includes('fragmented –'))
    for (const [columns, rows] of [
      [200, 50],
      [40, 10],
      [300, 60],
      [80, 24],
    ] as const) {
      await terminal.resize(columns, rows)
      const screen = await terminal.until((it) => {
        const lines = it.replace(/\n$/, '').split('\n')
        const isThere = lines[0]?.startsWith(first.name) && lines[rows - 1]?.includes('q quit')
        return isThere === true && lines[0]?.length === columns
      })
      // Nothing is left over of what stood there before.
      expect(screen.match(/q quit/g)).toHaveLength(1)
      expect(screen.match(/allocator/g)?.length).toBeGreaterThan(0)
    }
    await terminal.type('q')
  })

  it('shows why a node does not answer beside its last figures, and has it back by itself', async () => {
    const { cookie, epmdPort, name } = first
    await using third = await startErlangNode({ release: 29, cookie, epmdPort })
    await open(80, 24)
    await terminal.run(watch(third.name, name, '--interval', '200ms'))
    await terminal.until((it) => it.includes('healthy –'))
    await third.kill()
    const lost = await terminal.until((it) => it.includes('no answer –'))
    expect(lost).toMatch(/stale since \d\d:\d\d:\d\d/)
    expect(lost).toContain('eheap_alloc')
    await terminal.until((it) => /^hint: /m.test(it))
    await using again = await startErlangNode({ release: 29, cookie, epmdPort, name: third.name })
    const back = await terminal.until((it) => it.includes('healthy –'))
    expect(back).toContain(again.name)
    expect(back).not.toContain('stale')
    await terminal.type('q')
  })

  it('shows a node that was never there, and ends with its exit code', async () => {
    await open(80, 24)
    await terminal.run('echo before it')
    await terminal.run(watch('nobody@127.0.0.1', '--samples', '4', '--interval', '300ms'))
    const screen = await terminal.until((it) => it.includes('no answer –'))
    expect(screen).toContain('no node is registered as nobody')
    await shellIsBack()
    await expectLeft(3)
  })

  it.each<readonly [how: string, status: number, end: () => Promise<void>]>([
    ['Ctrl-C', 130, () => terminal.press('C-c')],
    ['SIGTERM', 143, () => kill('SIGTERM')],
    ['SIGINT from elsewhere', 130, () => kill('SIGINT')],
    ['SIGHUP', 129, () => kill('SIGHUP')],
    ['SIGALRM', 142, () => kill('SIGALRM')],
    ['an error of its own', 1, () => kill('SIGUSR2')],
  ])('leaves the terminal as it was after %s', async (_, status, end) => {
    await open(80, 24)
    await terminal.run('echo before it')
    const crash = "data:text/javascript,process.on('SIGUSR2',()=>{throw new TypeError('crashed')})"
    const words = watch(first.name, '--interval', '200ms').replace(' ', ` --import "${crash}" `)
    await runKillable(words)
    await terminal.until((it) => it.includes('fragmented –'))
    await end()
    const screen = await shellIsBack()
    if (status === 1) expect(screen).toContain('TypeError: crashed')
    await expectLeft(status)
  })

  const runKillable = (words: string): Promise<void> =>
    terminal.run(`bash -c 'echo $$ > pid; exec "$@"' - ${words}`)

  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const pid = Number(await readFile(join(folder.path, 'pid'), 'utf8'))
    process.kill(pid, signal)
  }

  it('ends with its terminal', async () => {
    await open(80, 24)
    const words = watch(first.name, '--interval', '200ms')
    const known = `bash -c "echo \\$\\$ > pid; exec \\"\\$@\\"" - "$@"`
    await terminal.run(`bash -c 'trap : HUP; ${known} 2> error; echo $? > status' - ${words}`)
    await terminal.until((it) => it.includes('fragmented –'))
    // It looks when all is over.
    await kill('SIGSTOP')
    await terminal[Symbol.asyncDispose]()
    await kill('SIGCONT').catch(() => {})
    const status = (): Promise<string> => readFile(join(folder.path, 'status'), 'utf8')
    await expect.poll(() => status().catch(() => '')).toBe('129\n')
    expect(await readFile(join(folder.path, 'error'), 'utf8')).toBe('')
  })

  it('waits in the background, and draws itself again', async () => {
    await open(80, 24)
    await terminal.run(`${watch(first.name, '--interval', '200ms')} &`)
    const isStopped = async (): Promise<boolean> => {
      // The shell tells it with its next prompt.
      await terminal.press('Enter')
      return (await terminal.screen()).includes('Stopped')
    }
    await vi.waitUntil(isStopped, { timeout: 30_000, interval: 200 })
    expect(await terminal.state('alternate_on')).toBe('0')
    await terminal.run('clear')
    await terminal.run('fg')
    await terminal.until((it) => it.includes('fragmented –'))
    await terminal.press('C-z')
    await terminal.until((it) => it.includes('Stopped'))
    expect(await terminal.state('alternate_on')).toBe('0')
    expect(await terminal.state('cursor_flag')).toBe('1')
    await terminal.run('fg')
    await terminal.until((it) => it.includes('fragmented –') && it.includes('q quit'))
    await terminal.type('q')
    await terminal.until((it) => it.includes('Stopped'))
  })

  it.each(['SIGTSTP', 'SIGSTOP'] as const)(
    'draws itself again after %s from elsewhere',
    async (signal) => {
      await open(80, 24)
      await runKillable(watch(first.name, '--interval', '200ms'))
      await terminal.until((it) => it.includes('fragmented –'))
      await kill(signal)
      await terminal.until((it) => it.includes('Stopped'))
      // Nothing can be done about the other one.
      if (signal === 'SIGTSTP') expect(await terminal.state('alternate_on')).toBe('0')
      await terminal.run('fg')
      await terminal.until((it) => it.includes('fragmented –') && !it.includes('Stopped'))
      await terminal.type('s')
      await terminal.until((it) => it.includes('sort: allocated'))
      await terminal.type('q')
      await shellIsBack()
    },
  )

  it('goes on after Ctrl-Z where no shell would have it back', async () => {
    await open(80, 24)
    // Then it is the first process of its session, as in a container.
    await terminal.run(`exec ${watch(first.name, '--interval', '200ms')}`)
    const clock = (it: string): string | undefined => /\d\d:\d\d:\d\d(?= +every)/.exec(it)?.[0]
    const before = await terminal.until((it) => it.includes('fragmented –'))
    await terminal.press('C-z')
    await terminal.until((it) => clock(it) !== undefined && clock(it) !== clock(before))
    await terminal.type('s')
    const screen = await terminal.until((it) => it.includes('sort: allocated'))
    expect(screen).toContain('fragmented –')
    expect(await terminal.state('alternate_on')).toBe('1')
    await terminal.type('q')
  })

  it('paints with the colours that are wanted, and draws with what the locale has', async () => {
    const ESCAPE = '\u001b'
    const color = new RegExp(`${ESCAPE}\\[[\\d;]*3[1-6]`)
    await open(80, 24)
    await terminal.run(watch(first.name, '--samples', '100', '--interval', '200ms'))
    await terminal.until((it) => it.includes('fragmented –'))
    expect(await terminal.painted()).toMatch(color)
    await terminal[Symbol.asyncDispose]()
    await open(80, 24, { NO_COLOR: '1', LANG: 'C' })
    await terminal.run(watch(first.name, '--interval', '200ms'))
    await terminal.until((it) => /^waste .*____/m.test(it))
    const painted = await terminal.painted()
    expect(painted).not.toMatch(color)
    expect(painted).toContain('fragmented - ')
    // Nor is anything bold or dim, and all is ASCII.
    expect(painted).toMatch(/^[\n -~]*$/)
    await terminal.type('q')
  })

  it('prints lines where the terminal cannot draw', async () => {
    await open(160, 24, { TERM: 'dumb' })
    await terminal.run(`TERM=dumb ${watch(first.name, '--samples', '2', '--interval', '100ms')}`)
    const line = new RegExp(`Z {2}${first.name} {2}fragmented {2}usage `, 'g')
    const screen = await terminal.until((it) => it.match(line)?.length === 2)
    expect(screen).toMatch(/worst binary_alloc$/m)
    expect(await terminal.state('alternate_on')).toBe('0')
  })
})

describeUnless(undefined, 'watch without a terminal', () => {
  describeOnRelease('any', 'prints', () => {
    let node: ErlangNode
    beforeAll(async () => {
      node = await startErlangNode()
    })
    afterAll(() => node.kill())

    const shell = (script: string) =>
      runProgram(['bash', '--norc', '-c', script, '-', process.execPath, MAIN], {
        environment: {
          PATH: process.env.PATH ?? '',
          BEAMSCOPE_COOKIE: node.cookie,
          ERL_EPMD_PORT: `${node.epmdPort}`,
        },
        timeout: 60_000,
      })

    it('a line for each sample, until nobody reads them any more', async () => {
      const { stdout, stderr } = await shell(
        `"$@" watch ${node.name} --interval 100ms | head -3; echo "ended by [\${PIPESTATUS[0]}]"`,
      )
      const lines = stdout.trim().split('\n')
      expect({ stderr, last: lines.pop() }).toEqual({ stderr: '', last: 'ended by [0]' })
      expect(lines).toHaveLength(3)
      for (const line of lines) {
        expect(line).toMatch(
          /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}\S+@127.0.0.1 {2}\S+ {2}usage [\d.]+% {2}/,
        )
      }
    })

    it('an object of JSON a line', async () => {
      const { status, stdout } = await shell(
        `exec "$@" watch ${node.name} nobody@127.0.0.1 --interval 100ms --samples 2 --ndjson`,
      )
      expect(status).toBe(6)
      const objects = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(objects.map(({ beamscope }) => beamscope).sort()).toEqual([
        'watch-failure/1',
        'watch-failure/1',
        'watch/1',
        'watch/1',
      ])
      const [sample] = objects.filter(({ beamscope }) => beamscope === 'watch/1')
      expect(sample).toMatchObject({
        node: node.name,
        unit: 'byte',
        otp_release: `${node.release}`,
      })
      const { allocators, ...whole } = sample.data
      const sum = (key: string): number =>
        allocators.reduce((total: number, it: Record<string, number>) => total + (it[key] ?? 0), 0)
      for (const key of ['allocated', 'used', 'waste']) expect(sum(key)).toBe(whole[key])
      expect(whole.usage).toBeCloseTo(whole.used / whole.allocated)
      expect(whole.resident).toBeGreaterThan(10_000_000)
    })
  })
})
