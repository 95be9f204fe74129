/** A terminal that tests type into and look at: a shell in tmux, which is a terminal as good as any. */
import { join } from 'node:path'
import { vi } from 'vitest'
import { runProgram } from '../../src/testing/program.ts'

/** For whatever should be there in a moment, on a machine that has much else to do. Milliseconds. */
const PATIENCE = 30_000

export interface TerminalOptions {
  readonly columns: number
  readonly rows: number
  /** The current folder of the shell, where its socket is as well. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

export class TmuxTerminal implements AsyncDisposable {
  readonly #socket: string
  readonly #environment: Readonly<Record<string, string>>

  private constructor(socket: string, environment: Readonly<Record<string, string>>) {
    this.#socket = socket
    this.#environment = environment
  }

  /** What a shell stands before a command in it. */
  static readonly prompt = 'ready>'

  static async start(options: TerminalOptions): Promise<TmuxTerminal> {
    const { columns, rows, folder, environment } = options
    const socket = join(folder, `tmux-${columns}x${rows}-${names++}`)
    const terminal = new TmuxTerminal(socket, { PATH: process.env.PATH ?? '', ...environment })
    await terminal.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      `${columns}`,
      '-y',
      `${rows}`,
      '-c',
      folder,
      `env PS1='${TmuxTerminal.prompt} ' bash --norc --noprofile`,
    )
    await terminal.#tmux('set-option', '-g', 'escape-time', '0')
    await terminal.until((screen) => screen.includes(TmuxTerminal.prompt))
    return terminal
  }

  /** Text, as it is typed. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
  }

  /** By the names of tmux: `Enter`, `Escape`, `Tab`, `C-c`, `Up`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async run(command: string): Promise<void> {
    await this.type(command)
    await this.press('Enter')
  }

  /** Its lines, without what stands behind the last character of each. */
  async screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p')
  }

  /** The same with the sequences of its colours. */
  async painted(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-e')
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`)
  }

  /** Of tmux, such as `cursor_flag`, `alternate_on`. */
  async state(name: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', `#{${name}}`)).trim()
  }

  /** Waits until the screen is as it should be, and returns it; fails with the screen that there is. */
  async until(isThere: (screen: string) => boolean): Promise<string> {
    let screen = ''
    const look = async (): Promise<boolean> => {
      screen = await this.screen()
      return isThere(screen)
    }
    await vi.waitUntil(look, { timeout: PATIENCE, interval: 50 }).catch(() => {
      throw new Error(`what should be there is not, but this is:\n${screen}`)
    })
    return screen
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server').catch(() => {})
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await runProgram(['tmux', '-S', this.#socket, ...words], {
      environment: this.#environment,
      timeout: PATIENCE,
    })
    if (status !== 0) throw new Error(`tmux ${words.join(' ')}: ${stderr}`)
    return stdout
  }
}

let names = 0
