/** Where a node runs: a container, or this machine. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { findFreePort } from './free-port.ts'
import { type Command, type ProgramResult, runProgram } from './program.ts'
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

/** A place whose network can be cut. */
export interface IsolatedPlace extends Place {
  /** The node's, the only one beside its port mapper's that is seen from here. */
  readonly port: number
  readonly setLink: (state: LinkState) => Promise<ProgramResult>
}

export type LinkState = 'up' | 'down'

export interface PlaceOptions {
  readonly epmdPort: number
  /** Folders of this machine that the node reads, under the same path. */
  readonly folders: readonly string[]
}

/** Its value says which process started the container: `HOST:PID`. */
const label = 'beamscope.test'

const dockerTimeout = 30_000

/** A container on the host's network: ports are the same inside and outside, and 127.0.0.1 is ours. */
export async function createContainerPlace(image: string, options: PlaceOptions): Promise<Place> {
  const environment = { ...nodeEnvironment(options), ...epmdOnLoopback }
  return containerPlace(await newName(), image, options.folders, ['--network=host'], environment)
}

/**
 * A container on Docker's bridge, of which 127.0.0.1 shows the ports of the node and of its port mapper.
 * Where Docker's proxy listens there, it acknowledges what a client sends, and nobody gets it, while the
 * link is down.
 */
export async function createIsolatedPlace(
  image: string,
  options: PlaceOptions,
): Promise<IsolatedPlace> {
  const name = await newName()
  const port = await findFreePort()
  const published = [options.epmdPort, port].map((it) => `--publish=127.0.0.1:${it}:${it}`)
  const network = ['--cap-add=NET_ADMIN', ...published]
  return {
    ...containerPlace(name, image, options.folders, network, nodeEnvironment(options)),
    port,
    setLink: (state) =>
      runProgram(['docker', 'exec', '--user=0', name, 'perl', '-e', setLinkProgram, state], {
        timeout: dockerTimeout,
      }),
  }
}

/** `ip link set eth0 up` or `down`, in the Perl that every Debian has: its slim images have no `ip`. */
const setLinkProgram = `
  # netdevice(7): a name, and flags: IFF_UP 1, IFF_BROADCAST 2, IFF_RUNNING 0x40, IFF_MULTICAST 0x1000.
  my $request = pack("a16 s x22", "eth0", $ARGV[0] eq "up" ? 0x1043 : 0x1002);
  socket(my $socket, 2, 2, 0) or die "socket: $!"; # AF_INET, SOCK_DGRAM
  ioctl($socket, 0x8914, $request) or die "SIOCSIFFLAGS: $!";
`

async function newName(): Promise<string> {
  leftoversRemoved ??= removeLeftovers()
  await leftoversRemoved
  // Random, since the threads of one process would count alike.
  return `beamscope-test-${process.pid}-${randomBytes(4).toString('hex')}`
}

/** It runs as our own user, so that it can read what we can, and with a home that is never on disk. */
function containerPlace(
  name: string,
  image: string,
  folders: readonly string[],
  network: readonly string[],
  environment: Readonly<Record<string, string>>,
): Place {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const home = '/run/beamscope'
  return {
    wrapKeeper: (command) => [
      'docker',
      'run',
      '--rm',
      '--interactive',
      '--pull=never',
      ...network,
      `--name=${name}`,
      `--label=${label}=${hostname()}:${process.pid}`,
      `--user=${uid}:${gid}`,
      `--tmpfs=${home}:uid=${uid},gid=${gid},mode=700`,
      ...folders.map((it) => `--volume=${it}:${it}:ro`),
      `--env=HOME=${home}`,
      ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
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
    environment: {
      PATH: searchPath,
      HOME: home.path,
      ...nodeEnvironment(options),
      ...epmdOnLoopback,
    },
    remove: () => home[Symbol.asyncDispose](),
  }
}

/** EPMD adds ::1 by itself. */
const epmdOnLoopback = { ERL_EPMD_ADDRESS: '127.0.0.1' }

function nodeEnvironment(options: PlaceOptions): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: `${options.epmdPort}`,
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
