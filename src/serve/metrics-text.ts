/**
 * Metrics as text: Prometheus' own, or OpenMetrics.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import {
  Counter,
  Gauge,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client'
import type { MetricFamily } from '../present/metrics.ts'

export type MetricsFormat = 'prometheus' | 'openmetrics'

export interface MetricsText {
  readonly text: string
  readonly contentType: string
}

export async function metricsText(
  families: readonly MetricFamily[],
  format: MetricsFormat,
): Promise<MetricsText> {
  if (format === 'prometheus') {
    const registry = new Registry<PrometheusContentType>()
    for (const family of families) register(family, registry)
    return { text: await registry.metrics(), contentType: registry.contentType }
  }
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  for (const family of families) register(family, registry)
  return { text: await registry.metrics(), contentType: registry.contentType }
}

/** A registry lives for one text: the figures are elsewhere. */
function register(
  { help, name, samples, type }: MetricFamily,
  registry: Registry<PrometheusContentType> | Registry<OpenMetricsContentType>,
): void {
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))]
  const options = { name, help, labelNames, registers: [registry] }
  if (type === 'gauge') {
    const gauge = new Gauge(options)
    for (const { labels, value } of samples) gauge.set(labels, value)
    return
  }
  const counter = new Counter(options)
  for (const { labels, value } of samples) counter.inc(labels, value)
}
