/**
 * What runs in the page: charts where there is a script to draw them, and whatever is more convenient with one.
 */
import { Charts } from './charts.ts'
import { copyOnClick, markWide, unfoldForPrint } from './conveniences.ts'
import type { PageData } from './data.ts'
import { follow } from './live.ts'

document.documentElement.classList.add('scripted')

const charts = new Charts()

function show(data: PageData): void {
  charts.show(data)
  markWide()
}

const embedded: PageData = JSON.parse(
  document.getElementById('data')?.textContent || '{"charts":[]}',
)
show(embedded)
addEventListener('resize', markWide)
// What was folded may be too wide as well.
document.addEventListener('toggle', markWide, true)
copyOnClick()
unfoldForPrint()
follow(show)
