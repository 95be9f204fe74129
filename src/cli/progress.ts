/**
 * How far a sweep is, on standard error: a line that changes on a terminal, else one every few seconds.
 */
import type { SweepProgress } from '../cluster/sweep.ts'
import { progressText } from '../present/progress.ts'
import type { Context } from './context.ts'

/** What is quicker than this needs no sign. Milliseconds. */
const PATIENCE = 1_000
/** Between two lines where there is no terminal. */
const PAUSE = 5_000

export interface Progress extends Disposable {
  /** Writes to standard output, which may be the same terminal. */
  write(text: string): void
}

/** Shows `read()` of `total` nodes from after a second until it is disposed of. */
export function showProgress(context: Context, total: number, read: () => SweepProgress): Progress {
  const { stderr, stdout } = context
  const isTerminal = stderr.isTTY === true && Boolean(stderr.columns) && context.env.TERM !== 'dumb'
  let line: { clear(): void; stop(): void } | undefined
  let timer: NodeJS.Timeout
  let isOver = false
  let isPrinted = false
  const text = (): string => progressText(read(), total)
  const print = (): void => {
    stderr.write(`${text()}\n`)
    isPrinted = true
    timer = setTimeout(print, PAUSE)
  }
  const spin = async (): Promise<void> => {
    const { default: ora } = await import('ora')
    if (isOver) return
    // Raw mode would take Ctrl-C away from us.
    const spinner = ora({ text: text(), stream: stderr, discardStdin: false }).start()
    line = spinner
    timer = setInterval(() => {
      spinner.text = text()
    }, REDRAWN)
  }
  timer = setTimeout(isTerminal ? spin : print, PATIENCE)
  return {
    write(output) {
      // It is drawn again, below what is written.
      line?.clear()
      stdout.write(output)
    },
    [Symbol.dispose]() {
      isOver = true
      clearTimeout(timer)
      line?.stop()
      if (isPrinted) stderr.write(`${text()}\n`)
    },
  }
}

/** Milliseconds. */
const REDRAWN = 100
