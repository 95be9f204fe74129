/**
 * Nodes that run, and at which something is wrong inside: a limit is reached, a NIF blocks schedulers, memory
 * is at its end, the clock jumps. What each call says, that the rest goes on, and that the node is as it was.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { atom, binary, formatTerm, type Term, tuple } from '../src/etf/index.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import type { RemoteNode } from '../src/node/remote-node.ts'
import { probeHolders } from '../src/probe/holders.ts'
import { takeSnapshot } from '../src/probe/take-snapshot.ts'
import { runCli } from '../test/cli/run-cli.ts'
import { compileLibrary } from './support/compile-library.ts'
import { Container } from './support/container.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { eventually, outcomes, tellFault } from './support/outcomes.ts'
import { loadErlangModule } from './support/random-terms.ts'
import { ShiftedClock } from './support/shifted-clock.ts'
import { expectState, settledState } from './support/sweep-cluster.ts'

/** For what takes no time but that of a busy machine. */
const SOON = 1_500

/** Of what would otherwise end by itself long after the test. */
const LONG = { timeout: 100_000 }

/** The lowest limits that a node can be given. */
const LIMITS = ['+P', '1024', '+Q', '1024']

const MODULE = `
-module(blocking_nif).
-export([load/1, block/1]).
load(Path) -> erlang:load_nif(Path, 0).
block(_) -> erlang:nif_error(not_loaded).
`

/**
 * A process that does wrong when it is told to: takes all processes or ports that are left, and those that
 * others give back, until it is sent `stop`; or blocks so many schedulers.
 */
const CULPRIT = `
  Fill = fun Fill(Take, Taken) ->
    try Take() of One -> Fill(Take, [One | Taken]) catch error:system_limit -> Taken end
  end,
  Hold = fun Hold(Take, Release, Before) ->
    Taken = Fill(Take, Before),
    receive stop -> lists:foreach(Release, Taken) after 10 -> Hold(Take, Release, Taken) end
  end,
  Loop = fun Loop() ->
    receive
      processes ->
        Wait = fun() -> receive stop -> ok end end,
        Hold(fun() -> spawn(Wait) end, fun(Pid) -> Pid ! stop end, []);
      ports ->
        Hold(fun() -> open_port({spawn_driver, "udp_inet"}, []) end, fun erlang:port_close/1, []);
      {block, Schedulers, Milliseconds} ->
        [spawn_opt(blocking_nif, block, [Milliseconds], [{scheduler, Number}])
          || Number <- lists:seq(1, Schedulers)]
    end,
    Loop()
  end,
  register(culprit, spawn(Loop))
`

const shortfall = await whyNoImage('compiler')
if (shortfall !== undefined) console.error(`faults inside of nodes skipped: ${shortfall}`)

let folder: TemporaryFolder
let clockLibrary: string
/** Beside the others, with nothing wrong. */
let neighbour: ErlangNode

beforeAll(async () => {
  if (shortfall !== undefined) return
  folder = await createTemporaryFolder()
  neighbour = await startErlangNode()
  const names = ['blocking_nif', 'shifted_clock']
  ;[, clockLibrary = ''] = await Promise.all(names.map((name) => compileLibrary(name, folder.path)))
})

afterAll(async () => {
  if (shortfall !== undefined) return
  await neighbour.kill()
  await folder[Symbol.asyncDispose]()
})

function clientOf({ cookie, epmdPort }: ErlangNode, netTickTime = 60_000): HiddenNode {
  return new HiddenNode({ cookie: new Cookie(cookie), epmdPort, netTickTime })
}

async function timed<Result>(work: Promise<Result>): Promise<[Result, number]> {
  const start = performance.now()
  return [await work, performance.now() - start]
}

/** The error of what must fail. */
function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function systemInfo(remote: RemoteNode, item: string): Promise<Term> {
  return remote.call('erlang', 'system_info', [atom(item)])
}

/** The clock as it jumps back and forth by a day and by an hour, in seconds, and is right in the end. */
const JUMPS = [86_400, -86_400, 3_600, -3_600, 0]

/** Lets it jump while calls are under way; each is answered, and not before its time. */
async function jumpMeanwhile(remote: RemoteNode, clock: ShiftedClock): Promise<void> {
  for (const seconds of JUMPS) {
    const start = performance.now()
    const calls = Array.from({ length: 50 }, () => remote.call('timer', 'sleep', [100]))
    await delay(30)
    clock.shift(seconds)
    expect(await outcomes(calls, 100 + SOON)).toEqual({ fulfilled: 50 })
    expect(performance.now() - start).toBeGreaterThan(95)
    const now = Number(await remote.call('os', 'system_time', [atom('second')]))
    // It has jumped.
    expect(Math.abs(now - Date.now() / 1000 - seconds)).toBeLessThan(60)
  }
}

