/**
 * What a command is about, so that messages can name it.
 */

/** An error together with the node or file that the command was about. */
export class SubjectError extends Error {
  readonly subject: string
  constructor(subject: string, cause: unknown) {
    super(subject, { cause })
    this.subject = subject
  }
}

/** Lets what is thrown in `work` know its subject. */
export async function about<Result>(subject: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw new SubjectError(subject, error)
  }
}
