/**
 * What a command about one node prints when it asks several: the same of each, and who did not answer.
 */
import type { Json } from '../analysis/json.ts'
import type { Unit } from '../analysis/unit.ts'
import type { Question } from '../cluster/access.ts'
import { failuresText } from '../present/failures.ts'
import { framed, type JsonFrame, jsonText } from '../present/json.ts'
import { paperOf } from '../present/paper.ts'
import type { View } from '../present/view.ts'
import { askCluster } from './ask-cluster.ts'
import type { Context } from './context.ts'
import type { AnalysisOptions, KeywordOptions } from './options.ts'
import { failureLine, jsonFailures, printDryRun, sourceLine } from './sweep-output.ts'
import { viewOf } from './view-of.ts'

/** A result that several nodes are asked for. */
export interface EachFaces<Answer> {
  readonly ask: Question<Answer>
  /** Of sizes in JSON where `--unit` has no say in it. */
  readonly jsonUnit?: Unit
  frame(answer: Answer): JsonFrame
  json(answer: Answer, unit: Unit): Json
  text(answer: Answer, view: View): string
}

/**
 * Asks the nodes, and prints an object of the command for each: in an object of the command `sweep` with
 * `--json`, in the order of the nodes; with `--ndjson` on a line of its own, as they answer. Text is in the
 * order of the nodes.
 */
export async function showEach<Answer>(
  command: string,
  nodes: readonly string[],
  options: AnalysisOptions & KeywordOptions,
  context: Context,
  faces: EachFaces<Answer>,
): Promise<void> {
  const takenAt = new Date().toISOString()
  const unit = faces.jsonUnit ?? options.unit ?? 'byte'
  const texts = new Map<string, string>()
  const objects = new Map<string, Json>()
  const take = (node: string, answer: Answer, write: (text: string) => void): void => {
    const frame = (): JsonFrame => ({ ...faces.frame(answer), node, unit })
    if (options.ndjson) write(jsonText(command, frame(), faces.json(answer, unit)))
    else if (options.json) objects.set(node, framed(command, frame(), faces.json(answer, unit)))
    else texts.set(node, faces.text(answer, viewOf(node, node, options, context)))
  }
  const asked = await askCluster(nodes, options, context, {
    ask: faces.ask,
    take: (result, write) => {
      if (result.status === 'answered') take(result.node, result.answer, write)
      else if (options.ndjson) write(failureLine(result))
    },
  })
  if (options.dryRun) {
    printDryRun(asked, options, context)
    return
  }
  const { discovery, failures } = asked
  const names = discovery.nodes.map(({ name }) => name)
  if (options.ndjson) {
    for (const failure of discovery.failures) context.stdout.write(sourceLine(failure))
  } else if (options.json) {
    const data = {
      command,
      nodes: names.flatMap((node) => objects.get(node) ?? []),
      ...jsonFailures(asked),
    }
    context.stdout.write(jsonText('sweep', { takenAt, unit }, data))
  } else {
    const paper = paperOf(context.stdout, context.env)
    const sections = [
      ...names.flatMap((node) => texts.get(node) ?? []),
      ...failuresText(failures, discovery.failures, paper),
    ]
    context.stdout.write(`${sections.join('\n\n')}\n`)
  }
}
