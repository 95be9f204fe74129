/**
 * A process that tries inputs, so that what hangs it, or ends it, ends nothing else.
 */
import { writeSync } from 'node:fs'
import { type Block, runBlock, type Summary } from './block.ts'
import { targetNamed } from './targets/all.ts'

/** What a worker is asked; with `traces` it says on standard output which input is next. */
export interface Task extends Block {
  readonly traces: boolean
}

export type Answer = Summary

// Making a stack takes longer than most inputs.
Error.stackTraceLimit = 0

process.on('disconnect', () => process.exit())
// Ctrl-C meets the whole group; whoever started us ends us.
process.on('SIGINT', () => {})
process.on('message', (message) => {
  const task: Task = JSON.parse(String(message))
  const trace = task.traces ? (index: number) => void writeSync(1, `${index}\n`) : undefined
  void answer(task, trace)
})

async function answer(task: Task, trace: ((index: number) => void) | undefined): Promise<void> {
  process.send?.(JSON.stringify(await runBlock(targetNamed(task.target), task, trace)))
}
