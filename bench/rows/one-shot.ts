/**
 * A command from its start to its end, as a whole process.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Part } from '../bench.ts'
import type { Contestant } from '../interleave.ts'
import { root } from '../product.ts'
import { absence, MissingHereError, type Opponent, play, type Row } from '../row.ts'
import { requireRecon } from './snapshot.ts'

const TIMEOUT = 30_000

const run = promisify(execFile)

export const oneShotPart: Part = {
  name: 'one-shot',
  title: 'one command, as a whole process',
  run: async (bench) => {
    const group = 'one-shot'
    const what = 'beamscope memory NODE, whole process'
    const { signal } = bench
    const { node, ...target } = await bench.target()
    const { PATH = '' } = process.env

    const contestant = (
      name: string,
      program: string,
      args: readonly string[],
      environment: Readonly<Record<string, string>>,
      expected: RegExp,
    ): Contestant => ({
      name,
      measure: async () => {
        const start = performance.now()
        const { stdout } = await run(program, args, {
          env: { PATH, LANG: 'C.UTF-8', ...environment },
          timeout: TIMEOUT,
          killSignal: 'SIGKILL',
          signal,
        })
        const time = (performance.now() - start) * 1e6
        if (!expected.test(stdout)) throw new Error(`${name} printed ${stdout}`)
        return { time }
      },
    })

    const main = fileURLToPath(new URL('lib/cli/main.cjs', root))
    const ours = contestant(
      'beamscope',
      process.execPath,
      [main, 'memory', node.name, '--epmd-port', `${node.epmdPort}`],
      { BEAMSCOPE_COOKIE: node.cookie },
      /allocated/i,
    )
    const nothing = contestant(
      `node -e 0, Node.js ${process.versions.node}`,
      process.execPath,
      ['-e', '0'],
      {},
      /^$/,
    )
    const opponents: Opponent[] = [{ contestant: nothing, reach: { kind: 'at-most', value: 1.3 } }]
    const absences: Row[] = []
    try {
      requireRecon({ node, ...target })
      const release = await releaseOnPath(signal)
      const home = join(bench.folder, 'home')
      await mkdir(home, { recursive: true })
      const cookieFile = join(home, '.erlang.cookie')
      await writeFile(cookieFile, node.cookie)
      await chmod(cookieFile, 0o400)
      const erl = contestant(
        `erl -hidden -eval, OTP ${release}`,
        'erl',
        erlArguments(node.name),
        { HOME: home, ERL_EPMD_PORT: `${node.epmdPort}` },
        /allocated/,
      )
      opponents.unshift({ contestant: erl, reach: { kind: 'at-most', value: 0.7 } })
    } catch (error) {
      signal.throwIfAborted()
      absences.push(absence({ group, what, against: 'erl' }, error))
    }
    return [...(await play({ group, what, ours, opponents }, bench.rounds(15, 2))), ...absences]
  },
}

function erlArguments(node: string): readonly string[] {
  const keys = 'used, allocated, unused, usage, allocated_types, allocated_instances'
  return [
    '-hidden',
    '-noshell',
    '-name',
    `bench-erl-${process.pid}@127.0.0.1`,
    '-start_epmd',
    'false',
    '-kernel',
    'inet_dist_use_interface',
    '{127,0,0,1}',
    '-eval',
    `[io:format("~p: ~p~n", [Key, rpc:call('${node}', recon_alloc, memory, [Key])])
      || Key <- [${keys}]], halt().`,
  ]
}

async function releaseOnPath(signal: AbortSignal): Promise<string> {
  const expression = 'io:put_chars(erlang:system_info(otp_release)), halt().'
  try {
    const { stdout } = await run('erl', ['-noshell', '-eval', expression], {
      timeout: TIMEOUT,
      signal,
    })
    return stdout
  } catch (cause) {
    throw new MissingHereError(
      'no erl on PATH; apt-get install --no-install-recommends erlang-base',
      {
        cause,
      },
    )
  }
}
