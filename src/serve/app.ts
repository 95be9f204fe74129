/**
 * The routes of the server, and what stands before all of them.
 */
import { type Context, Hono } from 'hono'
import { accepts } from 'hono/accepts'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { toJson } from '../analysis/json.ts'
import { summarizeNode } from '../analysis/node-summary.ts'
import { UNITS } from '../analysis/unit.ts'
import { COMMAND_JSON } from '../present/command-json.ts'
import { framed, jsonError, jsonText } from '../present/json.ts'
import { metricFamilies } from '../present/metrics.ts'
import {
  BodySizeError,
  MethodError,
  NoSampleError,
  RequestError,
  TooManyError,
  UnauthorizedError,
  UnknownNodeError,
  UnknownRouteError,
  UnknownUnitError,
} from './errors.ts'
import { Guard, type ServeEnv } from './guard.ts'
import { LOGIN_POLICY, loginHtml } from './login-page.ts'
import { type MetricsFormat, type MetricsText, metricsText } from './metrics-text.ts'
import type { Observation, Observations, ObservedNode } from './observations.ts'
import type { Page } from './page.ts'
import type { Token } from './token.ts'
import type { Viewers } from './viewers.ts'

export interface AppOptions {
  readonly observations: Observations
  readonly page: Page
  readonly viewers: Viewers
  /** Without one everybody on this machine is let in, and nobody else. */
  readonly token: Token | undefined
  /** Of beamscope. */
  readonly version: string
  /** Whether metrics tell the instances of allocators apart. */
  readonly instances: boolean
  /** Milliseconds after which an answer is too old to call the server ready; `undefined` for a recording. */
  readonly maxAge: number | undefined
}

type RouteContext = Context<ServeEnv>

/** A token in a form, and no more. */
const MAX_BODY = 4_096

const FORM = 'application/x-www-form-urlencoded'

const OPENMETRICS = 'application/openmetrics-text'

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Nothing in it is to be run or shown by a browser. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** The page has the rest in itself; frames are asked for in the header alone. */
const PAGE_POLICY = "frame-ancestors 'none'"

export function createApp(options: AppOptions): Hono<ServeEnv> {
  const { observations, page, viewers } = options
  const guard = new Guard(options.token)
  const app = new Hono<ServeEnv>()

  app.use(
    secureHeaders({
      // Whoever puts TLS in front decides on that for his name.
      strictTransportSecurity: false,
      // With `no-referrer` a browser would not say from which page a form is sent.
      referrerPolicy: 'same-origin',
      xFrameOptions: 'DENY',
    }),
    async (c, next) => {
      await next()
      c.header('Cache-Control', 'no-store')
      if (!c.res.headers.has('Content-Security-Policy')) {
        c.header('Content-Security-Policy', DATA_POLICY)
      }
    },
  )
  // Whoever looks after processes asks without a token; nothing but that is told.
  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', (c) => (isReady(options) ? c.text('ready\n') : c.text('no answer yet\n', 503)))

  app.use(guard.checkSite)
  app.get('/login', (c) => htmlAnswer(c, loginHtml(), LOGIN_POLICY))
  app.post(
    '/login',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: () => {
        throw new BodySizeError(MAX_BODY)
      },
    }),
    async (c) => {
      // A form in parts, which the page does not send, may be none at all.
      const isForm = c.req.header('Content-Type')?.startsWith(FORM) === true
      const { token } = isForm ? await c.req.parseBody() : {}
      try {
        guard.logIn(c, typeof token === 'string' ? token.trim() : '')
      } catch (error) {
        if (!(error instanceof UnauthorizedError || error instanceof TooManyError)) throw error
        return htmlAnswer(c, loginHtml(error.message), LOGIN_POLICY, error)
      }
      return c.redirect('./', 303)
    },
  )
  app.get('/', (c) => {
    if (!guard.isKnown(c)) {
      return htmlAnswer(c, loginHtml(), LOGIN_POLICY, new UnauthorizedError())
    }
    return htmlAnswer(c, page.html(chosen(c, observations)), PAGE_POLICY)
  })

  app.use(guard.checkAccess)
  app.get('/events', (c) => {
    const node = chosen(c, observations)
    const headers = {
      'Content-Type': 'text/event-stream',
      // nginx would wait for more.
      'X-Accel-Buffering': 'no',
    }
    if (c.req.method === 'HEAD') return c.body(null, 200, headers)
    return c.body(
      viewers.open(node, () => c.env.outgoing.destroy()),
      200,
      headers,
    )
  })
  app.get('/metrics', metricsRoute(options))
  addApi(app, observations)
  app.all('*', (c) => {
    throw READING.has(c.req.method) ? new UnknownRouteError() : new MethodError()
  })
  app.onError((error, c) => errorAnswer(c, error))
  return app
}

