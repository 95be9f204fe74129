/**
 * Who holds memory on a live node: its processes and tables, asked in batches.
 *
 * Nothing is installed, collected or evaluated there: the node runs
 * `lists:zipwith(fun erlang:process_info/2, Pids, Items)` on batches of pids in random order, so that
 * what was looked at when time runs out is a fair sample. Measured on nodes with 200,000 processes and
 * two schedulers, OTP 25 / 27:
 *
 * | how | time | processor time of the node |
 * | --- | --- | --- |
 * | `memory`, in batches of 1000, two at once | 0.5 / 1.1 s | 0.3 / 0.5 s |
 * | `binary`, the same | 1.1 / 2.1 s | 0.7 / 0.6 s |
 * | `memory`, one call each, 64 at once | 15 / 24 s | 2.5 / 3.2 s |
 * | `memory`, one comprehension that the node interprets | 0.8 / 1.7 s | 0.6 / 0.8 s |
 * | sums of `binary`, the same | 2.0 / 3.3 s | 1.2 / 1.0 s |
 *
 * No message, no dictionary (but for `$initial_call`, the name of a function), no row of a table and no
 * byte of a binary is read. What a collection would free is not told apart: to collect would change the
 * node.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#process_info/2
 */
import type { BinaryHolder, Holders, HoldingProcess, HoldingTable } from '../analysis/holders.ts'
import { add, compare, multiply, sum } from '../analysis/integer.ts'
import type { Integer, Missing } from '../analysis/snapshot.ts'
import {
  Atom,
  ExportFun,
  formatTerm,
  isAtom,
  isInteger,
  isList,
  isTuple,
  Pid,
  property,
  type Term,
  Tuple,
} from '../etf/index.ts'
import type { Waiting } from '../net/deadline.ts'
import { TimeoutError } from '../net/errors.ts'
import { RemoteError } from '../node/remote-error.ts'
import type { Callee } from './probe.ts'

/** Of each kind, how many of the largest are told. */
const TOLD = 10

/** How many are asked at once, in how many calls at a time. */
const BATCH = 1000
const LANES = 2
const TABLE_BATCH = 200
const DETAIL_LANES = 5

/** A pid answers in 15 bytes, and more than 128 MiB is no message that this side takes. */
const MAX_PROCESSES = 4_000_000

/**
 * The list of a process's binaries takes the node at most three times its heap, since a reference has at
 * least three words there and eight in the list. So a larger process is not asked, and all of a batch
 * together have no more than that either.
 */
const MAX_LISTED = 64 * 2 ** 20
const MAX_BATCH_MEMORY = 16 * 2 ** 20

/** Beyond it binaries are not told apart: their addresses take this side about 40 bytes each. */
const MAX_ADDRESSES = 1_000_000

/** Parts of the time after which the next is begun, so that each has its share. */
const MEMORY_UNTIL = 0.4
const BINARIES_UNTIL = 0.8
const DETAILS_UNTIL = 0.95

const DEFAULT_TIMEOUT = 10_000

export interface HoldersOptions {
  /** `"27"`; from there on processes tell what `proc_lib` runs for them. */
  readonly otpRelease?: string | undefined
  /** Beyond it no process is listed; default 4,000,000. */
  readonly maxProcesses?: number
  /** Bytes beyond which a process is not asked for the list of its binaries; default 64 MiB. */
  readonly maxListed?: number
}

/**
 * Looks for the holders of memory for as long as `waiting.timeout` allows (default 10 s), and returns
 * what it has found by then. Processes that end and tables that are deleted meanwhile are no failure.
 *
 * @throws {ConnectionLostError | NotConnectedError}
 */
export async function probeHolders(
  node: Callee,
  options: HoldersOptions = {},
  waiting: Waiting = {},
): Promise<Holders> {
  const search = new Search(node, options, waiting)
  const [tables] = await Promise.all([search.tables(), search.processes()])
  return { ...(await search.result()), ...tables }
}

const MEMORY = new Atom('memory')
const BINARY = new Atom('binary')
const COLLECTION = new Atom('garbage_collection_info')
const PROCESS_INFO = new ExportFun(new Atom('erlang'), new Atom('process_info'), 2)
const TABLE_INFO = new ExportFun(new Atom('ets'), new Atom('info'), 1)

