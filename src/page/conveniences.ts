/**
 * Small things that are more convenient with a script: copying, tables that are moved by keys, all of it on paper.
 */

/** How long a button says that it has copied. Milliseconds. */
const SAID = 2_000

export function copyOnClick(): void {
  document.addEventListener('click', async ({ target }) => {
    const button = target instanceof Element ? target.closest('button.copy') : null
    const code = button?.parentElement?.querySelector('code')
    if (!button || !code) return
    try {
      await navigator.clipboard.writeText(code.textContent ?? '')
      button.textContent = 'Copied'
    } catch {
      // Not every browser lets a page do it; then it is a key away.
      getSelection()?.selectAllChildren(code)
      button.textContent = 'Selected'
    }
    setTimeout(() => {
      button.textContent = 'Copy'
    }, SAID)
  })
}

/** What is wider than its place can be reached by keys, and has a name. */
export function markWide(): void {
  for (const element of document.querySelectorAll<HTMLElement>('.wide')) {
    if (element.scrollWidth > element.clientWidth) {
      element.tabIndex = 0
      element.setAttribute('role', 'region')
      const caption = element.querySelector('caption')?.textContent?.trim()
      element.setAttribute('aria-label', caption || 'table')
    } else {
      element.removeAttribute('tabindex')
      element.removeAttribute('role')
      element.removeAttribute('aria-label')
    }
  }
}

/** Paper cannot be unfolded. */
export function unfoldForPrint(): void {
  let folded: readonly HTMLDetailsElement[] = []
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')]
    for (const details of folded) details.open = true
  })
  addEventListener('afterprint', () => {
    for (const details of folded) details.open = false
  })
}
