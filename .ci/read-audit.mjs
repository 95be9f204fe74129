// Judges what `npm audit --json` wrote to a file: a finding is a failure, a registry that answers no audit
// is no fault of ours.
import { readFileSync } from 'node:fs'

const [file] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')
const report = text === '' ? {} : JSON.parse(text)

if (report.metadata === undefined) {
  const reason = report.message ?? report.error?.summary ?? 'npm audit says nothing'
  console.log(`the registry answers no audit, so nothing is known: ${reason}`)
} else {
  const { total } = report.metadata.vulnerabilities
  console.log(`${total} findings`)
  if (total > 0) {
    console.log(JSON.stringify(report.vulnerabilities, undefined, 2))
    process.exitCode = 1
  }
}