/** A process whose memory is known. */
interface Weighed {
  readonly pid: Pid
  readonly memory: Integer
}

interface Referring extends Weighed, Pick<BinaryHolder, 'bytes' | 'alone' | 'isEstimate'> {
  /** Sizes by address; empty if it is an estimate. */
  readonly binaries: ReadonlyMap<Integer, Integer>
}

class Search {
  readonly #node: Callee
  readonly #options: HoldersOptions
  readonly #waiting: Waiting
  readonly #start = performance.now()
  readonly #timeout: number
  readonly #missing: Missing[] = []
  readonly #heaps = new Largest<Weighed>(({ memory }) => memory)
  readonly #holders = new Largest<Referring>(({ bytes }) => bytes)
  readonly #addresses = new Set<Integer>()
  #referredTo: Integer | undefined = 0
  #total = 0
  #weighed = 0
  #asked = 0
  #wordSize = 8

  constructor(node: Callee, options: HoldersOptions, waiting: Waiting) {
    this.#node = node
    this.#options = options
    this.#waiting = waiting
    this.#timeout = waiting.timeout ?? DEFAULT_TIMEOUT
  }

  async processes(): Promise<void> {
    const pids = await this.#listProcesses()
    const known: Weighed[] = []
    await this.#inBatches(batchesOf(shuffled(pids), BATCH), MEMORY_UNTIL, async (batch, until) => {
      const answers = await this.#ask(batch, MEMORY, until)
      if (answers === undefined) return
      this.#weighed += batch.length
      for (const [index, pid] of batch.entries()) {
        const memory = infoValue(answers[index])
        if (!isCount(memory)) continue
        const process = { pid, memory }
        this.#heaps.add(process)
        known.push(process)
      }
    })
    const most = this.#options.maxListed ?? MAX_LISTED
    const listed = known.filter(({ memory }) => memory <= most)
    const huge = known.filter(({ memory }) => memory > most)
    // Of what has ended meanwhile nothing is left to ask.
    this.#asked += this.#weighed - known.length
    // They are few, and likely to matter.
    await this.#inBatches(batchesOf(huge, BATCH), BINARIES_UNTIL, async (batch, until) => {
      const answers = await this.#ask(pidsOf(batch), COLLECTION, until)
      if (answers === undefined) return
      this.#asked += batch.length
      for (const [index, process] of batch.entries()) {
        this.#addEstimate(process, infoValue(answers[index]))
      }
    })
    await this.#inBatches(batchesByMemory(listed), BINARIES_UNTIL, async (batch, until) => {
      const answers = await this.#ask(pidsOf(batch), BINARY, until)
      if (answers === undefined) return
      this.#asked += batch.length
      for (const [index, process] of batch.entries()) {
        this.#addBinaries(process, infoValue(answers[index]))
      }
    })
  }

  async tables(): Promise<Pick<Holders, 'tables' | 'largestTables'>> {
    const largest = new Largest<Omit<HoldingTable, 'bytes'> & { readonly words: Integer }>(
      ({ words }) => words,
    )
    const [all, wordSize] = await Promise.all([
      this.#try('tables', BINARIES_UNTIL, 'ets', 'all'),
      this.#try(undefined, BINARIES_UNTIL, 'erlang', 'system_info', new Atom('wordsize')),
    ])
    if (typeof wordSize === 'number') this.#wordSize = wordSize
    const tables = isList(all) ? all : []
    if (!isList(all)) this.#lack('tables', 'the node did not list them in time')
    let lookedAt = 0
    await this.#inBatches(
      batchesOf(shuffled(tables), TABLE_BATCH),
      BINARIES_UNTIL,
      async (batch, until) => {
        const infos = await this.#askTables(batch, until)
        if (infos === undefined) return
        lookedAt += batch.length
        for (const info of infos) {
          const table = readTable(info)
          if (table !== undefined) largest.add(table)
        }
      },
      1,
    )
    return {
      tables: { total: tables.length, lookedAt },
      largestTables: largest.all.map(({ words, ...table }) => ({
        ...table,
        bytes: multiply(words, this.#wordSize),
      })),
    }
  }

  async result(): Promise<Omit<Holders, 'tables' | 'largestTables'>> {
    const heaps = this.#heaps.all
    const holders = this.#holders.all
    const told = new Map(
      [...heaps, ...holders].map(({ pid, memory }) => [text(pid), { pid, memory }]),
    )
    const described = new Map<string, HoldingProcess>()
    const describeAll = async (processes: readonly Weighed[]): Promise<void> => {
      for (const process of processes) {
        described.set(text(process.pid), await this.#describe(process))
      }
    }
    await this.#inBatches(
      batchesOf([...told.values()], 1),
      DETAILS_UNTIL,
      describeAll,
      DETAIL_LANES,
    )
    const describe = ({ pid, memory }: Weighed): HoldingProcess =>
      described.get(text(pid)) ?? unknownProcess(pid, memory)
    const together = new Map(holders.flatMap(({ binaries }) => [...binaries]))
    const estimates = holders.filter(({ isEstimate }) => isEstimate)
    return {
      processes: { total: this.#total, lookedAt: this.#weighed },
      binaryProcesses: { total: this.#total, lookedAt: this.#asked },
      largestProcesses: heaps.map(describe),
      binaryHolders: holders.map((holder) => ({
        ...describe(holder),
        bytes: holder.bytes,
        alone: holder.alone,
        binaries: holder.isEstimate ? undefined : holder.binaries.size,
        largest: holder.isEstimate ? undefined : greatest(holder.binaries.values()),
        isEstimate: holder.isEstimate,
      })),
      heldTogether: add(sum(together.values()), sum(estimates.map(({ bytes }) => bytes))),
      referredTo: this.#referredTo,
      missing: this.#missing,
    }
  }

  async #listProcesses(): Promise<readonly Pid[]> {
    const { maxProcesses = MAX_PROCESSES } = this.#options
    const count = await this.#try(
      'processes',
      MEMORY_UNTIL,
      'erlang',
      'system_info',
      new Atom('process_count'),
    )
    if (typeof count !== 'number') {
      this.#lack('processes', 'the node did not say in time how many there are')
      return []
    }
    this.#total = count
    if (count > maxProcesses) {
      const why = `there are ${count}, and more than ${maxProcesses} are not listed`
      this.#lack('processes', why)
      return []
    }
    const list = await this.#try('processes', MEMORY_UNTIL, 'erlang', 'processes')
    if (!isList(list)) return []
    const pids = list.filter((term) => term instanceof Pid)
    this.#total = pids.length
    return pids
  }

  /** `process_info(Pid, Item)` of each; `undefined` where there was no answer in time. */
  async #ask(
    pids: readonly Pid[],
    item: Term,
    until: number,
  ): Promise<readonly Term[] | undefined> {
    const items = pids.map(() => item)
    const what = 'some processes'
    const answers = await this.#try(what, until, 'lists', 'zipwith', PROCESS_INFO, pids, items)
    return isList(answers) && answers.length === pids.length ? answers : undefined
  }

  /**
   * `ets:info(Table)` of each that is still there. A reference to a table that is gone comes back to the
   * node as one to nothing, for which `ets:info/1` raises badarg from OTP 25 on: then each half is asked.
   */
  async #askTables(tables: readonly Term[], until: number): Promise<readonly Term[] | undefined> {
    const waiting = { ...this.#waiting, timeout: Math.max(1, this.#left(until)) }
    try {
      const infos = await this.#node.call('lists', 'map', [TABLE_INFO, tables], waiting)
      return isList(infos) ? infos : undefined
    } catch (error) {
      if (error instanceof TimeoutError) return undefined
      if (!(error instanceof RemoteError)) throw error
      if (!isAtom(error.reason, 'badarg')) {
        this.#lack('tables', error.message)
        return undefined
      }
    }
    if (tables.length === 1) return []
    const middle = Math.ceil(tables.length / 2)
    const first = await this.#askTables(tables.slice(0, middle), until)
    const second = await this.#askTables(tables.slice(middle), until)
    return first === undefined || second === undefined ? undefined : [...first, ...second]
  }

  #addBinaries(process: Weighed, list: Term | undefined): void {
    if (!isList(list)) return
    const binaries = new Map<Integer, Integer>()
    const references = new Map<Integer, number>()
    const counts = new Map<Integer, Integer>()
    for (const entry of list) {
      const [address, size, count] = isTuple(entry, 3) ? entry.elements : []
      if (!isInteger(address) || !isCount(size) || !isCount(count)) continue
      binaries.set(address, size)
      references.set(address, (references.get(address) ?? 0) + 1)
      counts.set(address, count)
      this.#countOnce(address, size)
    }
    if (binaries.size === 0) return
    const alone = [...binaries].filter(
      ([address]) => compare(counts.get(address) ?? 0, references.get(address) ?? 0) <= 0,
    )
    this.#holders.add({
      ...process,
      binaries,
      bytes: sum(binaries.values()),
      alone: sum(alone.map(([, size]) => size)),
      isEstimate: false,
    })
  }

  #countOnce(address: Integer, size: Integer): void {
    if (this.#referredTo === undefined || this.#addresses.has(address)) return
    if (this.#addresses.size >= MAX_ADDRESSES) {
      this.#addresses.clear()
      this.#referredTo = undefined
      return
    }
    this.#addresses.add(address)
    this.#referredTo = add(this.#referredTo, size)
  }

  /** The virtual heap of binaries, in words: what the collector decides by. */
  #addEstimate(process: Weighed, info: Term | undefined): void {
    const sizes = ['bin_vheap_size', 'bin_old_vheap_size'].map((key) => property(key, info))
    const words = sum(sizes.filter(isCount))
    if (words === 0) return
    this.#referredTo = undefined
    this.#addresses.clear()
    this.#holders.add({
      ...process,
      binaries: new Map(),
      bytes: multiply(words, this.#wordSize),
      alone: undefined,
      isEstimate: true,
    })
  }

  async #describe({ pid, memory }: Weighed): Promise<HoldingProcess> {
    const names = ['registered_name', 'initial_call', 'current_function', 'message_queue_len']
    const items: Term[] = names.map((name) => new Atom(name))
    if (Number(this.#options.otpRelease) >= 27) items.push(INITIAL_CALL)
    // It may be busy for long, and so is not asked together with others.
    const info = await this.#try(undefined, DETAILS_UNTIL, 'erlang', 'process_info', pid, items)
    const name = property('registered_name', info)
    const queue = property('message_queue_len', info)
    const started = isList(info)
      ? info.map((entry) => startedBy(entry)).find((call) => call !== undefined)
      : undefined
    return {
      pid: text(pid),
      registeredName: isAtom(name) ? name.name : undefined,
      initialCall: started ?? functionText(property('initial_call', info)),
      currentFunction: functionText(property('current_function', info)),
      messageQueueLen: isCount(queue) ? queue : undefined,
      memory,
    }
  }

  /** Lets `work` have the batches in turn, some at once, until that part of the time is over. */
  async #inBatches<Item>(
    batches: readonly (readonly Item[])[],
    until: number,
    work: (batch: readonly Item[], until: number) => Promise<void>,
    lanes: number = LANES,
  ): Promise<void> {
    let next = 0
    const lane = async (): Promise<void> => {
      while (this.#left(until) > 0) {
        const batch = batches[next++]
        if (batch === undefined) return
        await work(batch, until)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  }

  #left(until: number): number {
    return this.#start + this.#timeout * until - performance.now()
  }

  /** A call; `undefined` when the node refuses or is late, which is noted if it has a name. */
  async #try(
    what: string | undefined,
    until: number,
    module: string,
    name: string,
    ...args: readonly Term[]
  ): Promise<Term | undefined> {
    const timeout = Math.max(1, this.#left(until))
    try {
      return await this.#node.call(module, name, args, { ...this.#waiting, timeout })
    } catch (error) {
      const isLate = error instanceof TimeoutError
      if (!isLate && !(error instanceof RemoteError)) throw error
      // How many were not looked at in time is said once for all of them.
      if (what !== undefined && !isLate) this.#lack(what, error.message)
      return undefined
    }
  }

  /** Said once, whichever of the batches it is that meets with it. */
  #lack(what: string, why: string): void {
    if (!this.#missing.some((it) => it.what === what)) this.#missing.push({ what, why })
  }
}

