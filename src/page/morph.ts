/**
 * Makes a part of the page another one by as few changes as it takes: what stays keeps its place, its focus, what is
 * selected in it, and whether it is unfolded.
 */

/** Gives `before` the children of `after`, which is used up. */
export function morph(before: Element, after: ParentNode): void {
  const left = [...before.childNodes]
  let place: ChildNode | null = before.firstChild
  for (const node of [...after.childNodes]) {
    const index = left.findIndex((candidate) => isSame(candidate, node))
    const [kept] = index < 0 ? [] : left.splice(index, 1)
    if (kept === undefined) {
      before.insertBefore(node, place)
      continue
    }
    // What stands where it should is not moved: that would take its focus.
    if (kept === place) place = kept.nextSibling
    else before.insertBefore(kept, place)
    update(kept, node)
  }
  for (const node of left) node.remove()
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
