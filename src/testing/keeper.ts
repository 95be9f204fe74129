/**
 * The keeper: the shell program that runs a node with its own port mapper and outlives neither.
 *
 * It is the same in a container and on this machine. Its standard input is its tie to us: the first line
 * is the cookie, which thus stands in no argument list and no environment, each further line the name of
 * a signal for the emulator, and the end of input, also when our process is killed, the death of the
 * node. It answers `registered PORT` and `sent SIGNAL` on standard output; everything that the node
 * prints goes to standard error.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { createDeadline } from './deadline.ts'
import { NodeExitedError, NodeNotReadyError, NodeSignalError } from './errors.ts'
import type { Command } from './program.ts'

/** Run as `sh -c PROGRAM keeper ALIVE ARGUMENT…`: the node's name before the @, and erl's arguments. */
const program = `
alive=$1; shift
IFS= read -r cookie
(umask 377; printf %s "$cookie" >"$HOME/.erlang.cookie")
exec 3<&0 </dev/null

registration() {
  epmd -names 2>/dev/null | while read -r _ name _ _ port; do
    if [ "$name" = "$alive" ]; then echo "registered $port"; fi
  done | grep .
}

mapper=
if ! epmd -names >/dev/null 2>&1; then
  epmd >&2 3<&- &
  mapper=$!
  until epmd -names >/dev/null 2>&1; do
    kill -0 "$mapper" 2>/dev/null || exit 1
    sleep 0.05
  done
fi

erl "$@" >&2 3<&- &
emulator=$!

{
  while read -r signal <&3; do
    if kill -"$signal" "$emulator"; then echo "sent $signal"; fi
  done
  kill -KILL "$emulator"
} 2>/dev/null &
reader=$!

until registration; do
  kill -0 "$emulator" 2>/dev/null || break
  sleep 0.05
done

# When our process is gone, so are the readers of what the shell still prints, and it must not die of that.
trap '' PIPE
wait "$emulator"
status=$?
kill "$reader" $mapper 2>/dev/null
rm -f "$HOME/.erlang.cookie"
rmdir "$HOME" 2>/dev/null
exit "$status"
`

export type NodeSignal = 'TERM' | 'STOP' | 'CONT'

const maxLogs = 1024 * 1024
const signalTimeout = 10_000

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

  /**
   * Sends a signal to the emulator alone and waits until it is sent.
   *
   * @throws {NodeSignalError} the node has ended, or the keeper does not confirm
   */
  async signal(signal: NodeSignal): Promise<void> {
    using deadline = createDeadline(`SIG${signal}`, signalTimeout)
    const sent = this.#answer(`sent ${signal}`, deadline.signal).catch(() => undefined)
    this.#child.stdin.write(`${signal}\n`)
    if ((await sent) === undefined) {
      throw new NodeSignalError(this.#node, signal)
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
