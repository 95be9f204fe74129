/**
 * A sign of life on a terminal while something takes long.
 */
import type { Context } from './context.ts'

/** What is quicker than this needs no sign. Milliseconds. */
const PATIENCE = 1_000

/** Awaits `work`; shows `text` beside a spinner on standard error when that takes over a second. */
export async function withSpinner<Result>(
  context: Context,
  text: string,
  work: Promise<Result>,
): Promise<Result> {
  const { stderr } = context
  // A terminal may not know its width, as one without a window does; ora would draw for ever.
  if (!stderr.isTTY || !stderr.columns || context.env.TERM === 'dumb') return work
  let stop = (): void => {}
  let isOver = false
  const timer = setTimeout(async () => {
    const { default: ora } = await import('ora')
    // Raw mode would take Ctrl-C away from us.
    const spinner = ora({ text, stream: stderr, discardStdin: false })
    if (isOver) return
    spinner.start()
    stop = () => spinner.stop()
  }, PATIENCE)
  try {
    return await work
  } finally {
    isOver = true
    clearTimeout(timer)
    stop()
  }
}
