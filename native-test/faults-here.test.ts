/**
 * Faults on our own side: the wall clock of this machine jumps, and whatever fails, fails many times over. A
 * program of its own goes through them, so that nothing else is in its memory.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ClientProgram, library } from './support/client-program.ts'
import { compileLibrary } from './support/compile-library.ts'
import { describeOnRelease } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  findFreePort,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { tellFault } from './support/outcomes.ts'
import { ShiftedClock } from './support/shifted-clock.ts'
import { expectState, settledState } from './support/sweep-cluster.ts'

const shortfall = await whyNoImage('compiler')
if (shortfall !== undefined) console.error(`jumps of our own clock skipped: ${shortfall}`)

/** Of each fault. */
const TIMES = 50

/** Whose last line is JSON. */
async function reportOf(program: ClientProgram): Promise<Readonly<Record<string, unknown>>> {
  const [code, output] = await program.end(60_000)
  if (code !== 0) throw new Error(`the program ended with ${code}: ${output}`)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '')
}

describeOnRelease(
  'any',
  'on our side',
  () => {
    let node: ErlangNode
    let hanging: ErlangNode
    let folder: TemporaryFolder
    beforeAll(async () => {
      node = await startErlangNode()
      const { cookie, epmdPort } = node
      hanging = await startErlangNode({ cookie, epmdPort })
      folder = await createTemporaryFolder()
    })
    afterAll(async () => {
      await Promise.all([node.kill(), hanging.kill()])
      await folder[Symbol.asyncDispose]()
    })

    it.concurrent('a clock that jumps changes nothing of what is waited for', async () => {
      const library = await compileLibrary('shifted_clock', folder.path)
      const clock = new ShiftedClock({ library, folder: folder.path })
      const program = new ClientProgram(node, JUMPS, { environment: clock.environment })
      const report = await reportOf(program)
      expect(report).toMatchObject({ answered: 250, late: 250, lost: 5, reconnected: 5 })
      // What a snapshot says of its time is what the clock says.
      expect(report).toMatchObject({ wrongTimes: 0, closed: 5, pending: 0 })
      const { latest, comeBack } = report
      expect(Number(latest)).toBeLessThan(5_000)
      expect(Number(comeBack)).toBeLessThan(5_000)
      const fault = 'our clock jumps five times'
      tellFault(node.release, fault, '250 calls', 'ERR_TIMEOUT (200 ms)', Number(latest))
      tellFault(node.release, fault, 'the node cuts us', 'connected anew', Number(comeBack))
    })

    it.concurrent('what fails again and again leaves nothing behind, neither here nor there', async () => {
      const before = await settledState([hanging])
      await hanging.pause()
      const program = new ClientProgram(node, FAULTS, {
        // Code that gets compiled meanwhile would take more than what is looked for.
        flags: ['--expose-gc', '--no-opt', '--no-sparkplug', '--no-flush-bytecode'],
        environment: { HANGING: hanging.name, NO_EPMD: `${await findFreePort()}` },
      })
      const { heap, duration, ...report } = await reportOf(program)
      await hanging.resume()
      // A connection that is kept takes 7 kB.
      expect(Number(heap)).toBeLessThan(TIMES * 2_500)
      expect(report).toEqual({ pending: 0, there: true, here: true })
      const what = `7 faults, ${TIMES} times each: heap ${Math.round(Number(heap) / 1000)} kB`
      tellFault(node.release, what, 'sockets, timers, calls', 'none more', Number(duration))
      await expectState([hanging], before)
    })
  },
  { shortfall },
)

/** Five times all that waits, and each time the clock jumps meanwhile; those of a tick time of 2 s too. */
const JUMPS = `
  import { writeFileSync } from 'node:fs'
  import { subscribe } from 'node:diagnostics_channel'
  const shift = (seconds) =>
    writeFileSync(process.env.SHIFTED_CLOCK, new BigInt64Array([BigInt(seconds)]), { flag: 'r+' })
  const start = { wall: Date.now(), steady: performance.now() }
  const report = { answered: 0, late: 0, latest: 0, lost: 0, reconnected: 0, comeBack: 0, wrongTimes: 0, closed: 0 }
  subscribe('beamscope:close', () => { report.closed += 1 })
  for (const seconds of [86_400, -86_400, 3_600, -3_600, 0]) {
    const began = performance.now()
    const answered = Array.from({ length: 50 }, () =>
      remote.call('timer', 'sleep', [300], { timeout: 20_000 }).then(() => { report.answered += 1 }))
    const late = Array.from({ length: 50 }, () =>
      remote.call('timer', 'sleep', [60_000], { timeout: 200 }).catch(({ code }) => {
        if (code === 'ERR_TIMEOUT') report.late += 1
        report.latest = Math.max(report.latest, performance.now() - began)
      }))
    await delay(50)
    shift(seconds)
    await Promise.all([...answered, ...late])
    const shifted = Date.now() - start.wall - (performance.now() - start.steady)
    if (Math.abs(shifted - seconds * 1000) > 60_000) throw new Error('the clock did not jump: ' + shifted)
    const { takenAt } = await takeSnapshot(remote)
    if (Math.abs(Date.parse(takenAt) - Date.now()) > 60_000) report.wrongTimes += 1
    // The pauses before a node is connected again, and the time-outs of that.
    const cutAt = performance.now()
    await remote.call('erlang', 'disconnect_node', [atom(node.name)]).catch(({ code }) => {
      if (code === 'ERR_NODE_CONNECTION_LOST') report.lost += 1
    })
    shift(-seconds)
    await remote.call('erlang', 'node').then(() => { report.reconnected += 1 })
    report.comeBack = Math.max(report.comeBack, performance.now() - cutAt)
  }
  console.log(JSON.stringify({ ...report, pending: remote.counters.callsPending }))
`