describeOnEachRelease(
  'inside a node',
  (release) => {
    const tell = (fault: string, what: string, outcome: string, duration: number): void =>
      tellFault(release, fault, what, outcome, duration)

    it.concurrent('what is at its limit or blocked fails alone, and all is as it was then', async () => {
      const clock = new ShiftedClock({ library: clockLibrary, folder: folder.path })
      await using node = await startErlangNode({
        release,
        folders: [folder.path],
        emulatorArguments: [...LIMITS, '+S', '2:2', ...clock.emulatorArguments],
      })
      await loadErlangModule(node, MODULE)
      expect(await node.evaluate(`blocking_nif:load("${folder.path}/blocking_nif")`)).toBe('ok')
      await node.evaluate(CULPRIT)
      // Loaded when a node logs something for the first time.
      await node.evaluate('code:ensure_loaded(io)')
      const { cookie } = node
      await using client = clientOf(node)
      const remote = await client.connect(node.name)
      await using otherClient = clientOf(node)
      await using third = clientOf(neighbour)
      const unharmed = await third.connect(neighbour.name)
      const me = client.spawn()
      const culprit = { name: 'culprit', node: node.name }
      await takeSnapshot(remote)
      const before = await settledState([node])

      // A clock that jumps.
      const [, jumped] = await timed(jumpMeanwhile(remote, clock))
      tell('its clock jumps five times', '250 calls of 100 ms', 'done', jumped)

      // A NIF on one of its two schedulers, and then on both.
      for (const schedulers of [1, 2]) {
        const blockedAt = performance.now()
        me.send(culprit, tuple(atom('block'), schedulers, 1_500))
        await delay(100)
        const calls = Array.from({ length: 200 }, () =>
          remote.call('erlang', 'node', [], { timeout: 500 }),
        )
        const [counts, duration] = await timed(outcomes(calls, 500 + SOON))
        const { fulfilled = 0, ERR_TIMEOUT: late = 0 } = counts
        // Of one that is free nobody knows whether it takes over what waits for the other.
        expect(fulfilled + late).toBe(200)
        if (schedulers === 2) expect(counts).toEqual({ ERR_TIMEOUT: 200 })
        // The allocators of all schedulers have to answer.
        const snapshot = takeSnapshot(remote, { timeout: 300 })
        expect(await errorOf(snapshot)).toMatchObject({ code: 'ERR_TIMEOUT' })
        const fault = `a NIF blocks ${schedulers} of 2 schedulers for 1500 ms`
        tell(fault, `${late} of 200 calls`, 'ERR_TIMEOUT (500 ms)', duration)
        expect(await unharmed.call('erlang', 'node')).toEqual(atom(neighbour.name))
        expect(performance.now() - blockedAt).toBeLessThan(1_500 + SOON)
        // What comes late disturbs nobody.
        await takeSnapshot(remote, LONG)
        tell(fault, 'the next snapshot', 'done', performance.now() - blockedAt)
        expect(performance.now() - blockedAt).toBeGreaterThan(1_400)
        expect(remote.counters.callsPending).toBe(0)
      }

      // No port is left.
      me.send(culprit, atom('ports'))
      await eventually(async () => (await systemInfo(remote, 'port_count')) === 1024)
      const [full, refusedAfter] = await timed(errorOf(otherClient.connect(node.name)))
      expect(full).toMatchObject({
        code: 'ERR_DIST_HANDSHAKE_CLOSED',
        hint: expect.stringContaining('limit of processes or ports'),
      })
      tell('at its limit of ports', 'connect', 'ERR_DIST_HANDSHAKE_CLOSED', refusedAfter)
      const [{ missing }, takenAfter] = await timed(takeSnapshot(remote))
      expect(missing).toEqual([])
      tell('at its limit of ports', 'a snapshot', 'done', takenAfter)
      me.send(culprit, atom('stop'))
      await eventually(async () => (await systemInfo(remote, 'port_count')) !== 1024)

      // No file descriptor is left.
      const container = await Container.of(node)
      const pid = await pidOf(node)
      const limitFiles = (count: string): Promise<string> =>
        container.run(`prlimit --pid ${pid} --nofile=${count}:`)
      await limitFiles(`$(ls /proc/${pid}/fd | wc -l)`)
      const hangs = otherClient.connect(node.name, { timeout: 500 })
      const [waits, waitedFor] = await timed(errorOf(hangs))
      expect(waits).toMatchObject({ code: 'ERR_TIMEOUT' })
      tell('at its limit of file descriptors', 'connect', 'ERR_TIMEOUT (500 ms)', waitedFor)
      expect(await remote.call('erlang', 'node')).toEqual(atom(node.name))
      await limitFiles('1024')
      // What was given up before lay in the queue of the node, which takes it for who comes until it has seen its end.
      await eventually(async () => (await errorOf(otherClient.connect(node.name))) === undefined)
      await (await otherClient.connect(node.name)).close()

      // No process is left.
      me.send(culprit, atom('processes'))
      await eventually(async () => (await errorOf(remote.call('erlang', 'node'))) !== undefined)
      const noProcess = {
        code: 'ERR_REMOTE_CALL',
        node: node.name,
        reason: atom('system_limit'),
        hint: expect.stringContaining('erl +P'),
      }
      const [failed, failedAfter] = await timed(errorOf(takeSnapshot(remote)))
      expect(failed).toMatchObject(noProcess)
      tell('at its limit of processes', 'a snapshot', 'ERR_REMOTE_CALL', failedAfter)
      await expect(me.spawn(node.name, 'erlang', 'node')).rejects.toMatchObject(noProcess)
      // What needs no process of its own is answered.
      const isAuth = tuple(atom('is_auth'), atom(client.name ?? ''))
      expect(await remote.genServerCall(atom('net_kernel'), isAuth)).toEqual(atom('yes'))
      me.send(culprit, atom('stop'))
      await eventually(async () => (await errorOf(remote.call('erlang', 'node'))) === undefined)
      expect(remote.counters.callsPending).toBe(0)
      expect(remote.isConnected).toBe(true)

      // All is as it was.
      await expectState([node], before)

      // And again, when somebody connects: the node itself ends of that, as of every program that does.
      me.send(culprit, atom('processes'))
      await eventually(async () => (await errorOf(remote.call('erlang', 'node'))) !== undefined)
      const env = { BEAMSCOPE_COOKIE: cookie, ERL_EPMD_PORT: `${node.epmdPort}`, HOME: '/nowhere' }
      const [{ code, stderr }, endedAfter] = await timed(runCli(['diagnose', node.name], { env }))
      expect({ code, stderr }).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(
          /closed the connection in the handshake.*limit\s+of\s+processes/s,
        ),
      })
      tell('at its limit of processes', 'beamscope diagnose', 'exit code 4', endedAfter)
      await eventually(() => !remote.isConnected)
      await eventually(async () => (await node.logs()).includes('Kernel pid terminated'))
      expect(await unharmed.call('erlang', 'node')).toEqual(atom(neighbour.name))
    })

    it.concurrent('memory at its end is not taken by a snapshot, and ends all that waits', async () => {
      const clock = new ShiftedClock({ library: clockLibrary, folder: folder.path })
      await using node = await startErlangNode({
        release,
        folders: [folder.path],
        emulatorArguments: [
          ...['-kernel', 'net_ticktime', '2', '+C', 'multi_time_warp'],
          ...clock.emulatorArguments,
        ],
      })
      await using client = clientOf(node, 2_000)
      const remote = await client.connect(node.name)

      // A clock that jumps, and takes the time of the node along: ticks are not disturbed.
      const start = performance.now()
      await jumpMeanwhile(remote, clock)
      const { ticksReceived } = remote.counters
      await eventually(() => remote.counters.ticksReceived >= ticksReceived + 2)
      const duration = performance.now() - start
      tell('its clock jumps five times, +C multi_time_warp', '2 ticks', 'done', duration)

      // Little memory is left.
      await takeSnapshot(remote)
      await probeHolders(remote)
      const container = await Container.of(node)
      await container.limitMemory(ROOM)
      const pid = await pidOf(node)
      // From now on the peak is that of what is resident from now on, proc(5).
      await container.run(`echo 5 >/proc/${pid}/clear_refs`)
      const before = await peakOf(remote)
      const times: number[] = []
      for (let round = 0; round < 20; round++) {
        const [{ missing }, took] = await timed(takeSnapshot(remote))
        expect(missing).toEqual([])
        times.push(took)
      }
      await probeHolders(remote)
      const taken = (await peakOf(remote)) - before
      const what = `20 snapshots, one search for holders: ${taken} kB more`
      tell('memory of its container almost at its limit', what, 'done', Math.max(...times))
      expect(taken * 1024).toBeLessThan(ROOM)
      expect(remote.isConnected).toBe(true)

      // And then none.
      const waits = Array.from({ length: 200 }, () => remote.call('timer', 'sleep', [60_000], LONG))
      await remote.call('erlang', 'node')
      const eatenAt = performance.now()
      const eats = remote.call('binary', 'copy', [binary('x'), 1_000_000_000], LONG)
      expect(await outcomes([...waits, eats], 20_000)).toEqual({ ERR_NODE_CONNECTION_LOST: 201 })
      const lost = performance.now() - eatenAt
      tell('memory of its container at its limit', '201 calls', 'ERR_NODE_CONNECTION_LOST', lost)
      expect(remote.counters.callsPending).toBe(0)
      expect(client.remotes).toEqual([])
    })
  },
  { isolation: true, concurrent: true, shortfall },
)

/** Of bytes, between what a container has and what it may have. */
const ROOM = 4 * 2 ** 20

/** Where it runs. */
function pidOf(node: ErlangNode): Promise<string> {
  return node.evaluate('list_to_integer(os:getpid())')
}

/** The most memory of the emulator that was resident, in kB. */
async function peakOf(remote: RemoteNode): Promise<number> {
  const status = await remote.call('prim_file', 'read_file', [binary('/proc/self/status')])
  return Number(/VmHWM:\D*(\d+) kB/.exec(formatTerm(status, { maxLength: 10_000 }))?.[1])
}
