import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { withSpinner } from '../../src/cli/spinner.ts'
import { makeContext, type Terminal } from './made-context.ts'

/** What is written on standard error while something takes over a second, or until that holds `end`. */
async function shown(stderr: Terminal, env: Context['env'] = {}, end?: string): Promise<string> {
  let ended = (): void => {}
  const { context, written } = makeContext(stderr, env, (text) => {
    if (end !== undefined && text.includes(end)) ended()
  })
  const work =
    end === undefined
      ? delay(1_300, 'answer')
      : new Promise<string>((resolve) => {
          ended = () => resolve('answer')
        })
  expect(await withSpinner(context, 'asking', work)).toBe('answer')
  return written()
}

it('says nothing where nobody watches, or the terminal cannot show it', async () => {
  expect(
    await Promise.all([
      shown({ isTTY: false, columns: 80 }),
      shown({ isTTY: true, columns: 80 }, { TERM: 'dumb' }),
      // A terminal without a window has no width.
      shown({ isTTY: true, columns: 0 }),
    ]),
  ).toEqual(['', '', ''])
})

it('shows on a terminal what is waited for', async () => {
  expect(await shown({ isTTY: true, columns: 80 }, {}, 'asking')).toContain('asking')
})

it('shows how far it is', async () => {
  // A machine that only keeps a log is shown the first text alone.
  vi.stubEnv('CI', undefined)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const { context, written } = makeContext({ isTTY: true, columns: 80 })
  let done = 0
  const work = (async () => {
    while (!written().includes('after 2')) {
      await delay(10)
      done = written().includes('after 1') ? 2 : 1
    }
  })()
  await withSpinner(context, () => `after ${done}`, work)
  expect(written()).toContain('after 2')
})
