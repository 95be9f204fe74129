/**
 * How a recording goes, on standard error: what happens on a line of its own, and on a terminal below that a line
 * that changes.
 */
import type { Ora } from 'ora'
import { shortTime } from '../present/recording-events.ts'
import type { Context } from './context.ts'
import { canDraw, loadSpinner, PATIENCE } from './spinner.ts'

/** Milliseconds. */
const REDRAWN = 1_000

export interface RecordingLog extends Disposable {
  /** Something happened; behind the time of day. */
  tell(text: string): void
}

/** `state` is read for the line that changes, which is there after a second. */
export function startRecordingLog(context: Context, state: () => string): RecordingLog {
  let spinner: Ora | undefined
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const spin = async (): Promise<void> => {
    const loaded = await loadSpinner(context, state())
    if (isOver) return
    spinner = loaded.start()
    timer = setInterval(() => {
      loaded.text = state()
    }, REDRAWN)
  }
  if (canDraw(context)) timer = setTimeout(spin, PATIENCE)
  return {
    tell(text) {
      // It is drawn again, below what is written.
      spinner?.clear()
      context.stderr.write(`${shortTime(Date.now())} ${text}\n`)
    },
    [Symbol.dispose]() {
      isOver = true
      clearTimeout(timer)
      spinner?.stop()
    },
  }
}
