/**
 * Makes a part of the page another one by as few changes as it takes: what stays keeps its place, its focus, what is
 * selected in it, and whether it is unfolded.
 */

/** Gives `before` the children of `after`, which is used up. */
export function morph(before: Element, after: ParentNode): void {
  const left = meant(before)
  const pairs = meant(after).map((node) => {
    const index = left.findIndex((candidate) => isSame(candidate, node))
    const [kept] = index < 0 ? [] : left.splice(index, 1)
    return { node, kept }
  })
  // First, so that what stays stands where it should: to be moved would take its focus.
  for (const node of left) node.remove()
  const stays = meant(before)
  for (const { node, kept } of pairs) {
    const [place] = stays
    if (kept === undefined) {
      before.insertBefore(node, place ?? null)
      continue
    }
    if (kept === place) stays.shift()
    else {
      stays.splice(stays.indexOf(kept), 1)
      before.insertBefore(kept, place ?? null)
    }
    update(kept, node)
  }
}

/** Without the spaces between elements. */
function meant({ childNodes }: ParentNode): ChildNode[] {
  return [...childNodes].filter(
    (node) => node.nodeType !== Node.TEXT_NODE || node.nodeValue?.trim(),
  )
}

function isSame(before: Node, after: Node): boolean {
  return before.nodeName === after.nodeName && keyOf(before) === keyOf(after)
}

/** What tells an element from others of its kind; none for most. */
function keyOf(node: Node): string {
  if (!(node instanceof HTMLElement)) return ''
  return node.id || node.dataset.key || node.dataset.chart || ''
}

function update(before: Node, after: Node): void {
  if (!(before instanceof Element) || !(after instanceof Element)) {
    if (before.nodeValue !== after.nodeValue) before.nodeValue = after.nodeValue
    return
  }
  // What a script has made is its own.
  if (before.hasAttribute('data-keep')) return
  for (const { name } of [...before.attributes]) {
    if (!after.hasAttribute(name) && !isOurs(before, name)) before.removeAttribute(name)
  }
  for (const { name, value } of after.attributes) {
    if (before.getAttribute(name) !== value && !isOurs(before, name)) {
      before.setAttribute(name, value)
    }
  }
  morph(before, after)
}

/** What the reader or the script has set, and the server does not know. */
function isOurs(element: Element, attribute: string): boolean {
  if (element.matches('details')) return attribute === 'open'
  if (element.matches('.key')) return attribute === 'aria-pressed'
  if (element.matches('.wide')) return ['tabindex', 'role', 'aria-label'].includes(attribute)
  return false
}
