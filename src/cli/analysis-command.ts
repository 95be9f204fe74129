/**
 * What every command does that shows a snapshot: nodes or file in, JSON or text out.
 */
import { Command } from 'commander'
import type { Json } from '../analysis/json.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Unit } from '../analysis/unit.ts'
import { jsonText } from '../present/json.ts'
import type { View } from '../present/view.ts'
import { isSweep } from './cluster-options.ts'
import type { Context } from './context.ts'
import {
  type AnalysisOptions,
  addOutputOptions,
  addTargetsOptions,
  type KeywordOptions,
  unitOption,
} from './options.ts'
import { isOfRecording, noRecording, readTarget, type Target } from './target.ts'
import { UsageError } from './usage-error.ts'
import { viewOf } from './view-of.ts'

/** A command with NODE, `--snapshot` and whatever else all of them take. */
export function analysisCommand(name: string, description: string, context: Context): Command {
  const command = new Command(name).description(description)
  addTargetsOptions(addOutputOptions(command, context)).addOption(unitOption())
  return command
}

/** The two faces of a result. Each is made only when it is wanted. */
export interface Faces {
  /** Of sizes in JSON where `--unit` has no say in it. */
  readonly jsonUnit?: Unit
  json(snapshot: Snapshot, unit: Unit): Json
  text(snapshot: Snapshot, view: View): string
}

type Options = AnalysisOptions & KeywordOptions

/** Takes a snapshot, or one of each of several nodes, and prints it. */
export async function show(
  command: string,
  nodes: readonly string[],
  options: Options,
  context: Context,
  faces: Faces,
): Promise<void> {
  if (!isSweep(nodes, options)) {
    const [node] = nodes
    print(command, node, await readTarget(node, options, context), options, context, faces)
    return
  }
  refuseFile(options)
  const [{ showEach }, { takeSnapshot }] = await Promise.all([
    import('./show-each.ts'),
    import('../probe/take-snapshot.ts'),
  ])
  await showEach(command, nodes, options, context, {
    ...faces,
    ask: (node, left) => takeSnapshot(node, left()),
    frame: (snapshot) => snapshot,
  })
}

/** @throws {UsageError} when a file was named beside nodes */
export function refuseFile(options: Options): void {
  if (options.snapshot !== undefined)
    throw new UsageError('several nodes and --snapshot exclude each other')
  if (isOfRecording(options)) throw noRecording('there is none')
}

/** Prints a snapshot that is there. */
export function print(
  command: string,
  node: string | undefined,
  { snapshot, label }: Pick<Target, 'snapshot' | 'label'>,
  options: Options,
  context: Context,
  faces: Faces,
): void {
  if (options.json) {
    const unit = faces.jsonUnit ?? options.unit ?? 'byte'
    context.stdout.write(jsonText(command, { ...snapshot, unit }, faces.json(snapshot, unit)))
    return
  }
  const text = faces.text(snapshot, viewOf(node, label, options, context))
  context.stdout.write(`${text}\n`)
}
