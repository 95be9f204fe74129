/**
 * The command line as few files, out of what would be some 130: each file that Node.js has to find, read
 * and compile by itself costs about a millisecond of a program that runs for a tenth of a second.
 * CommonJS, because the loader of ES modules takes some milliseconds more. The library stays file to file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin, type RolldownOptions } from 'rolldown'

/** The folder of a package, out of the path of a module of it. */
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/

/** Their licenses want to stand beside what is made of them. */
const licenses: Plugin = {
  name: 'licenses',
  generateBundle() {
    const folders = [...this.getModuleIds()].flatMap((id) => PACKAGE.exec(id)?.[0] ?? [])
    const source = [...new Set(folders)]
      .sort()
      .map(licenseOf)
      .join(`\n${'-'.repeat(80)}\n\n`)
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source })
  },
}

function licenseOf(folder: string): string {
  const manifest: { name: string; version: string; license: string } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  const { name, version, license } = manifest
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice)\b/i.test(file))
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim())
  return `${[`${name} ${version}, ${license}`, ...texts].join('\n\n')}\n`
}

/** For whoever calls the program where it stood when it was an ES module. */
const formerPath: Plugin = {
  name: 'former-path',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'main.js', source: "import './main.cjs'\n" })
  },
}

/** What draws the screen of `watch` is a file of its own, as seen from the folder of the program. */
const screenApart: Plugin = {
  name: 'screen-apart',
  resolveId(source) {
    return source.endsWith('/screen.tsx') ? { id: '../watch/screen.mjs', external: true } : null
  },
}

const program: RolldownOptions = {
  input: 'src/cli/main.ts',
  platform: 'node',
  // `cli-table3` does without it, and looks for it only where a style has colours.
  external: [
    '@colors/colors/safe',
    // Those of the user, if he sends metrics to a collector.
    '@opentelemetry/exporter-metrics-otlp-proto',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-metrics',
  ],
  plugins: [licenses, formerPath, screenApart],
  transform: { target: 'es2023' },
  output: {
    // Beside each other, two folders below the package, as the paths in them are.
    dir: 'lib/cli',
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    sourcemap: true,
    sourcemapExcludeSources: true,
    // Names stay: the stack of an error tells them. Less text is compiled sooner.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: {
      // Each with all that it imports, less what stands in those before: what every command needs, what
      // shows figures, what talks to a node. What only some commands need is split off by itself.
      groups: [
        { name: 'program', test: /[\\/]cli[\\/](?:start|examples)\.ts$/, priority: 3 },
        {
          name: 'show',
          test: /[\\/](?:cli[\\/](?:analysis-command|rows)|present[\\/](?:figures|rows|table|view)|analysis[\\/](?:json|memory))\.ts$/,
          priority: 2,
        },
        {
          name: 'node',
          test: /[\\/](?:cli[\\/]connect|probe[\\/]take-snapshot)\.ts$/,
          priority: 1,
        },
      ],
    },
  },
}

/** What stands in the page beside its script: the style of the charts, and ours. */
const styles: Plugin = {
  name: 'styles',
  generateBundle() {
    const files = ['node_modules/uplot/dist/uPlot.min.css', 'src/page/page.css']
    const source = files.map((file) => shortened(readFileSync(file, 'utf8'))).join('\n')
    this.emitFile({ type: 'asset', fileName: 'page.css', source })
  },
}

/** Without comments, and without spaces at the beginning of lines. */
function shortened(css: string): string {
  return css
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/\n\s*/g, '\n')
    .trim()
}

/** What runs in the browser, in every report and in what is served: one script, with all that it imports. */
const page: RolldownOptions = {
  input: 'src/page/page.ts',
  platform: 'browser',
  plugins: [licenses, styles],
  transform: { target: 'es2022' },
  output: { dir: 'lib/page', format: 'iife', entryFileNames: '[name].js', minify: true },
}

/** Ink's tools for whoever develops with it want a package that nobody has. */
const withoutDevtools: Plugin = {
  name: 'without-devtools',
  load(id) {
    return /[\\/]ink[\\/]build[\\/]devtools\.js$/.test(id) ? 'export {}' : null
  },
}

/**
 * The screen of `watch`: an ES module, because what ink lays out with is awaited where it is loaded, which
 * CommonJS cannot.
 */
const screen: RolldownOptions = {
  input: 'src/watch/screen.tsx',
  platform: 'node',
  plugins: [licenses, withoutDevtools],
  transform: {
    target: 'es2023',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
  },
  output: {
    dir: 'lib/watch',
    format: 'esm',
    entryFileNames: '[name].mjs',
    minify: true,
    codeSplitting: false,
  },
}

const config: RolldownOptions[] = defineConfig([program, page, screen])

export default config
