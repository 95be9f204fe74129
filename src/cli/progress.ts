/**
 * How far a sweep is, on standard error: a line that changes on a terminal, else one every few seconds.
 */
import type { SweepProgress } from '../cluster/sweep.ts'
import { progressText } from '../present/progress.ts'
import type { Context } from './context.ts'
import { canDraw, loadSpinner, PATIENCE } from './spinner.ts'

/** Between two lines where there is no terminal. */
const PAUSE = 5_000

export interface Progress extends Disposable {
  /** Writes to standard output, which may be the same terminal. */
  write(text: string): void
}

/** Shows `read()` of `total` nodes from after a second until it is disposed of. */
export function showProgress(context: Context, total: number, read: () => SweepProgress): Progress {
  const { stderr, stdout } = context
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
    const spinner = await loadSpinner(context, text())
    if (isOver) return
    spinner.start()
    line = spinner
    timer = setInterval(() => {
      spinner.text = text()
    }, REDRAWN)
  }
  timer = setTimeout(canDraw(context) ? spin : print, PATIENCE)
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
