/**
 * A diagnosis as an operator reads it: the verdict, the findings with what to try, the sum that leads
 * from the resident size to what blocks use, and what could not be seen.
 */
import type { AccountingLine, AllocatorAccount } from '../analysis/accounting.ts'
import type { Diagnosis } from '../analysis/diagnose.ts'
import {
  type Evidence,
  type Finding,
  isMaximum,
  type NoHelp,
  type Remedy,
  type Severity,
  type Verdict,
} from '../analysis/finding.ts'
import { add, compare, sum } from '../analysis/integer.ts'
import type { Integer, Snapshot } from '../analysis/snapshot.ts'
import { inUnit } from '../analysis/unit.ts'
import { formatCount, formatPercentage, NONE } from './figures.ts'
import { overTimeText } from './over-time.ts'
import type { Colors } from './paper.ts'
import { printable } from './printable.ts'
import { wrap } from './prose.ts'
import { table } from './table.ts'
import { VERDICT_COLORS } from './verdict-colors.ts'
import { figureUnit, heading, MAXIMA, MAXIMA_MARK, sizeIn, type View } from './view.ts'

/** With more sections, where there are any, after the sum. */
export function diagnosisText(
  snapshot: Snapshot,
  diagnosis: Diagnosis,
  view: View,
  sections: readonly string[] = [],
): string {
  const { colors, width } = view.paper
  // What is missing has a place of its own, at the end.
  const findings = diagnosis.findings.filter(({ id }) => id !== 'missing-part')
  const missing = diagnosis.findings.filter(({ id }) => id === 'missing-part')
  const explained = new Set<string>()
  return [
    heading('Diagnosis', snapshot, view),
    verdictText(diagnosis, view),
    ...findings.map((finding, index) => findingText(finding, index + 1, explained, view)),
    ...(findings.some(({ evidence }) => evidence.some(isMaximum)) ? [wrap(MAXIMA, width)] : []),
    ...(diagnosis.history === undefined ? [] : [overTimeText(diagnosis.history, view)]),
    ...(diagnosis.vmArgs === '' ? [] : [vmArgsText(diagnosis, view)]),
    accountingText(diagnosis, view),
    ...(diagnosis.accounting.allocators.length === 0 ? [] : [allocatorsText(diagnosis, view)]),
    ...sections,
    ...(missing.length === 0
      ? []
      : [
          [
            colors.bold('Not seen'),
            ...missing.map(({ summary }) => `- ${wrap(printable(summary), width - 2, '  ')}`),
          ].join('\n'),
        ]),
    NEXT[diagnosis.verdict]
      .map((command) => `${colors.cyan('Next:')} ${view.next(command)}`)
      .join('\n'),
  ].join('\n\n')
}

const NEXT: Readonly<Record<Verdict, readonly string[]>> = {
  healthy: ['memory'],
  fragmented: ['fragmentation', 'average-block-sizes'],
  'in-use': ['memory', 'allocators'],
  'outside-allocators': ['memory'],
  'oversized-carriers': ['sbcs-to-mbcs', 'allocators'],
  inconclusive: ['allocators'],
}

function verdictText({ verdict, findings }: Diagnosis, view: View): string {
  const { colors, width } = view.paper
  const leading = findings.filter((finding) => finding.verdict === verdict)
  const bytes = leading.reduce<Integer>((total, finding) => add(total, finding.bytes ?? 0), 0)
  const allocators = leading.flatMap(({ allocator }) => allocator ?? [])
  const sentence = SENTENCES[verdict](size(view, bytes), enumerate(allocators.map(printable)))
  const paint = VERDICT_COLORS[verdict](colors)
  const label = 'VERDICT  '
  const text = wrap(`${verdict} – ${sentence}`, width - label.length, ' '.repeat(label.length))
  // Painted after it was broken into lines, so that the sequences take no columns.
  return label + text.replace(verdict, (name) => colors.bold(paint(name)))
}

const SENTENCES: Readonly<Record<Verdict, (size: string, allocators: string) => string>> = {
  healthy: () => 'nothing stands out above what an idle node has too',
  fragmented: (size, allocators) =>
    `${size} sit unused in ${allocators}: their carriers are sparsely used`,
  'in-use': (size) => `${size} are really used, so there is nothing to give back`,
  'outside-allocators': (size) =>
    `${size} are resident that no allocator holds: look at NIFs, drivers and malloc`,
  'oversized-carriers': (size, allocators) =>
    `${size} of ${allocators || 'the carriers'} are allocated in excess, by rounding: no fragmentation`,
  inconclusive: () => 'too much could not be seen',
}

