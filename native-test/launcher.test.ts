/** The launcher of the native tests, by itself: what it promises to all the others. */
import { once } from 'node:events'
import { access, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { lookup } from '../src/epmd/client.ts'
import { chooseRelease, type Survey } from '../src/testing/releases.ts'
import { describeOnEachRelease, describeOnRelease } from './support/describe-on-release.ts'
import {
  createCertificates,
  createTemporaryFolder,
  type ErlangNode,
  EvaluationError,
  findFreePort,
  InvalidNodeOptionError,
  isFree,
  NodeCommandError,
  NodeExitedError,
  NodeLinkError,
  runProgram,
  startErlangNode,
} from './support/index.ts'
import { shortfallOf } from './support/requirements.ts'

describeOnEachRelease('a node', (release) => {
  it('is of that release, under its name, with its emulator arguments', async () => {
    await using node = await startErlangNode({
      release,
      name: 'marten',
      emulatorArguments: ['+S', '4:4'],
    })
    expect(node).toMatchObject({ name: 'marten@127.0.0.1', release })
    expect(await node.evaluate('erlang:system_info(otp_release)')).toBe(`"${release}"`)
    expect(await node.evaluate('erlang:system_info(schedulers).')).toBe('4')
    expect(await node.evaluate('node()')).toBe("'marten@127.0.0.1'")
    expect(await node.evaluate('erlang:get_cookie()')).toContain(node.cookie)
  })

  it('gives values exactly, however large', async () => {
    await using node = await startErlangNode({ release })
    const numbers = Array.from({ length: 1000 }, (_, index) => index + 1)
    expect(await node.evaluate('lists:seq(1, 1000)')).toBe(`[${numbers}]`)
    expect(await node.evaluate('1 bsl 100.')).toBe(`${2n ** 100n}`)
    expect(await node.evaluate('X = 1, % one\n{X, \'é\', "é", <<0>>, $.}')).toBe(
      '{1,é,"é",<<0>>,46}',
    )
    const long = await node.evaluate('binary:copy(<<"0123456789">>, 100000)')
    expect(long).toBe(`<<"${'0123456789'.repeat(100_000)}">>`)
  })

  it('listens on loopback alone', async () => {
    await using node = await startErlangNode({ release })
    for (const port of [node.port, node.epmdPort]) {
      expect(await accepts(node.host, port)).toBe(true)
      const addresses = await listeningAddresses(port)
      expect(addresses).toContain(LOOPBACK)
      // EPMD adds ::1 by itself.
      expect([LOOPBACK, LOOPBACK_6]).toEqual(expect.arrayContaining(addresses))
    }
  })

  it('leaves nothing behind when it stops', async () => {
    const node = await startErlangNode({ release })
    await node.stop()
    await expectNothingLeft(node)
    await node.stop()
  })
})

describeOnEachRelease(
  'a node over TLS',
  (release) => {
    it('answers', async () => {
      await using plain = await startErlangNode({ release })
      await using certificates = await createCertificates(plain)
      const { path, distributionArguments } = certificates
      await using node = await startErlangNode({ release, folders: [path], distributionArguments })
      expect(await node.evaluate('init:get_argument(proto_dist)')).toBe('{ok,[["inet_tls"]]}')
    })
  },
  { applications: ['ssl'] },
)

describeOnEachRelease(
  'a node with recon',
  (release) => {
    it('answers as recon', async () => {
      await using node = await startErlangNode({ release, withRecon: true })
      expect(await node.evaluate('is_integer(recon_alloc:memory(allocated))')).toBe('true')
    })
  },
  { recon: true },
)

describeOnEachRelease(
  'a node over IPv6',
  (release) => {
    it('answers at ::1, and has its name there', async () => {
      await using node = await startErlangNode({ release, name: 'marten', family: 6 })
      expect(node).toMatchObject({ name: 'marten@::1', host: '::1' })
      expect(await node.evaluate('node()')).toBe("'marten@::1'")
      expect(await listeningAddresses(node.port)).toEqual([LOOPBACK_6])
      expect(await listeningAddresses(node.epmdPort)).toContain(LOOPBACK_6)
    })
  },
  { ipv6: true },
)

describeOnEachRelease(
  'a node over TLS and IPv6',
  (release) => {
    it('answers', async () => {
      await using plain = await startErlangNode({ release })
      await using certificates = await createCertificates(plain)
      const { path, distributionArguments } = certificates
      await using node = await startErlangNode({
        release,
        family: 6,
        folders: [path],
        distributionArguments: ['-proto_dist', 'inet6_tls', ...distributionArguments.slice(2)],
      })
      expect(await node.evaluate('init:get_argument(proto_dist)')).toBe('{ok,[["inet6_tls"]]}')
    })
  },
  { applications: ['ssl'], ipv6: true },
)

describeOnEachRelease(
  'a node with a network of its own',
  (release) => {
    it('shows its ports on loopback alone', async () => {
      await using node = await startErlangNode({ release, name: 'marten', isolated: true })
      expect(node).toMatchObject({ name: 'marten@127.0.0.1', host: '127.0.0.1' })
      expect(await node.evaluate('node()')).toBe("'marten@127.0.0.1'")
      expect(await listeningAddresses(node.port)).toEqual([LOOPBACK])
      expect(await listeningAddresses(node.epmdPort)).toEqual([LOOPBACK])
      expect(await portInEpmd(node)).toBe(node.port)
    })

    it('leaves nothing behind when it stops without its network', async () => {
      const node = await startErlangNode({ release, isolated: true })
      await node.disconnect()
      await node.stop()
      await expectNothingLeft(node)
    })
  },
  { isolation: true },
)

describeOnRelease(
  'any',
  'a node without its network',
  () => {
    it('goes silent, and its connections neither end nor break', async () => {
      await using node = await startErlangNode({ isolated: true })
      const socket = connect({ host: node.host, port: node.port })
      await once(socket, 'connect')
      const events: string[] = []
      for (const event of ['data', 'end', 'error', 'close']) {
        socket.on(event, () => events.push(event))
      }
      await node.disconnect()
      socket.write(NO_HANDSHAKE)
      await delay(3_000)
      expect(events).toEqual([])
      expect(await node.evaluate('node()')).toBe(`'${node.name}'`)

      // What was lost is sent again, and refused only now.
      await node.reconnect()
      await expect.poll(() => events[0], { timeout: 15_000 }).toBe('end')
      socket.destroy()
    })

    it('answers new connections once it has it again', async () => {
      await using node = await startErlangNode({ isolated: true })
      await node.disconnect()
      expect(await portInEpmd(node)).toBeUndefined()
      await node.reconnect()
      // Its neighbours have to find it first.
      await expect.poll(() => portInEpmd(node), { timeout: 20_000 }).toBe(node.port)
    })

    it('says when its network cannot be cut', async () => {
      const node = await startErlangNode({ isolated: true })
      await node.kill()
      await expect(node.disconnect()).rejects.toThrow(NodeLinkError)
    })
  },
  { isolation: true },
)

describeOnEachRelease('a node that is restarted', (release) => {
  it('has its name, its port mapper and another creation', async () => {
    await using node = await startErlangNode({ release })
    const { port, epmdPort } = node
    const before = await node.evaluate('{os:getpid(), erlang:system_info(creation)}')
    await node.restart()
    expect(node.port).not.toBe(port)
    expect(node.epmdPort).toBe(epmdPort)
    expect(await portInEpmd(node)).toBe(node.port)
    expect(await node.evaluate('erlang:get_cookie()')).toContain(node.cookie)
    const [pid, creation] = elements(before)
    const [pidAfter, creationAfter] = elements(
      await node.evaluate('{os:getpid(), erlang:system_info(creation)}'),
    )
    expect(pidAfter).not.toBe(pid)
    expect(creationAfter).not.toBe(creation)
    await node.stop()
    await expectNothingLeft(node)
  })
})

describeOnEachRelease('the port mapper of a node', (release) => {
  it('can be killed and started while the node lives', async () => {
    await using node = await startErlangNode({ release })
    await node.killEpmd()
    expect(await accepts(node.host, node.epmdPort)).toBe(false)
    expect(await node.evaluate('1')).toBe('1')
    await node.startEpmd()
    expect(await accepts(node.host, node.epmdPort)).toBe(true)
    if (release === 23) {
      await delay(5_000)
      expect(await portInEpmd(node)).toBeUndefined()
    } else {
      await expect.poll(() => portInEpmd(node), { timeout: 10_000 }).toBe(node.port)
    }
    await node.stop()
    await expectNothingLeft(node)
  })
})

describeOnRelease('any', 'a node of any release', () => {
  it('is killed with its port mapper when the tie to us breaks', async () => {
    const node = await startErlangNode()
    await node.kill()
    await expectNothingLeft(node)
  })

  it('hangs while it is suspended, and its port mapper does not', async () => {
    await using node = await startErlangNode()
    await node.pause()
    await expect(node.evaluate('1', { timeout: 1000 })).rejects.toThrow('no answer in 1 s')
    expect(await accepts(node.host, node.epmdPort)).toBe(true)
    await node.resume()
    expect(await node.evaluate('1')).toBe('1')
  })

  it('stops while it is suspended', async () => {
    const node = await startErlangNode()
    await node.pause()
    await node.stop()
    await expectNothingLeft(node)
    await expect(node.pause()).rejects.toThrow(NodeCommandError)
  })

  it('finds another by a shared port mapper', async () => {
    await using first = await startErlangNode({ name: 'first' })
    await using second = await startErlangNode({
      name: 'second',
      cookie: first.cookie,
      epmdPort: first.epmdPort,
    })
    expect(await first.evaluate(`net_adm:ping('${second.name}')`)).toBe('pong')
  })

  it('is restarted while it is suspended, with its emulator arguments, and again', async () => {
    await using node = await startErlangNode({ emulatorArguments: ['+S', '3:3'] })
    await node.pause()
    await node.restart()
    expect(await node.evaluate('erlang:system_info(schedulers)')).toBe('3')
    await node.pause()
    await node.resume()
    await node.restart()
    expect(await node.evaluate('1')).toBe('1')
  })

  it('is not restarted once it has ended', async () => {
    const node = await startErlangNode()
    await node.kill()
    await expect(node.restart()).rejects.toThrow(NodeExitedError)
  })

  it('is killed while it restarts', async () => {
    const node = await startErlangNode()
    const restarted = expect(node.restart()).rejects.toThrow(NodeExitedError)
    await node.kill()
    await restarted
    await expectNothingLeft(node)
  })

  it('cannot kill the port mapper of another', async () => {
    await using first = await startErlangNode()
    await using second = await startErlangNode({ epmdPort: first.epmdPort })
    await expect(second.killEpmd()).rejects.toThrow(NodeCommandError)
    expect(await accepts(first.host, first.epmdPort)).toBe(true)
  })

  it('may have a host in its name that does not exist', async () => {
    await using node = await startErlangNode({ name: 'rabbit@db1.invalid' })
    expect(await node.evaluate('node()')).toBe("'rabbit@db1.invalid'")
  })

  it('keeps what it printed', async () => {
    await using node = await startErlangNode()
    await node.evaluate('io:put_chars(user, "pine marten\n")')
    expect(await node.logs()).toContain('pine marten')
  })

  it.each([
    ['1/0', 'error:badarith'],
    ['throw({a, "b"})', 'throw:{a,"b"}'],
    ['foo bar', 'syntax error before: bar'],
    ['"no end', 'unterminated string'],
  ])('says what is wrong with %s', async (expression, reason) => {
    await using node = await startErlangNode()
    const error: unknown = await node.evaluate(expression).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(EvaluationError)
    expect(error).toMatchObject({ expression, reason: expect.stringContaining(reason) })
  })

  it('gives up on an expression in time', async () => {
    await using node = await startErlangNode()
    await expect(node.evaluate('timer:sleep(60000)', { timeout: 1000 })).rejects.toThrow(
      'no answer in 1 s',
    )
  })

  it('says with its logs why it did not start', async () => {
    const error: unknown = await startErlangNode({ emulatorArguments: ['+S', 'many'] }).catch(
      (it: unknown) => it,
    )
    expect(error).toBeInstanceOf(NodeExitedError)
    expect(error).toMatchObject({ logs: expect.stringContaining('schedulers') })
  })

  it('is not started once its signal is aborted', async () => {
    const controller = new AbortController()
    const started = startErlangNode({ signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 100)
    await expect(started).rejects.toThrow('enough')
    expect(await ourContainers()).toBe('')
  })

  it.each([{ name: 'two words' }, { name: "quo'te" }, { cookie: '' }, { cookie: 'two\nlines' }])(
    'is refused with %o',
    async (options) => {
      await expect(startErlangNode(options)).rejects.toThrow(InvalidNodeOptionError)
    },
  )
})

describe('the choice of where a release runs', () => {
  it('takes Docker before PATH, and the newest where none is named', () => {
    const survey = { images: [23, 27], onPath: onPath(27) } as const
    expect(chooseRelease(survey, 27)).toMatchObject({ where: 'docker', release: 27 })
    expect(chooseRelease(survey)).toMatchObject({ where: 'docker', release: 27 })
  })

  it('takes PATH where Docker has not the release', () => {
    const survey = { images: undefined, onPath: onPath(26) }
    expect(chooseRelease(survey)).toMatchObject({ where: 'path', release: 26 })
  })

  it('says why it is nowhere, and how to get it', () => {
    expect(chooseRelease({ images: undefined, onPath: undefined })).toEqual({
      where: 'nowhere',
      reason: 'no Docker engine answers',
      hint: 'start one, or put erl on PATH',
    })
    const survey = { images: undefined, onPath: onPath(25) }
    expect(chooseRelease(survey, 27)).toEqual({
      where: 'nowhere',
      reason: 'no Docker engine answers and erl on PATH is OTP 25',
      hint: 'start one, or put erl of OTP 27 on PATH',
    })
    expect(chooseRelease({ images: [], onPath: undefined }, 27)).toEqual({
      where: 'nowhere',
      reason: 'Docker has no image beamscope/erlang:27',
      hint: 'run docker/build-images 27',
    })
  })
})

describe('what a test needs', () => {
  it('is named where it is missing', () => {
    const choice = { where: 'path', ...onPath(25) } as const
    expect(shortfallOf(choice, { isolation: true })).toBe(
      'a node from PATH cannot be isolated; start a Docker engine that has the image of its release',
    )
    expect(shortfallOf(choice, { applications: ['ssl', 'tools'] })).toBe(
      'erl on PATH has no tools; install it, or start a Docker engine',
    )
    expect(shortfallOf(choice, { applications: ['ssl'] })).toBeUndefined()
  })
})

describe('a temporary folder', () => {
  it('is ours alone, and goes with its disposal', async () => {
    const folder = await createTemporaryFolder()
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
    await folder[Symbol.asyncDispose]()
    await expect(access(folder.path)).rejects.toThrow('ENOENT')
  })
})

describe('free ports', () => {
  it('are free, and each is another', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, findFreePort))
    expect(new Set(ports).size).toBe(50)
    expect(await Promise.all(ports.map(isFree))).not.toContain(false)
  })
})

