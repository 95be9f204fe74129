/**
 * The first line of the screen.
 */
import { counted } from '../present/figures.ts'
import { justify, type Line, type Span, span } from './cells.ts'
import type { Scene } from './scene.ts'
import { clockTime, durationText } from './times.ts'

/** Who, which release; when, how often, and whether it is of now. */
export function titleLine(scene: Scene): Line {
  const { bold, dim, inverse, red, yellow } = scene.colors
  const { frozen, interval, nodes, selected } = scene.model
  const { failure, look, name } = scene.node ?? { name: '' }
  const facts = [
    ...(nodes.length > 1 ? [`${selected + 1} of ${nodes.length}`] : []),
    ...(look?.otpRelease === undefined ? [] : [`OTP ${look.otpRelease}`]),
    ...(look?.schedulers === undefined ? [] : [counted(look.schedulers, 'scheduler')]),
  ]
  const every = scene.columns < 60 ? '' : `  every ${durationText(interval)}`
  const time = look === undefined ? '' : clockTime(look.moment.time)
  const when: readonly Span[] =
    frozen !== undefined
      ? [span(' FROZEN ', (text) => bold(inverse(yellow(text)))), span(` ${time}`)]
      : failure !== undefined && look !== undefined
        ? [span(`stale since ${time}`, red)]
        : [span(time), span(every, dim)]
  return justify([span(name, bold), span(`  ${facts.join(', ')}`, dim)], when, scene.columns)
}