const SEVERITY_COLORS: Readonly<Record<Severity, (colors: Colors) => Colors['red']>> = {
  critical: ({ red }) => red,
  warning: ({ yellow }) => yellow,
  info: ({ dim }) => dim,
}

const INDENT = '   '

/** `explained` holds the remedies whose reasons were given with a finding before. */
function findingText(finding: Finding, number: number, explained: Set<string>, view: View): string {
  const { colors, width } = view.paper
  const { allocator, evidence, id, noHelp = [], remedies, severity, summary } = finding
  const paint = SEVERITY_COLORS[severity](colors)
  const about = allocator === undefined ? id : `${id}, ${printable(allocator)}`
  return [
    `${number}. ${colors.bold(paint(severity.toUpperCase()))}  ${colors.bold(about)}`,
    ...block(summary, INDENT, width),
    ...evidenceLines(evidence, view),
    ...(remedies.length === 0 ? [] : [`${INDENT}${colors.bold('Try')}`]),
    ...remedies.flatMap((remedy) => remedyLines(remedy, explained, view)),
    ...noHelpLines(noHelp, explained, view),
  ].join('\n')
}

function evidenceLines(evidence: readonly Evidence[], view: View): readonly string[] {
  const figures = evidence.map((each) => evidenceFigure(each, view))
  const column = Math.max(0, ...figures.map(({ length }) => length))
  const { width } = view.paper
  return evidence.map((each, index) => {
    const before = `${INDENT}  ${(figures[index] ?? '').padStart(column)}  `
    const what = `${printable(each.what)}${isMaximum(each) ? MAXIMA_MARK : ''}`
    return before + wrap(what, width - before.length, ' '.repeat(before.length))
  })
}

function evidenceFigure({ unit, value }: Evidence, view: View): string {
  switch (unit) {
    case 'byte':
      return size(view, value)
    case 'ratio':
      return formatPercentage(Number(value))
    case 'count':
      return formatCount(value)
    case 'millisecond':
      return `${formatCount(value)} ms`
  }
}

function remedyLines(
  { alternative, flags, price, restart, why }: Remedy,
  explained: Set<string>,
  view: View,
): readonly string[] {
  const { colors, width } = view.paper
  const indent = `${INDENT}  `
  // The same remedy for another allocator differs in the letter of its flags alone.
  const reason = `${why}\n${price}`.replace(/\+M[A-Z]/g, '+M')
  const isKnown = explained.has(reason)
  explained.add(reason)
  const or = alternative ? 'or instead; ' : ''
  const how = `${or}${restart ? 'needs a restart' : 'without a restart'}${isKnown ? '; as above' : ''}`
  // What is to be typed stays on one line.
  const separator = indent.length + flags.length + how.length + 4 > width ? `\n${indent}` : '  '
  return [
    `${indent}${colors.cyan(printable(flags))}${separator}${colors.dim(`(${how})`)}`,
    ...(isKnown
      ? []
      : [
          ...block(`Why: ${sentence(why)}`, `${indent}  `, width),
          ...block(`Price: ${sentence(price)}`, `${indent}  `, width),
        ]),
  ]
}

function noHelpLines(
  noHelp: readonly NoHelp[],
  explained: Set<string>,
  view: View,
): readonly string[] {
  const { colors, width } = view.paper
  const fresh = noHelp.filter(({ what, why }) => {
    const reason = `${what}\n${why}`.replace(/\+M[A-Z]/g, '+M')
    const isKnown = explained.has(reason)
    explained.add(reason)
    return !isKnown
  })
  if (fresh.length === 0) return []
  return [
    `${INDENT}${colors.bold('No help')}`,
    ...fresh.flatMap(({ what, why }) => block(`${what}: ${sentence(why)}`, `${INDENT}  `, width)),
  ]
}

