/**
 * What a live node is asked, and answers as it likes: the snapshot, the look into its carriers, the search for
 * who holds memory; and all that is made of them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import type { Holders } from '../../src/analysis/holders.ts'
import {
  atom,
  DecodeError,
  EncodedTerm,
  isAtom,
  isList,
  isTuple,
  type Term,
} from '../../src/etf/index.ts'
import * as tag from '../../src/etf/tags.ts'
import { TimeoutError } from '../../src/net/errors.ts'
import { UnexpectedReplyError } from '../../src/node/errors.ts'
import { RemoteCallError, RemoteError, RemoteExceptionError } from '../../src/node/remote-error.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  AllocatorShapeError,
  MemoryShapeError,
} from '../../src/probe/allocator-terms-error.ts'
import { probeCarriers } from '../../src/probe/carriers.ts'
import { InstrumentMissingError } from '../../src/probe/carriers-error.ts'
import { probeHolders } from '../../src/probe/holders.ts'
import { type Callee, probe } from '../../src/probe/probe.ts'
import { toSnapshot } from '../../src/probe/raw-snapshot.ts'
import { takeSnapshot } from '../../src/probe/take-snapshot.ts'
import { ByteWriter } from '../byte-writer.ts'
import { checkAnalysis, checkCarriers, checkHolders } from '../check-analysis.ts'
import { checkHistory } from '../check-history.ts'
import { writeNamed, writePid, writeReference, writeTerm } from '../generate-term.ts'
import { Random } from '../random.ts'
import { checkError, messagesOf, once, type Target, type Verdict, writeMessage } from '../target.ts'
import { writeAllocators, writeMemory } from './allocators.ts'

const NODE = 'fuzz@localhost'

/** Calls after which the node does not answer any more. */
const MAX_CALLS = 300

/** What an answer is made of where the input does not hold it itself. */
const LIES: readonly number[] = [0, 0, 0, 400, 40]

const ERRORS = [
  RemoteError,
  UnexpectedReplyError,
  TimeoutError,
  InstrumentMissingError,
  AllocatorListError,
  AllocatorShapeError,
  AllocatorFieldMissingError,
  MemoryShapeError,
  DecodeError,
]

/** A node that answers each call by the next message of an input, and from the first one on again. */
class FuzzedNode implements Callee {
  readonly name = NODE
  readonly #messages: readonly Uint8Array[]
  #calls = 0

  constructor(input: Uint8Array) {
    this.#messages = [...messagesOf(input, 1)]
  }

  async call(module: string, name: string, args: readonly Term[]): Promise<Term> {
    return this.#decode(this.#answer(module, name, args))
  }

  async callEncoded(module: string, name: string, args: readonly Term[]): Promise<EncodedTerm> {
    return new EncodedTerm(this.#answer(module, name, args))
  }

  /** As `RemoteNode.call`. */
  #decode(bytes: Uint8Array): Term {
    try {
      return new EncodedTerm(bytes).decode()
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      throw new UnexpectedReplyError(NODE, 'with what cannot be read', { cause })
    }
  }

  #answer(module: string, name: string, args: readonly Term[]): Uint8Array {
    const number = this.#calls++
    const message = this.#messages[number % this.#messages.length]
    if (message === undefined || number >= MAX_CALLS) throw new TimeoutError(name, 1)
    const [how = 0, ...seed] = message
    switch (how) {
      case 0:
        throw new RemoteExceptionError(NODE, atom('badarg'), [])
      case 1:
        throw new RemoteExceptionError(NODE, atom('undef'), [])
      case 2:
        throw new RemoteCallError(NODE, atom('notsup'))
      case 3:
        throw new TimeoutError(name, 1)
      case 4:
        return message.subarray(1)
      default: {
        const random = new Random(number, how, ...seed)
        const out = new ByteWriter(random, random.pick(LIES))
        writeAnswer(out, `${module}:${name}`, args)
        return out.finish()
      }
    }
  }
}

