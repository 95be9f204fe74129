/** The screen, as whole pictures, and within its bounds whatever it shows. */
import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { createElement } from 'react'
import { afterEach, describe, expect, it } from 'vitest'
import { UNITS } from '../../src/analysis/unit.ts'
import { frameText } from '../../src/watch/frame.ts'
import type { Key } from '../../src/watch/keys.ts'
import { type Model, type Size, update } from '../../src/watch/model.ts'
import { WATCH_ORDERS } from '../../src/watch/order.ts'
import { Screen, type Source } from '../../src/watch/screen.tsx'
import { HOSTILE } from '../cli/hostile-node.ts'
import { heapUsed } from '../garbage.ts'
import { courseBefore, lookAt, NOON, PLAIN, watchedModel } from './made-looks.ts'
import { terminalColumns } from './terminal-columns.ts'

/** As ink draws it. */
function drawn(model: Model, style = PLAIN): string {
  const picture = { size: model.size, lines: frameText(model, style) }
  const source: Source = { picture: () => picture, press: () => {}, subscribe: () => () => {} }
  const { lastFrame, unmount } = render(createElement(Screen, { source }))
  const frame = lastFrame() ?? ''
  unmount()
  return frame
}

const failure = {
  time: NOON + 2_000,
  message: 'nobody listens on port 4711 of 127.0.0.1',
  hint: 'the node may have ended since it registered; beamscope names 127.0.0.1 lists who is there',
}

const obey = (model: Model, ...types: readonly ('open' | 'help' | 'freeze')[]): Model =>
  types.reduce((before, type) => update(before, { type: 'command', command: { type } }), model)

const one = ['rabbit@myhost']
const two = ['rabbit@myhost', 'shop@otherhost']

describe('the screen reads as expected', () => {
  it.each<readonly [string, Model]>([
    ['80x24', watchedModel(one, 80, 24)],
    ['80x24-two', watchedModel(two, 80, 24)],
    ['80x24-instances', obey(watchedModel(one, 80, 24), 'open')],
    ['80x24-help', obey(watchedModel(one, 80, 24), 'help')],
    ['80x24-frozen', obey(watchedModel(one, 80, 24, { unit: 'byte' }), 'freeze')],
    [
      '80x24-failed',
      update(watchedModel(two, 80, 24), { type: 'failure', node: 'rabbit@myhost', failure }),
    ],
    ['200x50', watchedModel(two, 200, 50)],
    ['40x12', watchedModel(two, 40, 12)],
    ['40x10', watchedModel(one, 40, 10)],
  ])('%s', async (name, model) => {
    const frame = drawn(model)
    expect(frame.split('\n')).toHaveLength(model.size.rows)
    await expect(`${frame}\n`).toMatchFileSnapshot(`expected/${name}.txt`)
  })

  it('in ASCII, where nothing says that the terminal takes more', async () => {
    const frame = drawn(watchedModel(two, 80, 24), { ...PLAIN, isAscii: true })
    expect(frame).toMatch(/^[\n -~]*$/)
    await expect(`${frame}\n`).toMatchFileSnapshot('expected/80x24-ascii.txt')
  })

  it('before the first answer, and when there is none', () => {
    const nothing = { ...watchedModel(one, 80, 24), nodes: [] }
    const waiting = { name: 'rabbit@myhost', look: undefined, moments: [], failure: undefined }
    expect(drawn({ ...nothing, nodes: [waiting] })).toContain('asking rabbit@myhost …')
    const failed = drawn({ ...nothing, nodes: [{ ...waiting, failure }] })
    expect(failed).toContain(`no answer – ${failure.message}`)
    expect(failed).toContain('hint: the node may have ended')
  })
})

