/**
 * The last word of a command that failed: a message on standard error, and the exit code.
 */
import { CommanderError } from 'commander'
import type { Context } from './context.ts'
import { exitCodeOf } from './exit-code.ts'
import { SubjectError } from './subject.ts'

/** Prints what is worth printing; returns the exit code. */
export async function report(failure: unknown, context: Context): Promise<number> {
  // Whatever was going on when the signal came, it is the signal that ended it.
  if (context.signal.aborted) return exitCodeOf(context.signal.reason)
  const isSubjectKnown = failure instanceof SubjectError
  const error = isSubjectKnown ? failure.cause : failure
  // The parser of options has printed its own.
  if (!(error instanceof CommanderError)) {
    const [{ errorText }, { paperOf }] = await Promise.all([
      import('../present/error-text.ts'),
      import('../present/paper.ts'),
    ])
    const text = errorText(error, {
      paper: paperOf(context.stderr, context.env),
      subject: isSubjectKnown ? failure.subject : undefined,
      verbose: context.verbose,
    })
    context.stderr.write(`${text}\n`)
  }
  return exitCodeOf(error)
}
