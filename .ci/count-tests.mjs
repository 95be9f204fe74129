// Prints how many tests passed, failed and were skipped, from the file that Vitest's JSON reporter writes.
// Vitest counts no test in a file that cannot be loaded: that is one failure, and so is a run without results.
import { existsSync, readFileSync } from 'node:fs'

const [file] = process.argv.slice(2)

let [passed, failed, skipped] = [0, 1, 0]
if (existsSync(file)) {
  const results = JSON.parse(readFileSync(file, 'utf8'))
  const unloaded = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((it) => it.status === 'failed'),
  )
  passed = results.numPassedTests
  failed = results.numFailedTests + unloaded.length
  skipped = results.numPendingTests + results.numTodoTests
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