function addApi(app: Hono<ServeEnv>, observations: Observations): void {
  app.get('/api/nodes', (c) => {
    const takenAt = new Date().toISOString()
    const nodes = observations.nodes.map(nodeObject)
    return jsonAnswer(c, jsonText('nodes', { takenAt, unit: 'byte' }, nodes))
  })
  app.get('/api/nodes/:node/history', (c) => {
    const { moments, snapshot } = answered(named(c, observations))
    const data = { moments: toJson(moments) }
    return jsonAnswer(c, jsonText('history', { ...snapshot, unit: 'byte' }, data))
  })
  app.get('/api/nodes/:node/diagnose', (c) => {
    const { snapshot, diagnosis } = answered(named(c, observations))
    unitOf(c)
    return jsonAnswer(c, jsonText('diagnose', { ...snapshot, unit: 'byte' }, toJson(diagnosis)))
  })
  app.get('/api/nodes/:node/:command', (c) => {
    const command = c.req.param('command')
    const commandJson = COMMAND_JSON.get(command)
    if (commandJson === undefined) throw new UnknownRouteError()
    const { snapshot } = answered(named(c, observations))
    const unit = unitOf(c)
    return jsonAnswer(c, jsonText(command, { ...snapshot, unit }, commandJson(snapshot, unit)))
  })
}

/** One of the list: what `sweep --json` says of a node, and why there is nothing newer. */
function nodeObject({ isUp, last, node, silence }: ObservedNode) {
  return {
    node,
    up: isUp,
    summary: last === undefined ? null : summaryObject(node, last),
    failure:
      silence === undefined
        ? null
        : { taken_at: new Date(silence.time).toISOString(), ...jsonError(silence.error) },
  }
}

function summaryObject(name: string, { diagnosis, snapshot }: Observation) {
  const { node, takenAt, otpRelease, ...data } = summarizeNode(name, snapshot, diagnosis)
  return framed('sweep-node', { node, takenAt, otpRelease, unit: 'byte' }, toJson(data))
}

/** As text: made once for each state of affairs, however many ask for it. */
function metricsRoute({ observations, instances, version }: AppOptions) {
  const texts = new Map<MetricsFormat, Promise<MetricsText>>()
  observations.listen(() => texts.clear())
  return async (c: RouteContext): Promise<Response> => {
    const type = accepts(c, {
      header: 'Accept',
      supports: [OPENMETRICS, 'text/plain'],
      default: 'text/plain',
    })
    const format = type === OPENMETRICS ? 'openmetrics' : 'prometheus'
    const made =
      texts.get(format) ??
      metricsText(metricFamilies(observations.nodes, { instances, version }), format)
    texts.set(format, made)
    const { contentType, text } = await made
    return c.body(text, 200, { 'Content-Type': contentType, Vary: 'Accept' })
  }
}

function isReady({ maxAge, observations }: AppOptions): boolean {
  const now = Date.now()
  return observations.nodes.some(
    ({ last }) => last !== undefined && (maxAge === undefined || now - last.time <= maxAge),
  )
}

/** The node of the path. */
function named(c: RouteContext, observations: Observations): ObservedNode {
  const node = observations.find(c.req.param('node') ?? '')
  if (node === undefined) throw new UnknownNodeError()
  return node
}

/** The node of the query; without one the first. */
function chosen(c: RouteContext, observations: Observations): ObservedNode {
  const name = c.req.query('node')
  const node = name === undefined ? observations.nodes[0] : observations.find(name)
  if (node === undefined) throw new UnknownNodeError()
  return node
}

/** Its last answer, however old: `taken_at` says how old it is. */
function answered({ last, node, silence }: ObservedNode): Observation {
  if (last === undefined) throw new NoSampleError(node, silence?.error)
  return last
}

function unitOf(c: RouteContext) {
  const text = c.req.query('unit') ?? 'byte'
  const unit = UNITS.find((it) => it === text)
  if (unit === undefined) throw new UnknownUnitError(UNITS)
  return unit
}

function jsonAnswer(c: RouteContext, text: string): Response {
  return c.body(text, 200, { 'Content-Type': 'application/json; charset=utf-8' })
}

function htmlAnswer(c: RouteContext, text: string, policy: string, error?: RequestError): Response {
  c.header('Content-Security-Policy', policy)
  if (error instanceof TooManyError) c.header('Retry-After', `${error.retryAfter}`)
  return c.html(text, error?.status ?? 200)
}

/** What is none of ours is a fault of ours, of which nothing is told. */
function errorAnswer(c: RouteContext, error: Error): Response {
  const isRefusal = error instanceof RequestError
  const told = isRefusal
    ? jsonError(error)
    : { code: null, message: 'a fault of beamscope itself', hint: null }
  if (error instanceof TooManyError) c.header('Retry-After', `${error.retryAfter}`)
  if (error instanceof UnauthorizedError) c.header('WWW-Authenticate', 'Bearer')
  if (error instanceof MethodError) c.header('Allow', 'GET, HEAD')
  c.header('Content-Type', 'application/json; charset=utf-8')
  return c.body(jsonText('error', {}, told), isRefusal ? error.status : 500)
}
