/**
 * A sign of life on a terminal while something takes long.
 */
import type { Ora } from 'ora'
import type { Context } from './context.ts'

/** What is quicker than this needs no sign. Milliseconds. */
export const PATIENCE = 1_000

/** Whether standard error is a terminal that shows a line which changes. */
export function canDraw({ stderr, env }: Context): boolean {
  // A terminal may not know its width, as one without a window does; ora would draw for ever.
  return stderr.isTTY === true && Boolean(stderr.columns) && env.TERM !== 'dumb'
}

/** A spinner on standard error, not started yet. */
export async function loadSpinner({ stderr }: Context, text: string): Promise<Ora> {
  const { default: ora } = await import('ora')
  // Raw mode would take Ctrl-C away from us.
  return ora({ text, stream: stderr, discardStdin: false })
}

/** Milliseconds after which a text that changes is shown anew. */
const REFRESH = 100

/**
 * Awaits `work`; shows `text`, or what it returns each time, beside a spinner on standard error when that takes over a
 * second.
 */
export async function withSpinner<Result>(
  context: Context,
  text: string | (() => string),
  work: Promise<Result>,
): Promise<Result> {
  if (!canDraw(context)) return work
  const current = typeof text === 'string' ? () => text : text
  let stop = (): void => {}
  let isOver = false
  const timer = setTimeout(async () => {
    const spinner = await loadSpinner(context, current())
    if (isOver) return
    spinner.start()
    const refreshing = setInterval(() => {
      spinner.text = current()
    }, REFRESH)
    stop = () => {
      clearInterval(refreshing)
      spinner.stop()
    }
  }, PATIENCE)
  try {
    return await work
  } finally {
    isOver = true
    clearTimeout(timer)
    stop()
  }
}
