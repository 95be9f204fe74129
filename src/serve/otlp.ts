/**
 * Metrics sent to an OpenTelemetry collector, by the SDK that the user has installed.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { BatchObservableResult, Observable } from '@opentelemetry/api'
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { familyOf, METRIC_NAMES, type MetricFamily, metricFamilies } from '../present/metrics.ts'
import { OtlpMissingError } from './errors.ts'
import type { Observations } from './observations.ts'

export interface OtlpOptions {
  /** Where to, with the path; `undefined` for what the variables of the SDK say, `OTEL_EXPORTER_OTLP_ENDPOINT` and so on. */
  readonly url: string | undefined
  /** Milliseconds. */
  readonly interval: number
  /** Of beamscope. */
  readonly version: string
  readonly instances: boolean
  /** Is told when sending begins to fail, and with `undefined` when it works again. */
  told(error: Error | undefined): void
}

/** Milliseconds for the last figures, when the server ends. */
const CLOSE_TIMEOUT = 1_000

/** Milliseconds for what is sent once. */
const EXPORT_TIMEOUT = 10_000

/** The SDK would leave out what is beyond 2000: so many series has no node by any name. */
const MAX_SERIES = 1_000_000

/**
 * Sends all metrics once per interval.
 *
 * @throws {OtlpMissingError} when the packages are not there
 */
export async function startOtlp(
  observations: Observations,
  options: OtlpOptions,
): Promise<AsyncDisposable> {
  const { instances, interval, told, url, version } = options
  const { exporting, metrics, resources } = await loadSdk()
  const { AggregationTemporality, InstrumentType, MeterProvider, PeriodicExportingMetricReader } =
    metrics
  const timeoutMillis = Math.min(interval, EXPORT_TIMEOUT)
  const exporter = new exporting.OTLPMetricExporter({
    timeoutMillis,
    ...(url !== undefined && { url }),
  })
  const reporting: PushMetricExporter = {
    export: (all, done) =>
      exporter.export(all, (result) => {
        // 0 is success; the enumeration is in a package that nobody has to install.
        told(result.code === 0 ? undefined : (result.error ?? new Error('the collector refuses')))
        done(result)
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    // What is merged with what was sent before would stay for ever, also of a node that is gone.
    selectAggregationTemporality: (type) =>
      type === InstrumentType.OBSERVABLE_GAUGE
        ? AggregationTemporality.DELTA
        : AggregationTemporality.CUMULATIVE,
  }
  const provider = new MeterProvider({
    resource: resources
      .defaultResource()
      .merge(
        resources.resourceFromAttributes({
          'service.name': 'beamscope',
          'service.version': version,
        }),
      )
      // Whatever the user says by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES is right.
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    readers: [
      new PeriodicExportingMetricReader({
        exporter: reporting,
        exportIntervalMillis: interval,
        exportTimeoutMillis: timeoutMillis,
        cardinalityLimits: { default: MAX_SERIES },
      }),
    ],
  })
  const meter = provider.getMeter('beamscope', version)
  const instruments = new Map<string, Observable>(
    METRIC_NAMES.map((name) => {
      const { help, type, unit } = familyOf(name)
      const described = { description: help, ...(unit !== undefined && { unit }) }
      return [
        name,
        type === 'counter'
          ? meter.createObservableCounter(name, described)
          : meter.createObservableGauge(name, described),
      ]
    }),
  )
  meter.addBatchObservableCallback(
    (result) => {
      for (const family of metricFamilies(observations.nodes, { instances, version })) {
        const instrument = instruments.get(family.name)
        if (instrument !== undefined) observe(result, instrument, family)
      }
    },
    [...instruments.values()],
  )
  return {
    // The last figures are worth a moment, and a collector that is gone is not worth more.
    [Symbol.asyncDispose]: () =>
      provider.shutdown({ timeoutMillis: CLOSE_TIMEOUT }).catch(() => undefined),
  }
}

function observe(
  result: BatchObservableResult,
  instrument: Observable,
  { samples }: MetricFamily,
): void {
  for (const { labels, value } of samples) result.observe(instrument, value, labels)
}

async function loadSdk() {
  try {
    const [metrics, exporting, resources] = await Promise.all([
      import('@opentelemetry/sdk-metrics'),
      import('@opentelemetry/exporter-metrics-otlp-proto'),
      import('@opentelemetry/resources'),
    ])
    return { metrics, exporting, resources }
  } catch (cause) {
    throw new OtlpMissingError(cause)
  }
}
