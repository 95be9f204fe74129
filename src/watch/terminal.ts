/**
 * The terminal that the screen is drawn on: taken over, drawn without flicker, and left as it was.
 *
 * @see https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
 */
import type { ReadStream, WriteStream } from 'node:tty'
import type { Size } from './model.ts'

const ENTER_ALTERNATE_SCREEN = '\u001b[?1049h'
const LEAVE_ALTERNATE_SCREEN = '\u001b[?1049l'
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
/** What a terminal takes for wider than we do stays on its line. */
const DO_NOT_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'
const CLEAR = '\u001b[2J'
const CLEAR_LINE = '\u001b[2K'
const RESET_COLORS = '\u001b[0m'
/** What stands between them is drawn at once, by terminals that know it; the others ignore it. */
const BEGIN_UPDATE = '\u001b[?2026h'
const END_UPDATE = '\u001b[?2026l'

/** Where a terminal does not say. */
const DEFAULT_SIZE: Size = { columns: 80, rows: 24 }

/** Signals that end the process at once, and that nobody else here waits for. */
const DEADLY = ['SIGHUP', 'SIGQUIT', 'SIGALRM', 'SIGVTALRM', 'SIGUSR2', 'SIGXCPU'] as const

/** Who still runs so long after it was to stop will not be stopped. Milliseconds. */
const STOP_TIME = 100

export class Terminal {
  readonly #stdin: ReadStream
  readonly #stdout: WriteStream
  readonly #resumed: () => void
  #isEntered = false
  #stopping: NodeJS.Timeout | undefined
  /** The lines that stand there. */
  #drawn: readonly string[] = []

  /** Calls `resumed` when the terminal was somebody else's for a while: all has to be drawn again. */
  constructor(stdin: ReadStream, stdout: WriteStream, resumed: () => void) {
    this.#stdin = stdin
    this.#stdout = stdout
    this.#resumed = resumed
  }

  get size(): Size {
    // One without a window says 0.
    return {
      columns: this.#stdout.columns || DEFAULT_SIZE.columns,
      rows: this.#stdout.rows || DEFAULT_SIZE.rows,
    }
  }

  /** Takes the terminal over, until {@link leave}, however the process ends. Harmless when repeated. */
  enter(): void {
    if (this.#isEntered) return
    for (const stream of [this.#stdin, this.#stdout]) {
      stream.off('error', this.#hangUp)
      // Before whoever ends the program by an exit code.
      stream.prependListener('error', this.#hangUp)
    }
    // First: in the background it waits here, and has drawn nothing over what others write.
    this.#stdin.setRawMode(true)
    this.#isEntered = true
    process.on('SIGTSTP', this.suspend)
    process.on('SIGCONT', this.#resume)
    process.on('exit', this.leave)
    // Before the stack is printed, which is to be read.
    process.on('uncaughtExceptionMonitor', this.leave)
    for (const signal of DEADLY) process.on(signal, this.#die)
    this.#drawn = []
    this.#write(ENTER_ALTERNATE_SCREEN + HIDE_CURSOR + DO_NOT_WRAP + CLEAR)
  }

  /** Gives the terminal back as it was. Harmless when repeated. */
  readonly leave = (): void => {
    clearTimeout(this.#stopping)
    process.off('SIGCONT', this.#resume)
    if (!this.#isEntered) return
    this.#isEntered = false
    process.off('SIGTSTP', this.suspend)
    process.off('exit', this.leave)
    process.off('uncaughtExceptionMonitor', this.leave)
    for (const signal of DEADLY) process.off(signal, this.#die)
    this.#write(RESET_COLORS + WRAP + SHOW_CURSOR + LEAVE_ALTERNATE_SCREEN)
    if (this.#stdin.isRaw) this.#stdin.setRawMode(false)
  }

  readonly #die = (signal: NodeJS.Signals): void => {
    this.leave()
    // At once: ink listens too, and would have it wait until other events had their turn.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }

  /**
   * A terminal that cannot be read, written or set is gone, as when its window is closed. Whatever comes first of that and
   * the signal, the end is the same; by itself Node.js would print a stack, and abort as it sets the terminal back.
   */
  readonly #hangUp = (): void => this.#die('SIGHUP')

  /** Draws the lines that are others than those which stand there. */
  draw(lines: readonly string[]): void {
    if (!this.#isEntered) return
    const changed = lines.flatMap((line, row) =>
      line === this.#drawn[row] ? [] : `${toRow(row)}${CLEAR_LINE}${line}`,
    )
    for (let row = lines.length; row < this.#drawn.length; row++) {
      changed.push(`${toRow(row)}${CLEAR_LINE}`)
    }
    this.#drawn = lines
    if (changed.length > 0) this.#write(BEGIN_UPDATE + changed.join('') + END_UPDATE)
  }

  /** Everything is drawn again by the next {@link draw}: after a change of size nobody knows what stands there. */
  forget(): void {
    this.#drawn = []
    if (this.#isEntered) this.#write(CLEAR)
  }

  /** Gives the terminal to the shell until the user comes back to this job. */
  readonly suspend = (): void => {
    if (!this.#isEntered) return
    this.leave()
    process.on('SIGCONT', this.#resume)
    process.kill(process.pid, 'SIGTSTP')
    // Stopped here, unless there is no shell that would let it go on, as for the first process of a container.
    this.#stopping = setTimeout(this.#resume, STOP_TIME)
  }

  readonly #resume = (): void => {
    // After SIGSTOP, which cannot be seen coming, the terminal is as the shell needs it, and not as it was left.
    this.leave()
    this.enter()
    this.#resumed()
  }

  #write(text: string): void {
    // Whose terminal is gone gets no more.
    if (this.#stdout.writable) this.#stdout.write(text)
  }
}

function toRow(row: number): string {
  return `\u001b[${row + 1};1H`
}