/** What a node answers to a question, more or less. */
function writeAnswer(out: ByteWriter, what: string, args: readonly Term[]): void {
  const { random } = out
  const [first, second, third] = args
  switch (what) {
    case 'erlang:memory':
      writeMemory(out)
      return
    case 'erlang:system_info':
      writeSystemInfo(out, first)
      return
    case 'erlang:processes':
      writeList(out, random.small(60), () => writePid(out))
      return
    case 'ets:all':
      writeList(out, random.small(40), () =>
        random.oneIn(2) ? writeReference(out) : writeNamed(out, 'table'),
      )
      return
    case 'lists:map':
      writeList(out, isList(second) ? second.length : 0, () => writeProperties(out, TABLE))
      return
    case 'lists:zipwith':
      writeAnswers(out, isList(second) ? second : [], isList(third) ? third : [])
      return
    case 'erlang:process_info':
      writeProperties(out, PROCESS)
      return
    case 'prim_file:read_file':
      writeFile(out)
      return
    case 'instrument:carriers':
      writeScan(out)
      return
    default:
      writeTerm(out, 3)
  }
}

function writeSystemInfo(out: ByteWriter, item: Term | undefined): void {
  const { random } = out
  if (isTuple(item)) writeAllocators(out, false)
  else if (isAtom(item, 'otp_release'))
    writeText(out, random.pick(['23', '27', '29', '', '\u0007']))
  else if (isAtom(item, 'alloc_util_allocators')) {
    writeList(out, 3, () => writeNamed(out, random.pick(['binary_alloc', 'ets_alloc', 'x'])))
  } else writeInteger(out, random.oneIn(10) ? random.interesting() : random.pick([1, 4, 8, 50]))
}

/** Of `lists:zipwith/3`: what the node says of itself, or one thing about each of many processes. */
function writeAnswers(out: ByteWriter, left: readonly Term[], right: readonly Term[]): void {
  const { random } = out
  let index = 0
  writeList(out, left.length, () => {
    const item = right[index++]
    if (isList(item)) {
      // The arguments of one function each.
      const [argument] = item
      if (isAtom(argument)) writeSystemInfo(out, argument)
      else writeFile(out)
      return
    }
    if (random.oneIn(20)) {
      writeNamed(out, 'undefined')
      return
    }
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(2)
    if (isAtom(item)) writeNamed(out, item.name)
    else writeTerm(out, 1)
    if (isAtom(item, 'memory')) writeInteger(out, random.interesting())
    else if (isAtom(item, 'binary')) writeBinaries(out)
    else writeProperties(out, COLLECTION)
  })
}

function writeBinaries(out: ByteWriter): void {
  const { random } = out
  writeList(out, random.small(30), () => {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(3)
    writeInteger(out, random.oneIn(2) ? random.below(10) : random.uint32())
    writeInteger(out, random.interesting())
    writeInteger(out, random.below(4))
  })
}

const TABLE = ['id', 'name', 'size', 'memory', 'type', 'owner', 'protection']
const COLLECTION = ['old_heap_block_size', 'bin_vheap_size', 'bin_old_vheap_size', 'heap_size']
const PROCESS = [
  'registered_name',
  'initial_call',
  'current_function',
  'message_queue_len',
  'memory',
  'dictionary',
  'total_heap_size',
]

function writeProperties(out: ByteWriter, names: readonly string[]): void {
  const { random } = out
  writeList(out, names.length, (index) => {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(out.count(2))
    writeNamed(out, names[index] ?? '')
    if (random.oneIn(3)) writeTerm(out, 2)
    else writeInteger(out, random.interesting())
  })
}

const FILES = [
  'VmRSS:\t   51234 kB\nVmSwap:\t       0 kB\n',
  'Rss:              51234 kB\nPss:                  3 kB\nSwap: 1 kB\n',
  'VmRSS: -1 kB',
  'Rss: 99999999999999999999 kB',
]

function writeFile(out: ByteWriter): void {
  out.uint8(tag.SMALL_TUPLE)
  out.uint8(2)
  writeNamed(out, out.random.oneIn(8) ? 'error' : 'ok')
  const bytes = Buffer.from(out.random.pick(FILES))
  out.uint8(tag.BINARY)
  out.uint32(out.count(bytes.length))
  out.bytes(bytes)
}

