/** What the dashboard of docker/monitoring asks, as Grafana would ask it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { monitoringFolder } from './prometheus.ts'

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly expr: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[]
  }
  readonly panels: readonly Panel[]
}

export const dashboardFile: string = join(monitoringFolder, 'grafana/dashboard.json')

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readFile(dashboardFile, 'utf8'))
}

/** What Grafana puts in place of its variables where all is chosen. */
const VARIABLES: Readonly<Record<string, string>> = {
  node: '.+',
  alloc: '.+',
  __rate_interval: '1m',
}

/** The expressions of a panel. */
export function expressionsOf({ targets = [] }: Panel): readonly string[] {
  return targets.map(({ expr }) =>
    expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
      const value = VARIABLES[name]
      if (value === undefined) throw new Error(`the dashboard has no variable ${name}`)
      return value
    }),
  )
}
