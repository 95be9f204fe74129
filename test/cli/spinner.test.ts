import { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { withSpinner } from '../../src/cli/spinner.ts'

/** What is written on standard error while something takes over a second, or until that holds `end`. */
async function shown(
  stderr: { readonly isTTY: boolean; readonly columns: number },
  env: Context['env'] = {},
  end?: string,
): Promise<string> {
  let text = ''
  let seen = (): void => {}
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      if (end !== undefined && text.includes(end)) seen()
      done()
    },
  })
  const work =
    end === undefined
      ? delay(1_300, 'answer')
      : new Promise<string>((resolve) => {
          seen = () => resolve('answer')
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
  expect(await withSpinner(context, 'asking', work)).toBe('answer')
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
  expect(await shown({ isTTY: true, columns: 80 }, {}, 'asking')).toContain('asking')
})