/** `{ok, {HistogramStart, [{Allocator, InPool, Size, Unscanned, Blocks, FreeBlocks}]}}`. */
function writeScan(out: ByteWriter): void {
  const { random } = out
  out.uint8(tag.SMALL_TUPLE)
  out.uint8(2)
  writeNamed(out, 'ok')
  out.uint8(tag.SMALL_TUPLE)
  out.uint8(2)
  writeInteger(out, 512)
  writeList(out, random.small(6), () => {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(6)
    writeNamed(out, random.pick(['binary_alloc', 'eheap_alloc', '\u001b[31m']))
    writeNamed(out, random.oneIn(4) ? 'true' : 'false')
    writeInteger(out, random.interesting())
    writeInteger(out, random.small(5))
    writeList(out, random.small(4), () => {
      out.uint8(tag.SMALL_TUPLE)
      out.uint8(3)
      writeNamed(out, random.pick(['binary', 'process', '']))
      writeInteger(out, random.small(100))
      writeInteger(out, random.interesting())
    })
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(14)
    for (let left = 14; left > 0; left--) writeInteger(out, random.small(300))
  })
}

function writeList(out: ByteWriter, length: number, write: (index: number) => void): void {
  if (length > 0) {
    out.uint8(tag.LIST)
    out.uint32(out.count(length))
    for (let index = 0; index < length; index++) {
      if (out.lies > 0 && out.random.oneIn(out.lies * 2)) writeTerm(out, 2)
      else write(index)
    }
  }
  out.uint8(tag.NIL)
}

/** As nodes have it, which is never negative. */
function writeInteger(out: ByteWriter, value: number): void {
  if (value < 256) {
    out.uint8(tag.SMALL_INTEGER)
    out.uint8(value)
    return
  }
  out.uint8(tag.SMALL_BIG)
  out.uint8(8)
  out.uint8(0)
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value)
  if (out.random.oneIn(10)) bytes.writeUInt32LE(value, 4)
  out.bytes(bytes)
}

function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text)
  out.uint8(tag.STRING)
  out.uint16(bytes.length)
  out.bytes(bytes)
}

/** The first byte tells what is asked for. */
export const probeTarget: Target = {
  name: 'probe',
  title: 'answers to all that a live node is asked, and what is made of them',
  seeds: once(() =>
    [0, 1, 2, 3, 4].map((what) =>
      Buffer.concat([
        Buffer.of(what),
        ...Array.from({ length: 4 }, (_, index) => Buffer.of(0, 2, 9, index)),
      ]),
    ),
  ),
  generate(out) {
    const { random } = out
    out.uint8(random.below(QUESTIONS))
    for (let left = 1 + random.small(8); left > 0; left--) {
      writeMessage(out, () => {
        const how = random.below(30)
        out.uint8(how)
        if (how === 4) writeTerm(out, 3)
        else out.noise(2)
      })
    }
  },
  // An input of a few bytes stands for a whole snapshot, of which all there is is computed.
  allowance: { time: 300, memory: 32 * 1024 * 1024 },
  async run(input): Promise<Verdict> {
    const { random } = Math
    const chance = new Random(input.length)
    // Processes are asked in an order that is left to chance, and must be the same each time.
    Math.random = () => chance.uint32() / 2 ** 32
    try {
      await ask(new FuzzedNode(input), input[0] ?? 0)
      return 'accepted'
    } catch (error) {
      checkError(ERRORS, error)
      return 'refused'
    } finally {
      Math.random = random
    }
  },
}

/** How many {@link ask} knows. */
const QUESTIONS = 5

async function ask(node: Callee, what: number): Promise<void> {
  switch (what % QUESTIONS) {
    case 0:
      checkAnalysis(await takeSnapshot(node))
      return
    case 1: {
      const snapshot = toSnapshot(await probe(node))
      const holders: Holders = await probeHolders(node)
      checkAnalysis(snapshot, holders)
      return
    }
    case 2:
      checkCarriers(await probeCarriers(node))
      return
    case 3:
      checkHolders(await probeHolders(node))
      return
    default:
      await checkHistory([
        await takeSnapshot(node),
        await takeSnapshot(node),
        await takeSnapshot(node),
      ])
  }
}
