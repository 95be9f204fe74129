/**
 * A file for one writer, as long as it lives.
 *
 * Beside the file stands `FILE.lock`, with who writes to it. It stays when the writer is killed, and then means
 * nothing: whoever comes next sees that the process is gone, also if its number was given to another one since,
 * and takes the lock over. Whether a process of another machine or container lives cannot be seen; its lock is
 * taken over as well, and the one that had it notices before it writes again.
 */
import { randomBytes } from 'node:crypto'
import { readFile, readlink, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { FileExistsError, FileWriteError, writeFileAtomically } from './atomic-file.ts'
import { codeOf } from './file-reason.ts'

/** Who has a lock. */
interface Holder {
  readonly pid: number
  /** When the process started, in ticks since the boot; empty where that cannot be seen. */
  readonly started: string
  /** Where its number means something: another boot, machine or container has other processes. */
  readonly place: string
  readonly nonce: string
}

/** No process outlives a loss of power; what is left of its lock means nothing then. */
const UNSYNCED = { sync: false }

/** The name of the lock is not what anybody asked for. */
const LOCK_HINT =
  'it stands beside the recording while somebody writes to that: the folder has to be there, writable and with room'

export class FileLock {
  readonly #path: string
  readonly #text: string

  private constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  /**
   * Takes the lock, or says which process has it.
   *
   * @throws {FileWriteError} when there can be no file beside the other one
   */
  static async take(file: string): Promise<FileLock | { readonly pid: number }> {
    const path = `${file}.lock`
    const text = format(await describeProcess(process.pid, randomBytes(8).toString('hex')))
    try {
      await writeFileAtomically(path, text, UNSYNCED)
    } catch (error) {
      if (error instanceof FileWriteError) throw new FileWriteError(path, error.cause, LOCK_HINT)
      if (!(error instanceof FileExistsError)) throw error
      const holder = parse(await contentOf(path))
      if (holder !== undefined && (await isAlive(holder))) return { pid: holder.pid }
      await writeFileAtomically(path, text, { ...UNSYNCED, overwrite: true })
    }
    return new FileLock(path, Buffer.from(text).toString())
  }

  /** Whether somebody else took it over. If the file was only removed, nobody did. */
  async isLost(): Promise<boolean> {
    const text = await contentOf(this.#path)
    return text !== '' && text !== this.#text
  }

  /** Twice is harmless. */
  async release(): Promise<void> {
    if (!(await this.isLost())) await rm(this.#path, { force: true }).catch(() => {})
  }
}

async function describeProcess(pid: number, nonce: string): Promise<Holder> {
  return { pid, started: await startOf(pid), place: await describePlace(), nonce }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.place !== (await describePlace())) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    // A process of another user cannot be sent a signal, but is there.
    if (codeOf(error) !== 'EPERM') return false
  }
  const started = await startOf(holder.pid)
  return started === holder.started || started === ''
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html field 22 */
async function startOf(pid: number): Promise<string> {
  const stat = await contentOf(`/proc/${pid}/stat`)
  // The name of the program, in brackets, may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

async function describePlace(): Promise<string> {
  const boot = (await contentOf('/proc/sys/kernel/random/boot_id')).trim()
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return `${encodeURIComponent(hostname())}/${boot}/${namespace}`
}

async function contentOf(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '')
}

function format({ pid, started, place, nonce }: Holder): Uint8Array {
  return new TextEncoder().encode(`${pid} ${started} ${place} ${nonce}\n`)
}

function parse(text: string): Holder | undefined {
  const [pid, started, place, nonce] = text.trimEnd().split(' ')
  const isNumber = pid !== undefined && /^[1-9]\d{0,9}$/.test(pid)
  if (!isNumber || started === undefined || place === undefined || nonce === undefined)
    return undefined
  return { pid: Number(pid), started, place, nonce }
}
