/**
 * A real Erlang node for the demonstration: started with what is on PATH, fragmented, ended again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cookie } from '../dist/cookie.ts'
import { BeamscopeError } from '../errors.ts'
import { startDeadline, type Waiting } from '../net/deadline.ts'

/** There is no `erl` on PATH. */
export class NoErlangError extends BeamscopeError {
  readonly code = 'ERR_ERLANG_MISSING'
  constructor(cause: unknown) {
    super('there is no erl on PATH', {
      cause,
      hint: 'install Erlang (Debian: erlang-base), or run the demonstration without --live',
    })
  }
}

/** The node ended, or could not be brought to the state that was asked for. */
export class LiveNodeError extends BeamscopeError {
  readonly code = 'ERR_LIVE_NODE'
  constructor(output: string) {
    super(`the Erlang node ended before it was ready: ${output.trim() || 'it printed nothing'}`)
  }
}

/**
 * The spike: 40,000 binaries of 4 kB at once, of which every 20th is kept. Each one that stays pins its
 * carrier, which can hold a hundred others.
 */
const FRAGMENT = `
Hold = fun() ->
    [B || {I, B} <- [{I, binary:copy(<<I:32>>, 1024)} || I <- lists:seq(1, 40000)], I rem 20 =:= 0]
end,
spawn(fun() ->
    Kept = Hold(),
    erlang:garbage_collect(),
    io:format("ready~n"),
    receive stop -> Kept end
end).
`

const DEFAULT_TIMEOUT = 30_000

/** How much of what the node prints is kept for messages. */
const MAX_OUTPUT = 10_000

export class LiveNode implements AsyncDisposable {
  readonly name: string
  readonly cookie: Cookie
  readonly #process: ChildProcess
  readonly #home: string

  private constructor(name: string, cookie: Cookie, process: ChildProcess, home: string) {
    this.name = name
    this.cookie = cookie
    this.#process = process
    this.#home = home
  }

  /**
   * Starts a node that registers in the EPMD at `epmdPort`, and waits until it is fragmented.
   *
   * @throws {NoErlangError} when there is no `erl`
   * @throws {LiveNodeError} when the node ends instead
   * @throws {TimeoutError} when it takes too long (default 30 s)
   */
  static async start(epmdPort: number, waiting: Waiting = {}): Promise<LiveNode> {
    const home = await mkdtemp(join(tmpdir(), 'beamscope-demo-'))
    const secret = randomBytes(16).toString('hex')
    const cookieFile = join(home, '.erlang.cookie')
    await writeFile(cookieFile, secret)
    await chmod(cookieFile, 0o400)
    const name = `demo-${process.pid}@127.0.0.1`
    const child = spawn(
      'erl',
      // Two schedulers whatever the machine has: the same figures everywhere.
      ['+S', '2:2', '-noinput', '-name', name, '-start_epmd', 'false', '-eval', FRAGMENT].concat([
        '-kernel',
        'inet_dist_use_interface',
        '{127,0,0,1}',
      ]),
      {
        env: { ...process.env, HOME: home, ERL_EPMD_PORT: String(epmdPort) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const node = new LiveNode(name, new Cookie(secret), child, home)
    try {
      await node.#ready(waiting)
    } catch (error) {
      await node.close()
      throw error
    }
    return node
  }

  #ready({ timeout = DEFAULT_TIMEOUT, signal }: Waiting): Promise<void> {
    return new Promise((resolve, reject) => {
      let output = ''
      const finish = (): void => {
        stop()
        resolve()
      }
      const fail = (reason: unknown): void => {
        stop()
        reject(reason)
      }
      const stop = startDeadline('starting an Erlang node', timeout, signal, reject)
      const take = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-MAX_OUTPUT)
        if (/^ready$/m.test(output)) finish()
      }
      this.#process.stdout?.on('data', take)
      this.#process.stderr?.on('data', take)
      this.#process.once('error', (cause) => fail(new NoErlangError(cause)))
      this.#process.once('exit', () => fail(new LiveNodeError(output)))
    })
  }

  /** Ends the node and removes its home. Harmless when repeated. */
  async close(): Promise<void> {
    this.#process.kill('SIGKILL')
    await rm(this.#home, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
