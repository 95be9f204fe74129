/** Containers of a Compose file, under a project name of their own. */
import { randomBytes } from 'node:crypto'
import { type Command, ProgramMissingError, runProgram } from './index.ts'

/** Docker's plugin, or the program that was there before it. */
const COMPOSE_COMMANDS: readonly Command[] = [['docker', 'compose'], ['docker-compose']]

async function findCompose(): Promise<Command | undefined> {
  for (const command of COMPOSE_COMMANDS) {
    if (await works([...command, 'version'])) return command
  }
  return undefined
}

/** Says why there can be no project on this machine. */
export async function whyNoCompose(): Promise<string | undefined> {
  if (!(await works(['docker', 'info']))) return 'no Docker engine answers; start one'
  return (await findCompose()) === undefined
    ? 'there is neither docker compose nor docker-compose; install one (Debian: docker-compose)'
    : undefined
}

async function works(command: Command): Promise<boolean> {
  try {
    return (await runProgram(command, { timeout: 30_000 })).status === 0
  } catch (error) {
    if (error instanceof ProgramMissingError) return false
    throw error
  }
}

export class ComposeProject implements AsyncDisposable {
  readonly #name = `beamscope-test-${process.pid}-${randomBytes(4).toString('hex')}`
  readonly #file: string
  readonly #environment: Readonly<Record<string, string>>
  #compose: Promise<Command | undefined> | undefined

  /** The variables of the environment that the file names. */
  constructor(file: string, environment: Readonly<Record<string, string>>) {
    this.#file = file
    this.#environment = environment
  }

  /** Runs a command of Compose; what it prints. */
  async run(...command: readonly string[]): Promise<string> {
    this.#compose ??= findCompose()
    const compose = await this.#compose
    if (compose === undefined) throw new Error('there is no Compose')
    const { status, stdout, stderr } = await runProgram(
      [...compose, '--project-name', this.#name, '--file', this.#file, ...command],
      { timeout: 120_000, environment: { ...inherited(), ...this.#environment } },
    )
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
    return stdout.trim()
  }

  async countHealthy(): Promise<number> {
    const label = `label=com.docker.compose.project=${this.#name}`
    const { stdout } = await runProgram(
      ['docker', 'ps', '--quiet', '--filter', label, '--filter', 'health=healthy'],
      { timeout: 30_000 },
    )
    return stdout.split('\n').length - 1
  }

  /** Removes its containers, networks and volumes; also where it did not come up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run('down', '--volumes')
  }
}

/** What programs inherit; `runProgram` takes all or nothing. */
export function inherited(): Record<string, string> {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.flatMap(([key, it]) => (it === undefined ? [] : [[key, it]])))
}
