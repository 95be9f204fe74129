/**
 * Metrics sent to an OpenTelemetry collector, by the SDK that the user has installed.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { BatchObservableResult, Observable } from '@opentelemetry/api'
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { familyOf, METRIC_NAMES, type MetricFamily, metricFamilies } from '../present/metrics.ts'
import { OtlpExportError, OtlpMissingError } from './errors.ts'
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
  const {
    AggregationTemporality,
    DataPointType,
    InstrumentType,
    MeterProvider,
    PeriodicExportingMetricReader,
  } = metrics
  const timeoutMillis = Math.min(interval, EXPORT_TIMEOUT)
  const exporter = new exporting.OTLPMetricExporter({
    timeoutMillis,
    ...(url !== undefined && { url }),
  })
  /** Counters that were observed last: the SDK would send the others, too, as long as it runs. */
  let counted: ReadonlySet<string> = new Set()
  const withoutEnded = (all: ResourceMetrics): ResourceMetrics => ({
    ...all,
    scopeMetrics: all.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics
        .map((metric) =>
          metric.dataPointType === DataPointType.SUM
            ? {
                ...metric,
                dataPoints: metric.dataPoints.filter(({ attributes }) =>
                  counted.has(seriesKey(metric.descriptor.name, attributes)),
                ),
              }
            : metric,
        )
        .filter(({ dataPoints }) => dataPoints.length > 0),
    })),
  })
  const reporting: PushMetricExporter = {
    export: (all, done) =>
      exporter.export(withoutEnded(all), (result) => {
        // 0 is success; the enumeration is in a package that nobody has to install.
        told(result.code === 0 ? undefined : new OtlpExportError(url, result.error))
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
      const families = metricFamilies(observations.nodes, { instances, version })
      for (const family of families) {
        const instrument = instruments.get(family.name)
        if (instrument !== undefined) observe(result, instrument, family)
      }
      counted = new Set(
        families
          .filter(({ type }) => type === 'counter')
          .flatMap(({ name, samples }) => samples.map(({ labels }) => seriesKey(name, labels))),
      )
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

/** Whatever the order of the labels is. */
function seriesKey(name: string, labels: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([name, ...Object.entries(labels).sort()])
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