describe('the screen', () => {
  const text = (model: Model): string => frameText(model, PLAIN).join('\n')

  it('has no table where there is no room for a row of it', () => {
    const small = watchedModel(one, 20, 5)
    expect(text(small)).not.toContain('allocator')
    expect(text({ ...small, size: { columns: 20, rows: 6 } })).toMatch(/^▸ binary_alloc/m)
    expect(text(obey({ ...small, size: { columns: 20, rows: 6 } }, 'open'))).not.toContain('–0/')
  })

  it('speaks of one scheduler, and of many', () => {
    const look = { ...lookAt('rabbit@myhost', NOON), schedulers: 1 }
    const alone = update(watchedModel(one, 80, 24), { type: 'look', look, moments: [look.moment] })
    expect(text(alone)).toContain('OTP 27, 1 scheduler ')
    expect(text(watchedModel(one, 80, 24))).toContain('OTP 27, 4 schedulers ')
  })

  it('shows a change without a sign where it is rounded to nothing', () => {
    const look = lookAt('rabbit@myhost', NOON)
    const { moment } = look
    const changed = (by: number): string => {
      const before = { ...moment, time: NOON - 2_000, used: Number(moment.used) - by }
      const model = watchedModel(one, 80, 24, { unit: 'gigabyte' })
      return text(update(model, { type: 'look', look, moments: [before, moment] }))
    }
    expect(changed(1_000)).toMatch(/^used +0\.053 +0\.000 /m)
    expect(changed(-1_000)).toMatch(/^used +0\.053 +0\.000 /m)
    expect(changed(2e7)).toMatch(/^used +0\.053 +\+0\.019 /m)
    expect(changed(-2e7)).toMatch(/^used +0\.053 +−0\.019 /m)
  })

  it('says how many findings there are where not all fit', () => {
    const look = lookAt('rabbit@myhost', NOON)
    const findings = Array.from({ length: 5 }, (_, index) => ({
      severity: 'info' as const,
      summary: `finding ${index + 1}`,
    }))
    const shownIn = (rows: number): string =>
      text(
        update(watchedModel(one, 80, rows), {
          type: 'look',
          look: { ...look, findings },
          moments: [look.moment],
        }),
      )
    expect(shownIn(28)).toMatch(/^Findings {2}3 of 5\n {2}info {4}finding 1\n.*\n.*finding 3$/m)
    expect(shownIn(31)).toMatch(/^Findings\n/m)
    expect(shownIn(31)).toMatch(/finding 5$/m)
    expect(shownIn(25)).not.toContain('Findings')
  })

  it.each([80, 40])('says at %i columns why a file was not written', (columns) => {
    const file = 'rabbit@myhost-2026-01-31T12-04-31-250Z.snapshot'
    const notice = {
      text: `${file} cannot be written: no space left on device`,
      isError: true,
      until: NOON,
    }
    const footer = frameText({ ...watchedModel(one, columns, 24), notice }, PLAIN).at(-1)
    expect(footer).toMatch(/^rabbit.*….*: no space left on device$/)
  })
})