/** `{{dictionary, '$initial_call'}, {Module, Function, Arity}}`. */
const INITIAL_CALL = new Tuple([new Atom('dictionary'), new Atom('$initial_call')])

function startedBy(entry: Term): string | undefined {
  const [key, value] = isTuple(entry, 2) ? entry.elements : []
  return isTuple(key, 2) ? functionText(value) : undefined
}

/** Keeps the largest of what it is given. */
class Largest<Item> {
  readonly #weigh: (item: Item) => Integer
  #items: Item[] = []
  constructor(weigh: (item: Item) => Integer) {
    this.#weigh = weigh
  }

  add(item: Item): void {
    const least = this.#items[TOLD - 1]
    if (least !== undefined && compare(this.#weigh(item), this.#weigh(least)) <= 0) return
    this.#items = [...this.#items, item]
      .sort((left, right) => compare(this.#weigh(right), this.#weigh(left)))
      .slice(0, TOLD)
  }

  /** The largest first. */
  get all(): readonly Item[] {
    return this.#items
  }
}

/** `[{name, _}, {type, _}, …]`; `undefined` for a table that is gone. */
function readTable(
  info: Term,
): (Omit<HoldingTable, 'bytes'> & { readonly words: Integer }) | undefined {
  const name = property('name', info)
  const owner = property('owner', info)
  const words = property('memory', info)
  const rows = property('size', info)
  if (!isAtom(name) || !(owner instanceof Pid) || !isCount(words) || !isCount(rows))
    return undefined
  return {
    name: name.name,
    type: atomName(property('type', info)),
    protection: atomName(property('protection', info)),
    owner: text(owner),
    rows,
    words,
  }
}

function atomName(term: Term | undefined): string {
  return isAtom(term) ? term.name : '?'
}

/** `{Module, Function, Arity}` as `module:function/arity`. */
function functionText(term: Term | undefined): string | undefined {
  const [module, name, arity] = isTuple(term, 3) ? term.elements : []
  return isAtom(module) && isAtom(name) && typeof arity === 'number'
    ? `${formatTerm(module)}:${formatTerm(name)}/${arity}`
    : undefined
}

/** The value in `{Item, Value}`; `undefined` for a process that is gone. */
function infoValue(answer: Term | undefined): Term | undefined {
  return isTuple(answer, 2) ? answer.elements[1] : undefined
}

/** As the node prints it. */
function text(pid: Pid): string {
  return formatTerm(pid, { node: { name: pid.node.name, creation: pid.creation } })
}

function unknownProcess(pid: Pid, memory: Integer): HoldingProcess {
  return {
    pid: text(pid),
    registeredName: undefined,
    initialCall: undefined,
    currentFunction: undefined,
    messageQueueLen: undefined,
    memory,
  }
}

function pidsOf(processes: readonly Weighed[]): readonly Pid[] {
  return processes.map(({ pid }) => pid)
}

function isCount(term: Term | undefined): term is Integer {
  return isInteger(term) && term >= 0
}

function greatest(sizes: Iterable<Integer>): Integer {
  let most: Integer = 0
  for (const size of sizes) if (compare(size, most) > 0) most = size
  return most
}

/** Every order is equally likely (Fisher and Yates). */
function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  const order = [...items]
  for (let index = order.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1))
    const [here, there] = [order[index], order[other]]
    if (here === undefined || there === undefined) continue
    order[index] = there
    order[other] = here
  }
  return order
}

function batchesOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

/** A batch ends before its processes are too many, or too large together. */
function batchesByMemory(processes: readonly Weighed[]): readonly (readonly Weighed[])[] {
  const batches: Weighed[][] = []
  let batch: Weighed[] = []
  let memory = 0
  for (const process of processes) {
    const size = Number(process.memory)
    if (batch.length === BATCH || (batch.length > 0 && memory + size > MAX_BATCH_MEMORY)) {
      batches.push(batch)
      batch = []
      memory = 0
    }
    batch.push(process)
    memory += size
  }
  return batch.length === 0 ? batches : [...batches, batch]
}
