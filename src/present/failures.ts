/**
 * The nodes that did not answer, and the sources that named none: each with its reason, and what to do once for
 * all that it helps.
 */
import { compareNames } from '../analysis/node-summary.ts'
import type { DiscoveryFailure } from '../cluster/discover.ts'
import { messageOf } from '../errors.ts'
import { hintOf } from './error-text.ts'
import { formatCount } from './figures.ts'
import type { Paper } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { type Rows, shorten } from './rows.ts'

/** A node that could not be asked, or did not answer. */
export interface NodeFailure {
  readonly node: string
  readonly error: unknown
}

/** Where nodes were to come from, and why they did not. */
export type SourceFailure = DiscoveryFailure

/** A section for each kind, if there is any. All failures are shown unless `rows` says otherwise. */
export function failuresText(
  failures: readonly NodeFailure[],
  sources: readonly SourceFailure[],
  paper: Paper,
  rows: Rows = { all: true, isWanted: () => true },
): readonly string[] {
  const unnamed = sources.map(({ source, error }) => ({ subject: source, error }))
  const unanswered = failures.map(({ node, error }) => ({ subject: node, error }))
  return [
    ...section('Not found', unnamed, paper, rows),
    ...section('Did not answer', unanswered, paper, rows),
  ]
}

interface Failure {
  readonly subject: string
  readonly error: unknown
}

function section(
  title: string,
  failures: readonly Failure[],
  paper: Paper,
  rows: Rows,
): readonly string[] {
  if (failures.length === 0) return []
  const { colors, width } = paper
  const sorted = [...failures].sort((left, right) => compareNames(left.subject, right.subject))
  const groups = new Map<string, Failure[]>()
  for (const failure of sorted) {
    const hint = generalHint(failure)
    const group = groups.get(hint) ?? []
    groups.set(hint, group)
    group.push(failure)
  }
  const { shown, hidden } = shorten([...groups], rows)
  const more = (count: number): readonly string[] =>
    count === 0 ? [] : [colors.dim(`  and ${formatCount(count)} more; --all shows them`)]
  return [
    [
      colors.bold(colors.red(title)),
      ...shown.flatMap(([general, group]) => {
        const reasons = shorten(group, rows)
        const [first] = group
        const hint = group.length === 1 && first !== undefined ? hintOf(first.error) : general
        return [
          ...reasons.shown.map((failure) => `- ${wrap(reasonOf(failure), width - 2, '  ')}`),
          ...more(reasons.hidden.length),
          ...(hint === undefined || hint === ''
            ? []
            : [`  ${colors.cyan('hint:')} ${wrap(printable(hint), width - 8, '        ')}`]),
        ]
      }),
      ...more(hidden.reduce((count, [, group]) => count + group.length, 0)),
    ].join('\n'),
  ]
}

/** The hint as it is for whatever host; none is empty. */
function generalHint({ subject, error }: Failure): string {
  const host = subject.slice(subject.indexOf('@') + 1)
  return (hintOf(error) ?? '').replace(`--map ${host}=`, '--map HOST=')
}

/** The first line of what went wrong, which names the node. */
function reasonOf({ subject, error }: Failure): string {
  const [message = ''] = messageOf(error).split('\n')
  return printable(message.includes(subject) ? message : `${subject}: ${message}`)
}
