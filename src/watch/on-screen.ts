/**
 * Watching on a terminal, from the moment at which it is taken over until it is given back.
 */
import type { ReadStream, WriteStream } from 'node:tty'
import type { Sampled } from '../cluster/sampler.ts'
import type { Style } from './frame.ts'
import type { ModelOptions } from './model.ts'
import { saveLook } from './save.ts'
import type { ShownScreen } from './screen.tsx'
import { Terminal } from './terminal.ts'
import { Watcher } from './watcher.ts'

export interface OnScreenOptions {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly model: Omit<ModelOptions, 'size'>
  readonly style: Style
  readonly signal: AbortSignal
  /** Ends the samples. */
  stop(): void
  /** Is told each sample. */
  take(sampled: Sampled): void
}

/** What draws. To be begun before there is something to draw: it takes longer to load than all else. */
export function loadScreen(): Promise<typeof import('./screen.tsx')> {
  return import('./screen.tsx')
}

/** How it came to its end: by the samples', by `q`, or by Ctrl-C. */
export type End = 'over' | 'quit' | 'interrupted'

/**
 * Shows samples until they end, or the user ends them.
 *
 * @throws whatever the samples throw, after the terminal is as it was
 */
export async function watchOnScreen(
  samples: AsyncIterable<Sampled>,
  { stdin, stdout, model, style, signal, stop, take }: OnScreenOptions,
): Promise<End> {
  const { showScreen } = await loadScreen()
  const terminal = new Terminal(stdin, stdout, resize)
  let end: End = 'over'
  let failure: { readonly error: unknown } | undefined
  const leave = (how: End): void => {
    end = how
    // At once: connections take a moment to close.
    terminal.leave()
    stop()
  }
  const redraw = (): void => {
    terminal.forget()
    terminal.draw(drawn)
  }
  let drawn: readonly string[] = []
  const watcher = new Watcher({ ...model, size: terminal.size }, style, {
    save: (look) => saveLook(look, signal),
    redraw,
    suspend: terminal.suspend,
    quit: () => leave('quit'),
    interrupt: () => leave('interrupted'),
  })
  function resize(): void {
    terminal.forget()
    watcher.resize(terminal.size)
  }
  let screen: ShownScreen | undefined
  try {
    terminal.enter()
    stdout.on('resize', resize)
    screen = showScreen(watcher, stdin, (lines) => {
      drawn = lines
      terminal.draw(lines)
    })
    screen.closed.then(stop, (error: unknown) => {
      failure = { error }
      stop()
    })
    for await (const sampled of samples) {
      take(sampled)
      watcher.take(sampled)
    }
  } finally {
    stdout.off('resize', resize)
    terminal.leave()
    screen?.close()
    // Nothing is read any more that would keep the process.
    stdin.pause()
  }
  if (failure !== undefined) throw failure.error
  return end
}
