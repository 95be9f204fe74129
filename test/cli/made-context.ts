/**
 * A command's context whose both outputs are one stream of the test's own, perhaps a terminal.
 */
import { Readable, Writable } from 'node:stream'
import type { Context } from '../../src/cli/context.ts'

/** What the stream says of itself; a pipe says nothing. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface MadeContext {
  readonly context: Context
  /** All that was written so far. */
  written(): string
}

/** `seen` is told what was written so far, whenever something is. */
export function makeContext(
  terminal: Terminal = {},
  env: Context['env'] = {},
  seen: (text: string) => void = () => {},
): MadeContext {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      seen(text)
      done()
    },
  })
  const context: Context = {
    stdin: Readable.from([]),
    stdout: stream,
    // A terminal's stream can do this too.
    stderr: Object.assign(stream, terminal, {
      clearLine: () => true,
      cursorTo: () => true,
      moveCursor: () => true,
    }),
    env,
    signal: new AbortController().signal,
    exitCode: 0,
    verbose: false,
  }
  return { context, written: () => text }
}
