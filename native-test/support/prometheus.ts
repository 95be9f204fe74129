/** A real Prometheus, with the configuration, the rules and the alerts of docker/monitoring. */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTemporaryFolder, findFreePort, runProgram, type TemporaryFolder } from './index.ts'
import { RunningProgram } from './running-program.ts'

export const monitoringFolder: string = fileURLToPath(
  new URL('../../docker/monitoring', import.meta.url),
)

const RULES = ['rules.yml', 'alerts.yml']

/** One series of an answer. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** As Prometheus writes it: the shortest text that is this double. */
  readonly value: string
}

export interface PrometheusOptions {
  /** What is scraped: `HOST:PORT`. */
  readonly target: string
  /** What is sent with a scrape. */
  readonly tokenFile: string
}

/** What the query API answers. */
type Answer =
  | { readonly status: 'error'; readonly error: string }
  | {
      readonly status: 'success'
      readonly data: {
        readonly result: readonly {
          readonly metric: Readonly<Record<string, string>>
          readonly value: readonly [number, string]
        }[]
      }
    }

/** Says why there is none on this machine. */
export async function whyNoPrometheus(): Promise<string | undefined> {
  for (const program of ['prometheus', 'promtool']) {
    const found = await runProgram([program, '--version'], { timeout: 30_000 }).catch(() => null)
    if (found?.status !== 0) return `there is no ${program}; install one (Debian: prometheus)`
  }
  return undefined
}

/** Asks the query API of the Prometheus at `url`. */
export async function query(url: string, expression: string): Promise<readonly Series[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: expression }),
    signal: AbortSignal.timeout(30_000),
  })
  const answer: Answer = JSON.parse(await response.text())
  if (answer.status === 'error') throw new Error(`${expression}: ${answer.error}`)
  return answer.data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value }))
}

export class Prometheus implements AsyncDisposable {
  readonly url: string
  readonly #folder: TemporaryFolder
  readonly #program: RunningProgram

  private constructor(url: string, folder: TemporaryFolder, program: RunningProgram) {
    this.url = url
    this.#folder = folder
    this.#program = program
  }

  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const folder = await createTemporaryFolder()
    const { path } = folder
    const config = join(path, 'prometheus.yml')
    const shipped = await readFile(join(monitoringFolder, 'prometheus.yml'), 'utf8')
    await writeFile(config, adapted(shipped, options))
    for (const file of RULES) await copyFile(join(monitoringFolder, file), join(path, file))
    const address = `127.0.0.1:${await findFreePort()}`
    try {
      const program = await RunningProgram.start(
        [
          'prometheus',
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(path, 'data')}`,
          `--web.listen-address=${address}`,
        ],
        { environment: { HOME: path }, ready: /Server is ready to receive web requests/ },
      )
      return new Prometheus(`http://${address}`, folder, program)
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
  }

  query(expression: string): Promise<readonly Series[]> {
    return query(this.url, expression)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]()
    await this.#folder[Symbol.asyncDispose]()
  }
}

/** The shipped text for another target, and for a test that does not wait. */
function adapted(shipped: string, { target, tokenFile }: PrometheusOptions): string {
  return [
    ['beamscope:9369', target],
    ['/run/secrets/token', tokenFile],
    ['scrape_interval: 15s', 'scrape_interval: 2s'],
    ['evaluation_interval: 15s', 'evaluation_interval: 2s'],
    ['scrape_timeout: 10s', 'scrape_timeout: 2s'],
  ].reduce((text, [from = '', to = '']) => {
    if (!text.includes(from)) throw new Error(`prometheus.yml has no ${from}`)
    return text.replace(from, to)
  }, shipped)
}
