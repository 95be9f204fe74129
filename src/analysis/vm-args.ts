/**
 * The flags that a diagnosis proposes, together as lines for a `vm.args` file.
 *
 * No flag is set twice, so that there is one strategy for each allocator: what the gravest finding proposes
 * first is set, and what would contradict it, or is another way to the same end, is a comment.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_cmd.html `-args_file`
 */
import type { Finding, Remedy } from './finding.ts'
import { type Argument, parseArguments } from './flags.ts'

const HEADER = '# Nothing of this is sure to help: change one thing at a time, then look again.'

/** Text of lines; empty where nothing is proposed that has to be set at the start. */
export function vmArgs(findings: readonly Finding[]): string {
  const chosen = new Map<string, string>()
  const blocks = findings.flatMap((finding) => {
    const lines = finding.remedies.flatMap((remedy) => linesOf(remedy, chosen))
    return lines.length === 0 ? [] : [{ title: titleOf(finding), lines }]
  })
  if (blocks.length === 0) return ''
  return [
    HEADER,
    ...blocks.map(({ title, lines }) => {
      const texts = lines.map((line) =>
        'flag' in line ? settled(line.flag, chosen) : line.comment,
      )
      return ['', title, ...texts].join('\n')
    }),
  ].join('\n')
}

/** A name comes from the node: with the end of a line in it, what follows would be taken for a flag. */
function titleOf({ id, allocator }: Finding): string {
  return allocator === undefined || !/^\w+$/.test(allocator) ? `# ${id}` : `# ${id}, ${allocator}`
}

/** A flag whose value may be raised by a later finding, or something that is not set. */
type Line = { readonly flag: string } | { readonly comment: string }

/** Of limits the larger one suits both who asked for it. */
const LIMIT = /^\+M[A-Z]mmsbc$/

function linesOf(remedy: Remedy, chosen: Map<string, string>): readonly Line[] {
  const wanted = remedy.restart ? argumentsOf(remedy.flags) : []
  if (wanted.length === 0) return []
  const text = wanted.map(({ flag, value }) => `${flag} ${value}`).join(' ')
  if (wanted.every(({ flag, value }) => chosen.get(flag) === value)) {
    return [{ comment: `# as above: ${text}` }]
  }
  if (remedy.alternative) return [{ comment: `# or, instead: ${text}` }]
  const contradicted = wanted.find(({ flag, value }) => {
    const before = chosen.get(flag)
    return before !== undefined && before !== value && !LIMIT.test(flag)
  })
  if (contradicted !== undefined) {
    return [{ comment: `# not beside ${settled(contradicted.flag, chosen)}: ${text}` }]
  }
  return wanted.flatMap(({ flag, value }): readonly Line[] => {
    const before = chosen.get(flag)
    if (before === undefined || Number(before) < Number(value)) chosen.set(flag, value)
    return before === undefined ? [{ flag }] : []
  })
}

function settled(flag: string, chosen: ReadonlyMap<string, string>): string {
  return `${flag} ${chosen.get(flag) ?? ''}`
}

/** `erl` hands variables of the environment over to the emulator by `-env`. */
function argumentsOf(flags: string): readonly Argument[] {
  const [, name, value] = /^([A-Z_]+)=(\S+)$/.exec(flags) ?? []
  return name === undefined || value === undefined
    ? parseArguments(flags)
    : [{ flag: `-env ${name}`, value }]
}
