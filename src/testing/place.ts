/** Where a node runs: a container, or this machine. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Command, runProgram } from './program.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

export interface Place {
  /** Turns the command of the node's keeper into one that runs it there; used once. */
  readonly wrapKeeper: (command: Command) => Command
  /** Turns a command into one that runs beside the node, with the node's environment. */
  readonly wrap: (command: Command) => Command
  /** Of these commands here; `undefined` is our own. */
  readonly environment: Readonly<Record<string, string>> | undefined
  /** Removes what is left once the keeper has ended, or in place of its end. */
  readonly remove: () => Promise<void>
}

export interface PlaceOptions {
  readonly epmdPort: number
  /** Folders of this machine that the node reads, under the same path. */
  readonly folders: readonly string[]
}

/** Its value says which process started the container: `HOST:PID`. */
const label = 'beamscope.test'

const dockerTimeout = 30_000

/**
 * A container on the host's network: ports are the same inside and outside, and 127.0.0.1 is ours.
 * It runs as our own user, so that it can read what we can, and with a home that is never on disk.
 */
export async function createContainerPlace(image: string, options: PlaceOptions): Promise<Place> {
  leftoversRemoved ??= removeLeftovers()
  await leftoversRemoved
  // Random, since the threads of one process would count alike.
  const name = `beamscope-test-${process.pid}-${randomBytes(4).toString('hex')}`
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const home = '/run/beamscope'
  return {
    wrapKeeper: (command) => [
      'docker',
      'run',
      '--rm',
      '--interactive',
      '--pull=never',
      '--network=host',
      `--name=${name}`,
      `--label=${label}=${hostname()}:${process.pid}`,
      `--user=${uid}:${gid}`,
      `--tmpfs=${home}:uid=${uid},gid=${gid},mode=700`,
      ...options.folders.map((it) => `--volume=${it}:${it}:ro`),
      ...Object.entries(nodeEnvironment(home, options)).map(
        ([key, value]) => `--env=${key}=${value}`,
      ),
      image,
      ...command,
    ],
    wrap: (command) => ['docker', 'exec', '--interactive', name, ...command],
    environment: undefined,
    remove: async () => {
      // The client removes a container that ended by itself; then this one finds none.
      await runProgram(['docker', 'rm', '--force', name], { timeout: dockerTimeout })
    },
  }
}

/** This machine, with a home of its own. */
export async function createPathPlace(searchPath: string, options: PlaceOptions): Promise<Place> {
  const home = await createTemporaryFolder()
  return {
    wrapKeeper: (command) => command,
    wrap: (command) => command,
    environment: { PATH: searchPath, ...nodeEnvironment(home.path, options) },
    remove: () => home[Symbol.asyncDispose](),
  }
}

function nodeEnvironment(home: string, options: PlaceOptions): Record<string, string> {
  return {
    HOME: home,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: `${options.epmdPort}`,
    // EPMD adds ::1 by itself.
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_CRASH_DUMP_SECONDS: '0',
  }
}

let leftoversRemoved: Promise<void> | undefined

/** Removes containers whose process on this host is gone, which takes a crash of the Docker engine. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await runProgram(
    ['docker', 'ps', '--all', `--filter=label=${label}`, `--format={{.ID}} {{.Label "${label}"}}`],
    { timeout: dockerTimeout },
  )
  for (const line of stdout.split('\n')) {
    const [id, host, pid] = line.split(/[ :]/)
    if (id && host === hostname() && !isAlive(Number(pid))) {
      await runProgram(['docker', 'rm', '--force', id], { timeout: dockerTimeout })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: alive, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
