// Prints what failed, and how many tests passed, failed and were skipped, from the file that Vitest's JSON
// reporter writes: who sees the end of a long output alone shall know what to look at.
// Vitest counts no test in a file that cannot be loaded: that is one failure, and so is a run without results.
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const [file] = process.argv.slice(2)

/** Lines of a failure that are shown, and failures that are. */
const MAX_LINES = 12
const MAX_FAILURES = 12

let [passed, failed, skipped] = [0, 1, 0]
if (existsSync(file)) {
  const results = JSON.parse(readFileSync(file, 'utf8'))
  const failures = results.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const wrong = assertionResults.filter((it) => it.status === 'failed')
    const tell = (title, text) => {
      const lines = stripVTControlCharacters(text).split('\n').slice(0, MAX_LINES)
      return [`FAILED ${relative('', name)}${title}`, ...lines.map((line) => `  ${line}`)].join('\n')
    }
    if (status === 'failed' && wrong.length === 0) return [tell('', message ?? '')]
    return wrong.map((it) => tell(` > ${it.fullName}`, it.failureMessages.join('\n')))
  })
  for (const failure of failures.slice(0, MAX_FAILURES)) console.log(failure)
  if (failures.length > MAX_FAILURES) console.log(`and ${failures.length - MAX_FAILURES} more`)
  passed = results.numPassedTests
  skipped = results.numPendingTests + results.numTodoTests
  // Those of a worker that crashed were begun, and never ended.
  const lost = Math.max(0, results.numTotalTests - passed - skipped - results.numFailedTests)
  if (lost > 0) console.log(`LOST ${lost} tests: a worker crashed`)
  failed = failures.length + lost
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