/** What is to be copied stays as it is, whatever the width. */
function vmArgsText({ vmArgs }: Diagnosis, { paper: { colors } }: View): string {
  return [colors.bold('For vm.args'), ...vmArgs.split('\n').map(printable)].join('\n')
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`
}

function block(text: string, indent: string, width: number): readonly string[] {
  return [indent + wrap(printable(text), width - indent.length, indent)]
}

/** The sum, indented by what it is made of, each figure with the number of its source. */
function accountingText({ accounting }: Diagnosis, view: View): string {
  const { colors, width } = view.paper
  const lines = [
    ...flatten(accounting.resident, 0),
    ...accounting.notes.map((line) => ({ line, depth: undefined })),
  ]
  const sources = [...new Set(lines.map(({ line }) => line.source))]
  const figures = lines.map(({ line }) =>
    line.bytes === undefined ? NONE : size(view, line.bytes),
  )
  const column = Math.max(...figures.map(({ length }) => length))
  const rows = lines.map(({ line, depth }, index) => {
    const before = `${(figures[index] ?? '').padStart(column)}  ${'  '.repeat(depth ?? 0)}`
    const unknown = line.bytes === undefined ? 'not available: ' : ''
    const why = line.why === undefined ? '' : ` (${unknown}${line.why})`
    const what = `${printable(`${line.what}${why}`)} [${sources.indexOf(line.source) + 1}]`
    return {
      isNote: depth === undefined,
      text: before + wrap(what, width - before.length, ' '.repeat(before.length)),
    }
  })
  const notes = rows.filter(({ isNote }) => isNote)
  return [
    colors.bold('Accounting'),
    wrap(
      'What is indented adds up to what stands above it; the numbers lead to the sources.',
      width,
    ),
    ...rows.filter(({ isNote }) => !isNote).map(({ text }) => text),
    ...(notes.length === 0 ? [] : ['Of that, and besides:', ...notes.map(({ text }) => text)]),
    ...sources.map((source, index) => {
      const mark = `[${index + 1}]`.padEnd(5)
      return colors.dim(`${mark}${wrap(printable(source), width - 5, '     ')}`)
    }),
  ].join('\n')
}

/** The lines of the carriers once more, by allocator; each column adds up to its last line. */
function allocatorsText({ accounting: { allocators } }: Diagnosis, view: View): string {
  const { paper } = view
  const all: readonly (readonly [string, (account: AllocatorAccount) => Integer])[] = [
    ['allocated', ({ allocated }) => allocated],
    ['used', ({ used }) => used],
    ['floor', ({ floor }) => floor],
    ['waste', ({ aboveFloor }) => aboveFloor],
    ['single', ({ singleBlockUnused }) => singleBlockUnused],
    ['in pool', ({ pooled }) => pooled],
  ]
  const columns = paper.width < TABLE_WIDTH ? all.filter(([title]) => NARROW.includes(title)) : all
  const cell = (bytes: Integer): string => (bytes === 0 ? NONE : size(view, bytes))
  const byAllocated = [...allocators].sort((left, right) =>
    compare(right.allocated, left.allocated),
  )
  return [
    paper.colors.bold('Allocated, by allocator'),
    table(
      [{ title: '' }, ...columns.map(([title]) => ({ title, align: 'right' as const }))],
      [
        ...byAllocated.map((account) => [
          printable(account.allocator),
          ...columns.map(([, of]) => cell(of(account))),
        ]),
        ['together', ...columns.map(([, of]) => cell(sum(allocators.map(of))))],
      ],
      paper,
    ),
    wrap(ALLOCATORS_EXPLANATION, paper.width),
  ].join('\n')
}

const TABLE_WIDTH = 76
const NARROW = ['allocated', 'used', 'waste']

const ALLOCATORS_EXPLANATION =
  'allocated = used + floor + waste + single. floor: unused on an idle node as well; waste: unused in ' +
  'multiblock carriers beyond that; single: unused in single-block carriers; in pool: of allocated, what ' +
  'was abandoned. From erlang:system_info({allocator, A}): carriers_size and blocks_size.'

function flatten(
  line: AccountingLine,
  depth: number,
): readonly { readonly line: AccountingLine; readonly depth: number }[] {
  // What is not known for the reason that stands above already is not said again.
  const parts = line.parts.filter(({ bytes, why }) => bytes !== undefined || why !== line.why)
  return [{ line, depth }, ...parts.flatMap((part) => flatten(part, depth + 1))]
}

function size(view: View, bytes: Integer): string {
  return sizeIn(view, inUnit(bytes, figureUnit(view)))
}

/** `a`, `a and b`, `a, b and c`. */
function enumerate(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
