/**
 * A server of samples that a test makes, over a real socket.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Snapshot } from '../../src/analysis/snapshot.ts'
import { readSnapshotFile } from '../../src/history/snapshot-file.ts'
import { binarySpikeFile } from '../../src/replay/start-replay-node.ts'
import { createApp } from '../../src/serve/app.ts'
import { Observations } from '../../src/serve/observations.ts'
import { Page } from '../../src/serve/page.ts'
import { startServer } from '../../src/serve/server.ts'
import { Token } from '../../src/serve/token.ts'
import { Viewers } from '../../src/serve/viewers.ts'

export const NODE = 'shop@127.0.0.1'
export const OTHER = 'web@127.0.0.1'
export const TOKEN = 'CanaryOfAToken5530194'
export const VERSION = '9.8.7'

const { snapshot: recorded } = await readSnapshotFile(binarySpikeFile)

export const snapshot: Snapshot = recorded

export interface ServedOptions {
  readonly names?: readonly string[]
  readonly token?: string
  readonly instances?: boolean
  readonly maxAge?: number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Requested {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Served extends AsyncDisposable {
  readonly port: number
  readonly observations: Observations
  readonly viewers: Viewers
  /** The node answers: with the recording, unless the test has something else. */
  answer(node?: string, snapshot?: Snapshot): void
  /** The node does not. */
  fail(error: unknown, node?: string): void
  request(path: string, requested?: Requested): Promise<Answer>
}

export async function startServed(options: ServedOptions = {}): Promise<Served> {
  const { names = [NODE], token, instances = false, maxAge = 60_000 } = options
  const observations = new Observations(names)
  const page = new Page(observations, {
    assets: { css: 'main {}', script: 'void 0' },
    version: VERSION,
    next: (command, node) => `beamscope ${command} ${node}`,
  })
  const viewers = new Viewers(observations, page)
  const app = createApp({
    observations,
    page,
    viewers,
    token: token === undefined ? undefined : new Token(token),
    version: VERSION,
    instances,
    maxAge,
  })
  const server = await startServer(app, { host: '127.0.0.1', port: 0 })
  const { port } = server.address
  return {
    port,
    observations,
    viewers,
    answer: (node = NODE, it = snapshot) => {
      observations.take({ type: 'sample', node, time: Date.now(), snapshot: it })
    },
    fail: (error, node = NODE) => {
      observations.take({ type: 'failure', node, time: Date.now(), error })
    },
    request: (path, requested) => request(port, path, requested),
    async [Symbol.asyncDispose]() {
      viewers.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** As `fetch`, which does not let a test say for whom a request is. */
export function request(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Requested = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false }
    const sent = httpRequest(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { headers, statusCode = 0 } = response
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
