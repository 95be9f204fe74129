/**
 * What every command does that shows a snapshot: NODE or file in, JSON or text out.
 */
import { Command } from 'commander'
import type { Json } from '../analysis/json.ts'
import type { Snapshot } from '../analysis/snapshot.ts'
import type { Unit } from '../analysis/unit.ts'
import { jsonText } from '../present/json.ts'
import { paperOf } from '../present/paper.ts'
import type { View } from '../present/view.ts'
import type { Context } from './context.ts'
import { nextCommand } from './next-command.ts'
import {
  type AnalysisOptions,
  addOutputOptions,
  addTargetOptions,
  type KeywordOptions,
  keywordOf,
  unitOption,
} from './options.ts'
import { readTarget, type Target } from './target.ts'

/** A command with NODE, `--snapshot` and whatever else all of them take. */
export function analysisCommand(name: string, description: string, context: Context): Command {
  const command = new Command(name).description(description)
  addTargetOptions(addOutputOptions(command, context)).addOption(unitOption())
  return command
}

/** The two faces of a result. Each is made only when it is wanted. */
export interface Faces {
  /** Of sizes in JSON where `--unit` has no say in it. */
  readonly jsonUnit?: Unit
  json(snapshot: Snapshot, unit: Unit): Json
  text(snapshot: Snapshot, view: View): string
}

/** Takes the snapshot and prints it. */
export async function show(
  command: string,
  node: string | undefined,
  options: AnalysisOptions & KeywordOptions,
  context: Context,
  faces: Faces,
): Promise<void> {
  print(command, node, await readTarget(node, options, context), options, context, faces)
}

/** Prints a snapshot that is there. */
export function print(
  command: string,
  node: string | undefined,
  { snapshot, label }: Pick<Target, 'snapshot' | 'label'>,
  options: AnalysisOptions & KeywordOptions,
  context: Context,
  faces: Faces,
): void {
  if (options.json) {
    const unit = faces.jsonUnit ?? options.unit ?? 'byte'
    context.stdout.write(jsonText(command, { ...snapshot, unit }, faces.json(snapshot, unit)))
    return
  }
  const text = faces.text(snapshot, {
    paper: paperOf(context.stdout, context.env),
    unit: options.unit,
    keyword: keywordOf(options),
    label,
    next: (other) => nextCommand(other, node, options),
  })
  context.stdout.write(`${text}\n`)
}
