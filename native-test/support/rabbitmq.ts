/**
 * Nodes of RabbitMQ, out of Debian's package, in containers of their own on the host's network.
 *
 * @see https://www.rabbitmq.com/docs/configure#supported-environment-variables
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { parseNodeName } from '../../src/dist/node-name.ts'
import { lookup } from '../../src/epmd/client.ts'
import { findFreePort } from '../../src/testing/free-port.ts'
import { runProgram } from '../../src/testing/program.ts'

const IMAGE = 'beamscope/rabbitmq'

/** The node writes it; until then there is nobody to ask whether it has started. */
const PID_FILE = '/var/lib/rabbitmq/pid'

/** The cookie by standard input, as the engine would show it among arguments and in the environment. */
const START = `
  read -r cookie
  umask 377
  printf %s "$cookie" >/root/.erlang.cookie
  printf %s "$cookie" >/var/lib/rabbitmq/.erlang.cookie
  chown rabbitmq /var/lib/rabbitmq/.erlang.cookie
  umask 022
  exec rabbitmq-server -detached`

/** Milliseconds; the machine may be busy. */
const TIMEOUT = 60_000

export interface RabbitmqOptions {
  /** With a long name: `rabbit@127.0.0.1`. */
  readonly name: string
  readonly cookie: string
  /** Of the EPMD of this machine that the node registers with; it starts one where there is none. */
  readonly epmdPort: number
  /** The others of a cluster that the node is to join one of, at its first start. */
  readonly peers?: readonly string[] | undefined
}

/** Listens on 127.0.0.1 alone, as do all that it starts. Disposal removes it, with its data. */
export class RabbitmqNode implements AsyncDisposable {
  readonly name: string
  readonly #options: RabbitmqOptions
  readonly #container = `beamscope-test-rabbitmq-${randomBytes(4).toString('hex')}`

  constructor(options: RabbitmqOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Ends when EPMD knows the node, which is older by then than any that is started after it. */
  async start(): Promise<void> {
    const { cookie, epmdPort, name, peers } = this.#options
    const environment = {
      ERL_EPMD_PORT: epmdPort,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      // Tools are nodes too, and so is what looks for peers.
      ERL_AFLAGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_USE_LONGNAME: true,
      RABBITMQ_NODENAME: name,
      RABBITMQ_PID_FILE: PID_FILE,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: await findFreePort(),
      RABBITMQ_DIST_PORT: await findFreePort(),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: peers === undefined ? '' : joining([name, ...peers]),
    }
    const { status, stderr } = await runProgram(
      [
        'docker',
        'run',
        '--detach',
        '--network=host',
        `--name=${this.#container}`,
        // The launcher removes what a crash has left.
        `--label=beamscope.test=${hostname()}:${process.pid}`,
        ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
        IMAGE,
        'sleep',
        'infinity',
      ],
      { timeout: TIMEOUT },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    await runProgram(['docker', 'exec', '--interactive', this.#container, 'sh', '-c', START], {
      input: `${cookie}\n`,
      timeout: TIMEOUT,
    })
    await this.#registered()
  }

  async #registered(): Promise<void> {
    const { alive, host } = parseNodeName(this.name)
    for (const end = performance.now() + TIMEOUT; ; await delay(100)) {
      try {
        await lookup(alive, { host, port: this.#options.epmdPort })
        return
      } catch (error) {
        if (performance.now() > end) throw error
      }
    }
  }

  /** Waits until it serves; in a cluster, until it has joined. */
  async started(): Promise<void> {
    await this.inside('rabbitmqctl', 'wait', '--timeout', '120', PID_FILE)
  }

  /** What a program prints that ends well beside the node. */
  async inside(...command: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await runProgram(
      ['docker', 'exec', this.#container, ...command],
      { timeout: 2 * TIMEOUT },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout.trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram(['docker', 'rm', '--force', this.#container], { timeout: TIMEOUT })
  }
}

/**
 * A node that reaches none of the others looks again, for a minute; after that it would start alone. The
 * shell that starts it splits at spaces.
 *
 * @see https://www.rabbitmq.com/docs/cluster-formation
 */
function joining(nodes: readonly string[]): string {
  const names = nodes.map((it) => `'${it}'`).join(',')
  const patience = '[{discovery_retry_limit,60},{discovery_retry_interval,1000}]'
  return `-rabbit cluster_nodes {[${names}],disc} -rabbit cluster_formation ${patience}`
}

/**
 * Erlang text, for `rabbitmqctl eval`: a queue `load` whose only member is the node that evaluates it, and
 * so many messages of 4 kB to it, as a publisher without confirms sends them. It is a quorum queue, as
 * classic ones keep their messages on disk.
 */
export function publishing(messages: number): string {
  return `
    Queue = rabbit_misc:r(<<"/">>, queue, <<"load">>),
    Arguments = [{<<"x-queue-type">>, longstr, <<"quorum">>}, {<<"x-quorum-initial-group-size">>, long, 1}],
    {new, _} = rabbit_amqqueue:declare(Queue, true, false, Arguments, none, <<"guest">>),
    Exchange = rabbit_misc:r(<<"/">>, exchange, <<>>),
    Properties = list_to_tuple(['P_basic' | lists:duplicate(14, undefined)]),
    [begin
       Content = rabbit_basic:build_content(Properties, binary:copy(<<I:32>>, 1024)),
       {ok, Message} = mc_amqpl:message(Exchange, <<"load">>, Content),
       ok = rabbit_queue_type:publish_at_most_once(Exchange, Message)
     end || I <- lists:seq(1, ${messages})],
    published.`
}
