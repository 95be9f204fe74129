/**
 * Follows a node: each sample that the server pushes takes the place of the one before.
 */
import type { PageData } from './data.ts'
import { morph } from './morph.ts'

/** How long a server that refused us is left alone. Milliseconds. */
const PAUSE = 5_000

type State = 'live' | 'frozen' | 'lost' | 'failed'

interface Sample {
  readonly html: string
  readonly data: PageData
}

interface Failure {
  readonly message: string
  readonly hint?: string | null
}

/** Starts, if the page is live; `changed` is told after each change. */
export function follow(changed: (data: PageData) => void): void {
  const bar = document.querySelector<HTMLElement>('.live')
  const main = document.querySelector('main')
  const state = bar?.querySelector('.state')
  const button = bar?.querySelector<HTMLButtonElement>('.freeze')
  if (!bar || !main || !state || !button) return
  const { events = '', node = '' } = bar.dataset
  const path = `${events}?${new URLSearchParams({ node })}`
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Said once, however often it is so. */
  const say = (now: State, text: string): void => {
    bar.dataset.state = now
    if (state.textContent !== text) state.textContent = text
  }

  const open = (): void => {
    source = new EventSource(path)
    source.addEventListener('sample', ({ data }) => {
      const { html, data: figures }: Sample = JSON.parse(data)
      const template = document.createElement('template')
      template.innerHTML = html
      morph(main, template.content)
      changed(figures)
      say('live', 'Live: each new answer is shown at once.')
    })
    source.addEventListener('failure', ({ data }) => {
      const { message, hint }: Failure = JSON.parse(data)
      const next = hint ? ` ${hint}.` : ''
      say('failed', `The node did not answer: ${message}.${next} Shown is its last answer.`)
    })
    source.addEventListener('error', () => {
      say('lost', 'Connection lost, trying again. Shown is the last answer.')
      // Who was refused is not tried again by the browser.
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, PAUSE)
    })
  }

  const close = (): void => {
    clearTimeout(timer)
    source?.close()
  }

  button.addEventListener('click', () => {
    const isFrozen = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(isFrozen))
    if (isFrozen) {
      close()
      say('frozen', 'Frozen: what is shown stays as it is.')
    } else {
      say('live', 'Live again.')
      open()
    }
  })
  addEventListener('pagehide', close)
  open()
}
