/** A program of its own that is connected to a node by the built library. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ErlangNode } from './index.ts'
import { eventually } from './outcomes.ts'

/** What to import a built module by. */
export function library(file: string): string {
  return new URL(`../../lib/${file}`, import.meta.url).href
}

interface ProgramOptions {
  /** Of Node.js. */
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** A program that has nothing but the name of a node, its cookie, and where EPMD is. */
export class ClientProgram {
  readonly #child: ChildProcess
  #output = ''

  /** `remote` is connected, and is to be connected again. */
  constructor(
    node: ErlangNode,
    code: string,
    { flags = [], environment = {} }: ProgramOptions = {},
  ) {
    const script = `
      import { setTimeout as delay } from 'node:timers/promises'
      import { Cookie, HiddenNode } from '${library('client.js')}'
      import { atom } from '${library('etf/index.js')}'
      import { takeSnapshot } from '${library('probe/take-snapshot.js')}'
      const [, name, cookie, epmdPort] = process.argv
      const node = new HiddenNode({ cookie: new Cookie(cookie), epmdPort: Number(epmdPort) })
      const remote = await node.connect(name, { reconnect: true })
      ${code}
    `
    const argv = [...flags, '--input-type=module', '--eval', script, node.name, node.cookie]
    this.#child = spawn(process.execPath, [...argv, `${node.epmdPort}`], {
      env: { ...process.env, ...environment },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk
      })
    }
  }

  /** Waits until it has printed this. */
  async printed(text: string): Promise<void> {
    await eventually(() => this.#output.includes(text))
  }

  /** Its exit code, and what it has printed. */
  async end(timeout: number): Promise<[code: number | null, output: string]> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeout)
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    clearTimeout(timer)
    return [this.#child.exitCode, this.#output]
  }
}