function onPath(release: number): NonNullable<Survey['onPath']> {
  return { release, applications: ['ssl'], searchPath: '/bin' }
}

async function expectNothingLeft(node: ErlangNode): Promise<void> {
  expect(await isFree(node.port)).toBe(true)
  expect(await isFree(node.epmdPort)).toBe(true)
  expect(await ourContainers()).toBe('')
  const { stdout } = await runProgram(['ps', '-eo', 'args'], { timeout: 10_000 })
  expect(stdout).not.toContain(node.name)
}

/** Ids; none where no engine answers. */
async function ourContainers(): Promise<string> {
  const filter = `label=beamscope.test=${hostname()}:${process.pid}`
  const docker = runProgram(['docker', 'ps', '--all', '--quiet', '--filter', filter], {
    timeout: 10_000,
  })
  return docker.then(
    ({ stdout }) => stdout,
    () => '',
  )
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 5_000 })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** What the node's port mapper knows of it: `undefined` if not its name, or if nothing answers. */
async function portInEpmd(node: ErlangNode): Promise<number | undefined> {
  const alive = node.name.slice(0, node.name.indexOf('@'))
  const entry = lookup(alive, { host: node.host, port: node.epmdPort, timeout: 5_000 })
  return entry.then(
    ({ port }) => port,
    () => undefined,
  )
}

/** The elements of a tuple of simple terms. */
function elements(tuple: string): string[] {
  return tuple.slice(1, -1).split(',')
}

/** Of no type that the handshake knows. */
const NO_HANDSHAKE = Uint8Array.of(
  0, // length
  1,
  0x78, // tag
)

/** 127.0.0.1 as `/proc/net/tcp` writes it. */
const LOOPBACK = '0100007F'

/** ::1 as `/proc/net/tcp6` writes it. */
const LOOPBACK_6 = '00000000000000000000000001000000'

/** The addresses that somebody on this machine listens on at a port. */
async function listeningAddresses(port: number): Promise<string[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => '')),
  )
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  // Columns: number, local address, remote address, state (0A is LISTEN).
  return tables
    .flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(suffix))
    .map(([, local = '']) => local.slice(0, -suffix.length))
}
