/**
 * The keeper: the shell program that runs a node with its own port mapper and outlives neither.
 *
 * It is the same in a container and on this machine. Its standard input is its tie to us: the first line
 * is the cookie, which thus stands in no argument list and no environment, each further line a command,
 * and the end of input, also when our process is killed, the death of the node. It answers
 * `registered PORT` and `COMMAND STATUS` on standard output; everything that the node prints goes to
 * standard error.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { createDeadline } from './deadline.ts'
import { NodeCommandError, NodeExitedError, NodeNotReadyError } from './errors.ts'
import type { Command } from './program.ts'

/** Run as `sh -c PROGRAM keeper ALIVE ARGUMENT…`: the node's name before the @, and erl's arguments. */
const program = `
alive=$1; shift
IFS= read -r cookie
(umask 377; printf %s "$cookie" >"$HOME/.erlang.cookie")
exec 3<&0 </dev/null

# Process ids are in files, since the emulator and the port mapper may be replaced.
signal() {
  read -r pid <"$HOME/$2" && kill -"$1" "$pid"
} 2>/dev/null

start_epmd() {
  if epmd -names >/dev/null 2>&1; then return; fi
  epmd >&2 3<&- &
  echo $! >"$HOME/epmd"
  until epmd -names >/dev/null 2>&1; do
    signal 0 epmd || return 1
    sleep 0.05
  done
}

kill_epmd() {
  signal KILL epmd && rm "$HOME/epmd" || return 1
  while epmd -names >/dev/null 2>&1; do sleep 0.05; done
}

registration() {
  epmd -names 2>/dev/null | while read -r _ name _ _ port; do
    if [ "$name" = "$alive" ]; then echo "registered $port"; fi
  done | grep .
}

start_epmd || exit 1

{
  # Nobody may read the answer any more, and then the emulator is still to be killed.
  trap '' PIPE
  while read -r command <&3; do
    case $command in
      RESTART) : >"$HOME/again"; signal KILL emulator ;;
      KILL_EPMD) kill_epmd ;;
      START_EPMD) start_epmd ;;
      *) signal "$command" emulator ;;
    esac
    echo "$command $?"
  done
  : >"$HOME/ending"
  signal KILL emulator
} &
reader=$!

while
  erl "$@" >&2 3<&- &
  emulator=$!
  echo "$emulator" >"$HOME/emulator"
  # The end may have come before the reader knew of this emulator.
  if [ -e "$HOME/ending" ]; then signal KILL emulator; fi

  until registration; do
    signal 0 emulator || break
    sleep 0.05
  done

  # When our process is gone, so are the readers of what the shell still prints, and it must not die of that.
  trap '' PIPE
  wait "$emulator"
  status=$?
  rm "$HOME/again" 2>/dev/null
do :; done

kill "$reader" 2>/dev/null
signal TERM epmd
(cd "$HOME" && rm -f .erlang.cookie emulator epmd ending)
rmdir "$HOME" 2>/dev/null
exit "$status"
`

/** Signals for the emulator, and what is done to the port mapper. */
export type KeeperCommand = 'TERM' | 'STOP' | 'CONT' | 'KILL_EPMD' | 'START_EPMD'

const maxLogs = 1024 * 1024
const commandTimeout = 10_000

export interface KeeperOptions {
  readonly node: string
  readonly cookie: string
  readonly erlArguments: readonly string[]
  /** Turns the keeper's command into one that runs it where the node is to be. */
  readonly wrap: (command: Command) => Command
  readonly environment: Readonly<Record<string, string>> | undefined
}

export class Keeper {
  /** Settles when nothing of the node is left, whether it was stopped or ended by itself. */
  readonly ended: Promise<void>
  readonly #node: string
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #answers: Interface
  #logs = ''
  #isSilent = false

  constructor(options: KeeperOptions) {
    const { node, cookie, erlArguments, environment, wrap } = options
    const alive = node.slice(0, node.indexOf('@'))
    const [file, ...rest] = wrap(['sh', '-c', program, 'keeper', alive, ...erlArguments])
    this.#node = node
    // Detached: Ctrl-C in the terminal is for us, who then end our nodes in order.
    this.#child = spawn(file, rest, {
      detached: true,
      env: environment ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.ended = once(this.#child, 'close').then(
      () => undefined,
      (error: unknown) => this.#log(String(error)),
    )
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#log(text))
    // A keeper that has ended closes the pipe, which its end already tells.
    this.#child.stdin.on('error', () => {})
    this.#answers = createInterface({ input: this.#child.stdout })
    this.#answers.once('close', () => {
      this.#isSilent = true
    })
    this.#child.stdin.write(`${cookie}\n`)
  }

  /** The last megabyte of what the node printed. */
  get logs(): string {
    return this.#logs
  }

  /** Whether no answer can come any more: the node ends, or has ended. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  /**
   * The node's distribution port, once EPMD names it.
   *
   * @throws {NodeExitedError} the node ended before that
   * @throws {NodeNotReadyError} `deadline` passed before that
   */
  async registered(deadline: AbortSignal): Promise<number> {
    let answer: string | undefined
    try {
      answer = await this.#answer('registered ', deadline)
    } catch (cause) {
      throw new NodeNotReadyError(this.#node, 'registration', this.#logs, { cause })
    }
    if (answer === undefined) {
      await this.ended
      throw new NodeExitedError(this.#node, this.#logs)
    }
    return Number(answer)
  }

  /** Kills the emulator and starts another; the result and the errors are those of `registered`. */
  restarted(deadline: AbortSignal): Promise<number> {
    const registered = this.registered(deadline)
    this.#child.stdin.write('RESTART\n')
    return registered
  }

  /**
   * Waits until the command is carried out.
   *
   * @throws {NodeCommandError} it cannot be, or the keeper does not confirm
   */
  async command(command: KeeperCommand): Promise<void> {
    using deadline = createDeadline(command, commandTimeout)
    const status = this.#answer(`${command} `, deadline.signal).catch(() => undefined)
    this.#child.stdin.write(`${command}\n`)
    if ((await status) !== '0') {
      throw new NodeCommandError(this.#node, command)
    }
  }

  /** Kills the emulator. */
  cut(): void {
    this.#child.stdin.end()
  }

  /** Kills the keeper and what it started on this machine, which for a container is Docker's client. */
  abandon(): void {
    if (this.#child.pid !== undefined && !this.#isSilent) {
      process.kill(-this.#child.pid, 'SIGKILL')
    }
  }

  /** What follows `prefix` in the next answer that begins with it, `undefined` if none comes any more. */
  async #answer(prefix: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#isSilent) {
      return undefined
    }
    for await (const [line] of on(this.#answers, 'line', { signal, close: ['close'] })) {
      if (line.startsWith(prefix)) {
        return line.slice(prefix.length)
      }
    }
    return undefined
  }

  #log(text: string): void {
    this.#logs = (this.#logs + text).slice(-maxLogs)
  }
}
