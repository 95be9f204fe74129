import { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { withSpinner } from '../../src/cli/spinner.ts'

/** What is written on standard error while `work` takes over a second. */
async function shown(
  stderr: { readonly isTTY: boolean; readonly columns: number },
  env: Context['env'] = {},
): Promise<string> {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  const context: Context = {
    stdin: Readable.from([]),
    stdout: stream,
    // A terminal's stream can do this too.
    stderr: Object.assign(stream, stderr, {
      clearLine: () => true,
      cursorTo: () => true,
      moveCursor: () => true,
    }),
    env,
    signal: new AbortController().signal,
    exitCode: 0,
    verbose: false,
  }
  expect(await withSpinner(context, 'asking', delay(1_300, 'answer'))).toBe('answer')
  return text
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
  expect(await shown({ isTTY: true, columns: 80 })).toContain('asking')
})
