/**
 * What a port mapper knows, for people.
 */
import type { RegisteredName } from '../epmd/messages.ts'
import type { Paper } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { table } from './table.ts'

/** `next` is the command line that goes on with the first of them. */
export function namesText(
  host: string,
  names: readonly RegisteredName[],
  next: (name: string) => string,
  paper: Paper,
): string {
  const { colors, width } = paper
  const where = printable(host)
  const [first] = names
  if (first === undefined) return `No node is registered on ${where}.`
  return [
    table(
      [{ title: 'name' }, { title: 'port', align: 'right' }],
      names.map(({ name, port }) => [printable(name), `${port}`]),
      paper,
    ),
    '',
    wrap(
      `A node's own name ends in the host by which it calls itself, which may be another than ${where}.`,
      width,
    ),
    `${colors.cyan('Next:')} ${printable(next(first.name))}`,
  ].join('\n')
}
