/**
 * The verdict, for a person who does not know allocators: what it is, what it means, and what to do first.
 */
import { type Accounting, type AccountingId, accountingLine } from '../../analysis/accounting.ts'
import type { Diagnosis } from '../../analysis/diagnose.ts'
import { type Finding, type Remedy, timesInWords, type Verdict } from '../../analysis/finding.ts'
import { add, compare, subtract, toDouble } from '../../analysis/integer.ts'
import type { Integer } from '../../analysis/snapshot.ts'
import { counted, formatPercentage, formatSize, NONE } from '../figures.ts'
import { type Content, type Html, html } from './html.ts'
import type { NodePage } from './node-page.ts'
import { copied, enumerated, type Section, sentence, size } from './sections.ts'

/** What is said of a verdict; `size` is what the findings behind it explain. */
interface Words {
  headline(size: string, allocators: string): string
  readonly meaning: string
  /** What to do first, where no remedy says so. */
  readonly first: string
  /** The command that shows more. */
  readonly next: string
}

const WORDS: Readonly<Record<Verdict, Words>> = {
  healthy: {
    headline: () => 'Nothing is wrong with the memory of this node.',
    meaning:
      'What Erlang holds without using it is what an idle node holds as well, and the operating system ' +
      'reports no more than Erlang accounts for.',
    first: 'Nothing has to be done.',
    next: 'memory',
  },
  fragmented: {
    headline: (size, allocators) => `${size} are held for nothing, by ${allocators}.`,
    meaning:
      'Erlang takes memory from the operating system in large pieces, the carriers, and can give one back ' +
      'only when nothing is left in it. Here a few small blocks are left in many of them, as after a peak ' +
      'that has passed: nearly all of that memory is empty, and still counts against the node.',
    first: 'See what stays in the sparse carriers, and let it go or have it copied.',
    next: 'fragmentation',
  },
  'in-use': {
    headline: (size) => `${size} are really in use.`,
    meaning:
      'Data fill most of the memory that this node holds: little of it is lost to fragmentation, and no ' +
      'setting of the allocators would give much back. Whoever wants less has to keep less.',
    first: 'Find out which processes, tables or binaries hold it.',
    next: 'diagnose',
  },
  'outside-allocators': {
    headline: (size) => `${size} are taken outside of Erlang’s allocators.`,
    meaning:
      'The operating system counts far more memory for this node than Erlang knows of. Native code takes ' +
      'it: a NIF, a driver, or a library that either loads; or the C library keeps what they gave back.',
    first: 'Look at which NIFs and drivers the node has loaded.',
    next: 'memory',
  },
  'oversized-carriers': {
    headline: (size, allocators) =>
      `${size} of ${allocators} are allocated in excess, by rounding up.`,
    meaning:
      'Large blocks get a carrier of their own, which is rounded up. What is beyond the block was never ' +
      'touched, so that it takes addresses rather than memory: this is no fragmentation.',
    first: 'Compare with what is resident before anything is changed: it may cost nothing.',
    next: 'sbcs-to-mbcs',
  },
  inconclusive: {
    headline: () => 'Too much could not be seen to say what is wrong.',
    meaning:
      'The node, or the file, did not tell what a judgement needs. What is missing is named below; what ' +
      'is there is shown.',
    first: 'See below what is missing, and why.',
    next: 'allocators',
  },
}

/** Beside the colour, so that nothing hangs on it. */
const MARKS: Readonly<Record<Verdict, string>> = {
  healthy: '✓',
  fragmented: '!',
  'in-use': '●',
  'outside-allocators': '!',
  'oversized-carriers': '●',
  inconclusive: '?',
}

/** Those whose verdict it is. */
function leadingFindings({ verdict, findings }: Diagnosis): readonly Finding[] {
  return findings.filter((finding) => finding.verdict === verdict)
}

/** The verdict in one sentence. */
export function headline(diagnosis: Diagnosis): string {
  const leading = leadingFindings(diagnosis)
  const bytes = leading.reduce<Integer>((total, finding) => add(total, finding.bytes ?? 0), 0)
  const allocators = enumerated(leading.flatMap(({ allocator }) => allocator ?? []))
  return WORDS[diagnosis.verdict].headline(formatSize(bytes), allocators || 'the carriers')
}

export function verdictSection(node: NodePage): Section {
  const { diagnosis } = node
  const { verdict, accounting } = diagnosis
  return {
    id: 'verdict',
    title: 'Verdict',
    body: html`<div class="verdict verdict-${verdict}">
<p class="label"><span class="mark" aria-hidden="true">${MARKS[verdict]}</span> ${verdict}</p>
<p class="headline">${headline(diagnosis)}</p>
${since(diagnosis)}
<p class="meaning">${meaning(diagnosis)}${purposes(diagnosis)}</p>
${glance(accounting)}
</div>
<h3>What to do first</h3>
${firstStep(node)}`,
  }
}

/** Of a node of which not all was seen, less can be said. */
function meaning({ accounting, findings, verdict }: Diagnosis): string {
  const isHidden =
    accountingLine(accounting, 'resident').bytes === undefined ||
    findings.some(({ id }) => id === 'disabled-allocator')
  return verdict === 'healthy' && isHidden ? HEALTHY_AS_SEEN : WORDS[verdict].meaning
}

const HEALTHY_AS_SEEN =
  'What Erlang is seen to hold without using it is what an idle node holds as well. Whether the operating ' +
  'system reports more than that accounts for cannot be said: not all of it was seen, as is told below.'

