/**
 * What an OpenTelemetry collector is sent, out of protobuf.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */

export interface Point {
  readonly attributes: Readonly<Record<string, string>>
  readonly value: number
}

export interface ExportedMetric {
  readonly name: string
  readonly unit: string
  readonly type: 'gauge' | 'sum'
  /** Of a sum; 2 is cumulative. */
  readonly aggregationTemporality: number
  readonly isMonotonic: boolean
  readonly points: readonly Point[]
}

export interface Exported {
  readonly resource: Readonly<Record<string, string>>
  readonly metrics: readonly ExportedMetric[]
}

/** A field of a message: a number, eight bytes, or as many as it says. */
interface Field {
  readonly number: number
  readonly varint: number
  readonly bytes: Buffer
}

/** The fields of a message, as often as they stand in it. */
function fieldsOf(message: Buffer): readonly Field[] {
  const fields: Field[] = []
  let offset = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(offset++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (offset < message.length) {
    const key = varint()
    const number = key >>> 3
    if ((key & 7) === 0) {
      fields.push({ number, varint: varint(), bytes: Buffer.alloc(0) })
      continue
    }
    const isFixed = (key & 7) === 1
    if (!isFixed && (key & 7) !== 2) throw new RangeError(`a field of wire type ${key & 7}`)
    const length = isFixed ? 8 : varint()
    fields.push({ number, varint: 0, bytes: message.subarray(offset, offset + length) })
    offset += length
  }
  return fields
}

function all(message: Buffer, number: number): readonly Buffer[] {
  return fieldsOf(message).flatMap((field) => (field.number === number ? [field.bytes] : []))
}

function one(message: Buffer, number: number): Buffer {
  return all(message, number)[0] ?? Buffer.alloc(0)
}

function attributesOf(entries: readonly Buffer[]): Readonly<Record<string, string>> {
  // KeyValue: key 1, value 2; AnyValue: string_value 1.
  return Object.fromEntries(
    entries.map((entry) => [one(entry, 1).toString(), one(one(entry, 2), 1).toString()]),
  )
}

/** NumberDataPoint: as_double 4, as_int 6, attributes 7. */
function pointOf(point: Buffer): Point {
  const double = one(point, 4)
  const value = double.length === 8 ? double.readDoubleLE() : Number(one(point, 6).readBigInt64LE())
  return { attributes: attributesOf(all(point, 7)), value }
}

/** Metric: name 1, unit 3, gauge 5, sum 7; both: data_points 1; Sum: temporality 2, is_monotonic 3. */
function metricOf(metric: Buffer): ExportedMetric {
  const [sum] = all(metric, 7)
  const data = sum ?? one(metric, 5)
  const number = (wanted: number): number =>
    fieldsOf(data).find((field) => field.number === wanted)?.varint ?? 0
  return {
    name: one(metric, 1).toString(),
    unit: one(metric, 3).toString(),
    type: sum === undefined ? 'gauge' : 'sum',
    aggregationTemporality: sum === undefined ? 0 : number(2),
    isMonotonic: sum !== undefined && number(3) === 1,
    points: all(data, 1).map(pointOf),
  }
}

/** ExportMetricsServiceRequest: resource_metrics 1, in them resource 1 and scope_metrics 2, in those metrics 2. */
export function readOtlpRequest(body: Buffer): Exported {
  const resourceMetrics = one(body, 1)
  return {
    resource: attributesOf(all(one(resourceMetrics, 1), 1)),
    metrics: all(resourceMetrics, 2)
      .flatMap((scope) => all(scope, 2))
      .map(metricOf),
  }
}
