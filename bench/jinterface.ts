/**
 * JInterface, Erlang/OTP's own client for Java, as a contestant: a Java program that is compiled here.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Contestant, Figures } from './interleave.ts'
import { root } from './product.ts'
import { MissingHereError } from './row.ts'

/** Where Debian's package has it. */
const JAR = '/usr/share/java/OtpErlang.jar'

const INSTALL = 'apt-get install --no-install-recommends erlang-jinterface default-jdk-headless'

const COMPILE_TIMEOUT = 60_000
const ANSWER_TIMEOUT = 30_000

export interface JInterfaceOptions {
  readonly node: string
  readonly cookie: string
  readonly epmdPort: number
  /** Where the compiled class goes. */
  readonly folder: string
  /** Milliseconds of a round. */
  readonly duration: number
  readonly signal: AbortSignal
}

/** @throws {MissingHereError} when there is no Java, or no JInterface */
export async function startJInterface(
  options: JInterfaceOptions,
): Promise<Contestant & AsyncDisposable> {
  const { node, cookie, epmdPort, folder, duration, signal } = options
  const jar = process.env.BENCH_JINTERFACE_JAR ?? JAR
  const version = await versionOf(jar)
  const source = fileURLToPath(new URL('bench/jinterface/Calls.java', root))
  try {
    await promisify(execFile)('javac', ['-cp', jar, '-d', folder, source], {
      timeout: COMPILE_TIMEOUT,
      signal,
    })
  } catch (cause) {
    signal.throwIfAborted()
    throw new MissingHereError(`javac does not compile here; ${INSTALL}`, { cause })
  }
  const name = `bench-java-${process.pid}@127.0.0.1`
  const child = spawn('java', ['-cp', `${jar}:${folder}`, 'Calls', name, node], {
    env: { ...process.env, BENCH_COOKIE: cookie, ERL_EPMD_PORT: `${epmdPort}` },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)
  const kill = (): Promise<void> => end(child)
  try {
    await nextLine(lines, child, signal)
  } catch (error) {
    await kill()
    throw error
  }
  return {
    name: `JInterface ${version}`,
    measure: async (): Promise<Figures> => {
      const answer = nextLine(lines, child, signal)
      child.stdin.write(`${Math.ceil(duration)}\n`)
      const [nanoseconds, count] = (await answer).split(' ').map(Number)
      if (nanoseconds === undefined || count === undefined) throw new Error('no figures')
      return { time: nanoseconds / count, count }
    },
    [Symbol.asyncDispose]: kill,
  }
}

/** The jar is a link to the folder of the application. */
async function versionOf(jar: string): Promise<string> {
  try {
    return /jinterface-([\d.]+)/.exec(await realpath(jar))?.[1] ?? ''
  } catch (cause) {
    throw new MissingHereError(`${jar} is not there; ${INSTALL}`, { cause })
  }
}

function nextLine(lines: Interface, child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      clearTimeout(timer)
      lines.off('line', line)
      lines.off('close', ended)
      signal.removeEventListener('abort', aborted)
      settle()
    }
    const line = (text: string): void => done(() => resolve(text))
    const ended = (): void => {
      done(() => reject(new Error(`the Java program ended, with ${child.exitCode}`)))
    }
    const aborted = (): void => done(() => reject(signal.reason))
    const timer = setTimeout(() => {
      done(() => reject(new Error(`no answer of the Java program in ${ANSWER_TIMEOUT} ms`)))
    }, ANSWER_TIMEOUT)
    lines.on('line', line)
    lines.on('close', ended)
    signal.addEventListener('abort', aborted)
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