describe('the screen stays within the terminal', () => {
  const name = fc.oneof(
    fc.constantFrom(HOSTILE, 'rabbit@myhost', '日本語@ホスト', `${'n'.repeat(255)}@h`, '🐇🐇@🏠'),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )
  const text = fc.oneof(name, fc.string({ unit: 'binary', maxLength: 400 }))
  const size = fc.record({
    columns: fc.integer({ min: 1, max: 300 }),
    rows: fc.integer({ min: 1, max: 100 }),
  })
  const changes = fc.record({
    unit: fc.constantFrom(undefined, ...UNITS),
    sort: fc.constantFrom(...WATCH_ORDERS),
    instance: fc.constantFrom(undefined, 0, 7, 1000),
    help: fc.constantFrom(undefined, 0, 3, 1000),
    selected: fc.constantFrom(0, 1, 2, 5),
  })

  it('whatever the nodes, their words, and the size', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
        text,
        text,
        size,
        changes,
        fc.boolean(),
        fc.boolean(),
        (names, message, release, { columns, rows }, changed, isFailed, isAscii) => {
          let model: Model = { ...watchedModel(names, columns, rows), ...changed }
          const look = {
            ...lookAt(names[0] ?? '', NOON + 2_000),
            otpRelease: release,
            reason: message,
          }
          const allocators = look.allocators.map((it) => ({ ...it, name: `${it.name}${message}` }))
          model = update(model, {
            type: 'look',
            look: { ...look, allocators },
            moments: courseBefore(look, 2_000),
          })
          if (isFailed) {
            model = update(model, {
              type: 'failure',
              node: names[0] ?? '',
              failure: { time: NOON, message, hint: message },
            })
          }
          const lines = frameText(model, { ...PLAIN, isAscii })
          expect(lines.length).toBeLessThanOrEqual(rows)
          for (const line of lines) {
            expect(terminalColumns(line)).toBeLessThanOrEqual(columns)
            expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('ink', () => {
  let unmount = (): void => {}
  afterEach(() => unmount())

  /** A screen, and how to have other lines on it. */
  function show(
    size: Size,
    lines: readonly string[],
    press: (key: Key) => void = () => {},
  ): ReturnType<typeof render> & { change(lines: readonly string[]): void } {
    let picture = { size, lines }
    let changed = (): void => {}
    const shown = render(
      createElement(Screen, {
        source: {
          picture: () => picture,
          press,
          subscribe: (listener) => {
            changed = listener
            return () => {}
          },
        },
      }),
    )
    unmount = shown.unmount
    const change = (others: readonly string[]): void => {
      picture = { size, lines: others }
      changed()
    }
    return { ...shown, change }
  }

  it('hands over each key as what it is', async () => {
    const keys: Key[] = []
    const shown = show({ columns: 80, rows: 24 }, ['one'], (key) => keys.push(key))
    const pressed = async (input: string): Promise<Key | undefined> => {
      keys.length = 0
      shown.stdin.write(input)
      await expect.poll(() => keys.length).toBe(1)
      return keys[0]
    }
    expect(await pressed('j')).toMatchObject({ input: 'j' })
    expect(await pressed('\u001b[A')).toMatchObject({ upArrow: true, input: '' })
    expect(await pressed('\u001b[B')).toMatchObject({ downArrow: true, input: '' })
    expect(await pressed('\r')).toMatchObject({ return: true })
    expect(await pressed('\t')).toMatchObject({ tab: true, input: '' })
    expect(await pressed('\u001b[Z')).toMatchObject({ tab: true, shift: true })
    expect(await pressed('\u001b')).toMatchObject({ escape: true })
    expect(await pressed('\u0003')).toMatchObject({ ctrl: true, input: 'c' })
    expect(await pressed('\u000c')).toMatchObject({ ctrl: true, input: 'l' })
    // Typed before any was read.
    expect(await pressed('\u0003\u0003')).toMatchObject({ ctrl: false, input: '\u0003\u0003' })
    expect(await pressed('\rs\t')).toMatchObject({ return: false, tab: false, input: '\rs\t' })
  })

  it('draws again when the picture is another one', async () => {
    const shown = show({ columns: 10, rows: 2 }, ['one'])
    expect(shown.lastFrame()).toContain('one')
    shown.change(['two', 'more'])
    await expect.poll(() => shown.lastFrame()).toBe('two\nmore')
    shown.change(['', 'three'])
    await expect.poll(() => shown.lastFrame()).toBe('\nthree')
  })

  it('keeps nothing of what it drew before', { timeout: 60_000 }, async () => {
    const rows = 20
    const shown = show({ columns: 100, rows }, [''])
    let count = 0
    const draw = async (pictures: number): Promise<void> => {
      for (let picture = 0; picture < pictures; picture++) {
        const lines = Array.from({ length: rows }, () => `${count++} `.padEnd(100, 'x'))
        shown.change(lines)
        while (shown.lastFrame() !== lines.join('\n')) await new Promise(setImmediate)
        // What is there for tests alone, and what React measures of itself where it is not in production.
        shown.frames.length = 0
        performance.clearMeasures()
      }
    }
    await draw(100)
    const before = heapUsed()
    await draw(1_000)
    // 20,000 lines of 100 characters, with what else a cache of them has.
    expect(heapUsed() - before).toBeLessThan(1_000_000)
  })
})
