/**
 * What text is written on: how wide it is, and whether it takes colours.
 *
 * @see https://no-color.org https://force-color.org
 */
import picocolors from 'picocolors'

export type Colors = ReturnType<typeof picocolors.createColors>

export interface Paper {
  /** Columns. */
  readonly width: number
  readonly colors: Colors
}

/** Where output is not a terminal, and where the terminal does not say. */
const DEFAULT_WIDTH = 80

/** Wider lines are hard to read, and narrower ones would break every word. */
const MIN_WIDTH = 40
const MAX_WIDTH = 120

/** The paper that a stream is; picocolors by itself looks at standard output alone. */
export function paperOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Paper {
  // A terminal without a window says 0.
  const columns = (stream.isTTY && stream.columns) || DEFAULT_WIDTH
  return {
    width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns)),
    colors: picocolors.createColors(wantsColors(stream.isTTY === true, env)),
  }
}

function wantsColors(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR) return false
  const forced = env.FORCE_COLOR
  if (forced) return forced !== '0' && forced !== 'false'
  return isTTY && env.TERM !== 'dumb'
}
