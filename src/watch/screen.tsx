/**
 * The screen in ink: keys in, lines out. It knows nothing of nodes: it is bundled by itself, as the only ES
 * module of the program, so that nothing is in the program twice.
 */
import { Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { Box, render, Transform, useInput } from 'ink'
import { type ReactElement, useSyncExternalStore } from 'react'
import type { Key } from './keys.ts'
import type { Size } from './model.ts'

/** What stands on the screen now; another object whenever that changes. */
export interface Picture {
  readonly size: Size
  /** Painted, no wider than the terminal. */
  readonly lines: readonly string[]
}

/** Where the screen has its lines from, and gives its keys to. */
export interface Source {
  picture(): Picture
  press(key: Key): void
  /** Returns how not to be told any more. */
  subscribe(changed: () => void): () => void
}

export function Screen({ source }: { readonly source: Source }): ReactElement {
  const { lines, size } = useSyncExternalStore(source.subscribe, source.picture)
  useInput((input, key) => source.press({ ...key, input }))
  // Before version 8, which takes Node.js 22, ink keeps each text that it ever measured
  // (https://github.com/vadimdemedes/ink/issues/986), 16 MB in 20 minutes at ten pictures a second: so
  // what it lays out is always the same, and becomes the lines when it is drawn.
  const blank = Array.from(lines, () => ' ').join('\n')
  return (
    <Box width={size.columns} height={size.rows} overflow="hidden">
      <Transform transform={(_, row) => lines[row] ?? ''}>{blank}</Transform>
    </Box>
  )
}

export interface ShownScreen {
  /** Ends with the screen; rejected when it fails. */
  readonly closed: Promise<unknown>
  close(): void
}

/** Shows the screen, and hands each frame of it to `draw`. */
export function showScreen(
  source: Source,
  stdin: ReadStream,
  draw: (lines: readonly string[]) => void,
): ShownScreen {
  const frames = new Frames(() => source.picture().size.columns, draw)
  if (!isOutput(frames)) throw new TypeError('a stream cannot be written to')
  const ink = render(<Screen source={source} />, {
    stdin,
    stdout: frames,
    // Whole frames: by itself ink erases lines to draw them again, and clears what can be scrolled back to.
    debug: true,
    exitOnCtrlC: false,
    patchConsole: false,
  })
  return {
    closed: ink.waitUntilExit(),
    close: () => {
      ink.unmount()
      ink.cleanup()
    },
  }
}

/** What ink writes on: each text is a whole frame. */
class Frames extends Writable {
  readonly #columnsNow: () => number
  readonly #draw: (lines: readonly string[]) => void

  constructor(columnsNow: () => number, draw: (lines: readonly string[]) => void) {
    super({ decodeStrings: false })
    this.#columnsNow = columnsNow
    this.#draw = draw
  }

  get columns(): number {
    return this.#columnsNow()
  }

  override _write(frame: unknown, _encoding: BufferEncoding, done: () => void): void {
    // What ink writes at its end, to wait for what it wrote before, is no frame.
    if (typeof frame === 'string' && frame !== '') this.#draw(frame.split('\n'))
    done()
  }
}

/** Ink needs no more of its output than to write on it, though the type says that it is the terminal's. */
function isOutput(stream: object): stream is NodeJS.WriteStream {
  return 'write' in stream
}
