/** The container in which a node runs, for what only the engine can do to it. */
import { runProgram } from '../../src/testing/program.ts'
import type { ErlangNode } from './index.ts'

const TIMEOUT = 30_000

export class Container {
  readonly #id: string

  private constructor(id: string) {
    this.#id = id
  }

  /** The one whose command has the name of the node, before the `@`. */
  static async of(node: ErlangNode): Promise<Container> {
    const [alive = ''] = node.name.split('@')
    const ids = (await docker('ps', '--quiet')).split('\n').filter((id) => id !== '')
    for (const id of ids) {
      // One that has ended meanwhile is none of a node that runs.
      const args = await docker('inspect', '--format', '{{json .Args}}', id).catch(() => '')
      if (args.includes(`"${alive}"`)) return new Container(id)
    }
    throw new Error(`no container runs ${node.name}`)
  }

  /** Runs a program of the shell beside the node; what it prints. */
  run(script: string): Promise<string> {
    return docker('exec', this.#id, 'sh', '-c', script)
  }

  /** Gives it `room` bytes more than it takes now, and no more. */
  async limitMemory(room: number): Promise<void> {
    const limit = Number(await this.run(READ_USAGE)) + room
    await docker('update', `--memory=${limit}`, `--memory-swap=${limit}`, this.#id)
  }
}

/** Of control groups of version 2, or 1. */
const READ_USAGE = `
  cd /sys/fs/cgroup
  cat memory.current 2>/dev/null || cat memory/memory.usage_in_bytes
`

async function docker(...argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runProgram(['docker', ...argv], { timeout: TIMEOUT })
  if (status !== 0) throw new Error(`docker ${argv[0]}: ${stderr}`)
  return stdout
}
