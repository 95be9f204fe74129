/**
 * What every sweep prints beside its answers: who did not answer, and with `--dry-run` who would be asked.
 */
import { type Json, toJson } from '../analysis/json.ts'
import type { NodeFailure, SourceFailure } from '../present/failures.ts'
import { jsonError, jsonText } from '../present/json.ts'
import { paperOf } from '../present/paper.ts'
import { dryRunText } from '../present/sweep.ts'
import type { Asked } from './ask-cluster.ts'
import type { ClusterOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import type { OutputOptions } from './options.ts'

/** A node that failed, as a line of `--ndjson`. */
export function failureLine({ node, error }: NodeFailure): string {
  const takenAt = new Date().toISOString()
  return jsonText('sweep-failure', { node, takenAt }, jsonError(error))
}

/** A source of names that failed, as a line of `--ndjson`. */
export function sourceLine({ source, error }: SourceFailure): string {
  return jsonText('sweep-failure', {}, { source, ...jsonError(error) })
}

/** What failed, in the data of `--json`. */
export function jsonFailures({ failures, discovery }: Asked): {
  readonly failures: Json
  readonly sources: Json
} {
  return {
    failures: failures.map(({ node, error }) => ({ node, ...jsonError(error) })),
    sources: discovery.failures.map(({ source, error }) => ({ source, ...jsonError(error) })),
  }
}

/** The nodes that would be asked, and where their names come from. */
export function printDryRun(
  asked: Asked,
  options: ClusterOptions & OutputOptions,
  context: Context,
): void {
  const { discovery } = asked
  const nodes = discovery.nodes.map(({ name, source }) => ({ node: name, source }))
  if (options.json || options.ndjson) {
    const { sources } = jsonFailures(asked)
    context.stdout.write(jsonText('sweep-nodes', {}, { nodes: toJson(nodes), sources }))
    return
  }
  const paper = paperOf(context.stdout, context.env)
  context.stdout.write(`${dryRunText(nodes, discovery.failures, { paper, label: 'Nodes' })}\n`)
}