/** Each fault, many times; then everything is counted that was counted before. */
const FAULTS = `
  import { ExportFun } from '${library('etf/index.js')}'
  const { HANGING, NO_EPMD } = process.env
  const options = { cookie: new Cookie(cookie), epmdPort: Number(epmdPort), name: 'faulty@127.0.0.1' }
  const client = new HiddenNode(options)
  const nowhere = new HiddenNode({ ...options, epmdPort: Number(NO_EPMD) })
  const stranger = new HiddenNode({
    ...options, cookie: new Cookie('another'), name: 'stranger@127.0.0.1'
  })
  const fails = async (code, work) => {
    const error = await work.then(() => undefined, (it) => it)
    if (error?.code !== code) throw new Error('not ' + code + ', but ' + error)
  }
  const faults = [
    async () => {
      const cut = await client.connect(name)
      const bound = client.spawn()
      await bound.spawn(name, 'timer', 'sleep', [60_000], { link: true, monitor: true })
      const calls = Array.from({ length: 10 }, () => cut.call('timer', 'sleep', [1_000]))
      const cutting = cut.call('erlang', 'disconnect_node', [atom(client.name)])
      await Promise.all([...calls, cutting].map((it) => fails('ERR_NODE_CONNECTION_LOST', it)))
      bound.exit()
    },
    () => fails('ERR_TIMEOUT', remote.call('timer', 'sleep', [300], { timeout: 1 })),
    () => {
      const controller = new AbortController()
      const call = remote.call('timer', 'sleep', [300], { signal: controller.signal })
      controller.abort({ code: 'ENOUGH' })
      return fails('ENOUGH', call)
    },
    () => fails('ERR_EPMD_NOT_RUNNING', nowhere.connect(name)),
    () => fails('ERR_EPMD_NAME_NOT_REGISTERED', client.connect('missing@127.0.0.1')),
    () => fails('ERR_DIST_WRONG_COOKIE', stranger.connect(name)),
    () => fails('ERR_TIMEOUT', client.connect(HANGING, { timeout: 5 })),
  ]
  const again = async (times) => {
    for (let time = 0; time < times; time++) for (const fault of faults) await fault()
  }
  const info = (item) => remote.call('erlang', 'system_info', [atom(item)])
  const ofProcesses = new ExportFun(atom('erlang'), atom('process_info'), 2)
  const items = ['links', 'monitors', 'monitored_by'].map((item) => atom(item))
  const countThere = async () => {
    const pids = await remote.call('erlang', 'processes')
    const infos = await remote.call('lists', 'zipwith', [ofProcesses, pids, pids.map(() => items)])
    let relations = 0
    for (const list of infos) {
      // A process that has ended meanwhile is undefined.
      for (const { elements } of Array.isArray(list) ? list : []) relations += elements[1].length
    }
    const counts = ['process_count', 'port_count', 'atom_count'].map((item) => info(item))
    return [relations, ...(await Promise.all(counts))].join(' ')
  }
  const countHere = () => process.getActiveResourcesInfo().toSorted().join(' ')
  const heap = async () => {
    gc()
    await delay(10)
    gc()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  /** What was asked in vain ends on the node after a second. */
  const becomes = async (count, expected) => {
    for (let attempt = 0; attempt < 100; attempt++, await delay(100)) {
      if ((await count()) === expected) return true
    }
    return (await count()) + ' in place of ' + expected
  }
  const settle = async () => {
    let before
    do {
      before = await countThere()
      await delay(1_100)
    } while (before !== (await countThere()))
    return before
  }
  await again(10)
  const there = await settle()
  const here = countHere()
  const before = await heap()
  const start = performance.now()
  await again(${TIMES})
  const duration = performance.now() - start
  console.log(JSON.stringify({
    there: await becomes(countThere, there),
    here: await becomes(countHere, here),
    heap: (await heap()) - before,
    pending: remote.counters.callsPending,
    duration,
  }))
`