/** When it began, and what is to come, where earlier samples tell. */
function since(diagnosis: Diagnosis): Content {
  const { findings, history } = diagnosis
  const concerned = leadingFindings(diagnosis).map(({ allocator }) => allocator)
  const [step] = (history?.steps ?? [])
    .filter((each) => each.returnedAt === undefined && concerned.includes(each.allocator))
    .sort((left, right) => right.bytes - left.bytes)
  const growth = findings.find(({ id }) => id === 'growth')
  const words = [
    ...(step === undefined
      ? []
      : [
          `It began ${timesInWords(Date.parse(step.from), Date.parse(step.to))}: the waste of ` +
            `${step.allocator} rose by ${formatSize(step.bytes)}, and stayed.`,
        ]),
    ...(growth === undefined ? [] : [growth.summary]),
  ]
  return words.length === 0 ? undefined : html`<p class="since">${words.join(' ')}</p>`
}

/** What an allocator is for. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['binary_alloc', 'large binaries'],
  ['driver_alloc', 'data of drivers'],
  ['eheap_alloc', 'heaps of processes'],
  ['ets_alloc', 'ETS tables'],
  ['fix_alloc', 'small structures of the runtime'],
  ['literal_alloc', 'constants of code'],
  ['ll_alloc', 'what lives long: code, atoms, tables of the runtime'],
  ['sl_alloc', 'what lives shortly'],
  ['std_alloc', 'whatever has no allocator of its own'],
  ['temp_alloc', 'what lives for a moment'],
])

/** Of the allocators that are named. */
function purposes(diagnosis: Diagnosis): string {
  const named = new Set(leadingFindings(diagnosis).flatMap(({ allocator }) => allocator ?? []))
  const known = [...named].flatMap((name) => {
    const purpose = PURPOSES.get(name)
    return purpose === undefined ? [] : [`${name} serves ${purpose}`]
  })
  return known.length === 0 ? '' : ` (${enumerated(known)}.)`
}

/** The four figures that matter most, and how they lie within each other. */
function glance(accounting: Accounting): Html {
  const bytes = (id: AccountingId): Integer | undefined => accountingLine(accounting, id).bytes
  const above = bytes('unused_above_floor')
  const single = bytes('unused_single_block')
  const waste = above === undefined || single === undefined ? undefined : add(above, single)
  const [used, allocated, resident] = [bytes('used'), bytes('allocated'), bytes('resident')]
  const facts: readonly (readonly [string, Integer | undefined, string])[] = [
    ['resident', resident, 'the operating system counts'],
    ['allocated', allocated, 'Erlang’s allocators hold'],
    ['used', used, `of it by data${share(used, allocated)}`],
    ['waste', waste, `of it for nothing${share(waste, allocated)}`],
  ]
  return html`${proportions([
    ['used', used],
    ['unused_floor', bytes('unused_floor')],
    ['unused_above_floor', waste],
    ['beyond', subtract(resident ?? 0, allocated ?? 0)],
  ])}
<dl class="glance">${facts.map(
    ([name, amount, what]) =>
      html`<div class="fact fact-${name}"><dt>${name}</dt><dd><span class="amount">${
        amount === undefined ? NONE : size(amount)
      }</span> <span class="what">${what}</span></dd></div>`,
  )}</dl>`
}

/** In thousandths of all. */
const WIDTH = 1000

/** The figures below it, and what is neither used nor wasted, side by side. */
function proportions(parts: readonly (readonly [string, Integer | undefined])[]): Content {
  const sizes = parts.map(([id, bytes]) => ({ id, bytes: Math.max(0, toDouble(bytes ?? 0)) }))
  const all = sizes.reduce((total, { bytes }) => total + bytes, 0)
  if (all === 0) return undefined
  let left = 0
  return html`<svg class="proportions" viewBox="0 0 ${WIDTH} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">${sizes.map(
    ({ id, bytes }) => {
      const width = (bytes / all) * WIDTH
      left += width
      return html`<rect class="part part-${id}" x="${(left - width).toFixed(1)}" y="0" width="${width.toFixed(1)}" height="10"/>`
    },
  )}</svg>`
}

function share(part: Integer | undefined, whole: Integer | undefined): string {
  if (part === undefined || whole === undefined || compare(whole, 0) <= 0) return ''
  return `, ${formatPercentage(toDouble(part) / toDouble(whole))}`
}

function firstStep(node: NodePage): Content {
  const { diagnosis } = node
  const { verdict, findings } = diagnosis
  const words = WORDS[verdict]
  const [finding] = leadingFindings(diagnosis)
  const remedy = finding?.remedies[0]
  // What is missing is no finding to read on about: it is named after them.
  const found = findings.filter(({ id }) => id !== 'missing-part')
  const grave = found.some(({ severity }) => severity !== 'info')
  return html`<p>${words.first}</p>
${remedy === undefined ? undefined : suggestion(remedy)}
<p>${
    found.length === 0
      ? undefined
      : html`<a href="#findings">${counted(found.length, 'finding')}</a>${
          grave
            ? ' with evidence, and with what else can be tried.'
            : found.length === 1
              ? ', which is not grave.'
              : '; none of them is grave.'
        }`
  } On a terminal:</p>
${copied('the command', node.next(words.next))}`
}

function suggestion({ flags, why, price, restart }: Remedy): Html {
  return html`<p>The first thing to try, ${restart ? 'which needs a restart of the node' : 'without a restart'}:</p>
${copied('what to try first', flags)}
<p>${sentence(capital(why))} <span class="aside">Its price: ${sentence(price)}</span></p>`
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
