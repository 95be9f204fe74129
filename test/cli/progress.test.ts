/** What is shown of a sweep while it runs. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { showProgress } from '../../src/cli/progress.ts'
import { makeContext, type Terminal } from './made-context.ts'

const STATE = { answered: 2, failed: 1, running: 4, slowest: undefined }

/** What stands on both streams, once `end` is among it. */
async function shown(terminal: Terminal, end: string, env: Context['env'] = {}): Promise<string> {
  const { context, written } = makeContext(terminal, env)
  {
    using progress = showProgress(context, 7, () => STATE)
    await expect.poll(written, { timeout: 20_000 }).toContain(end)
    progress.write('a result\n')
  }
  return written()
}

const LINE = '3 of 7 nodes done, 1 of them failed; 4 running'

it('is a plain line where there is no terminal, and another at the end', async () => {
  const text = await shown({ isTTY: false, columns: 0 }, LINE)
  expect(text).toBe(`${LINE}\na result\n${LINE}\n`)
})

it('is a plain line on a terminal that cannot draw', async () => {
  expect(await shown({ isTTY: true, columns: 80 }, LINE, { TERM: 'dumb' })).toContain(`${LINE}\n`)
  expect(await shown({ isTTY: true, columns: 0 }, LINE)).toContain(`${LINE}\n`)
})

it('is drawn on a terminal', async () => {
  expect(await shown({ isTTY: true, columns: 80 }, LINE)).toContain('a result\n')
})

it('is nothing where all is over at once', async () => {
  const { context, written } = makeContext()
  {
    using _ = showProgress(context, 7, () => STATE)
  }
  await delay(1_200)
  expect(written()).toBe('')
})
