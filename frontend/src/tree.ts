// @entry
// The tree of places: arrow keys walk it as people expect; without this script the tree opens and closes all the same.

function shown(tree: HTMLElement): HTMLElement[] {
  return [...tree.querySelectorAll<HTMLElement>('summary, .leaf > a')].filter((e) => e.offsetParent !== null)
}

function branchOf(item: HTMLElement): HTMLDetailsElement | null {
  return item.tagName === 'SUMMARY' ? (item.parentElement as HTMLDetailsElement) : null
}

function parentOf(item: HTMLElement): HTMLElement | null {
  const inside = branchOf(item)?.parentElement ?? item
  return inside.closest<HTMLDetailsElement>('details[data-branch]')?.querySelector<HTMLElement>('summary') ?? null
}

document.addEventListener('keydown', (event) => {
  const target = event.target as HTMLElement
  const tree = target.closest<HTMLElement>('[data-tree]')
  if (!tree || event.ctrlKey || event.metaKey || event.altKey) return
  const item = target.closest<HTMLElement>('summary, .leaf')
  const here = item?.classList.contains('leaf') ? item.querySelector<HTMLElement>('a') : item
  if (!here) return
  const items = shown(tree)
  const at = items.indexOf(here)
  const branch = branchOf(here)
  if (event.key === 'ArrowDown') items[at + 1]?.focus()
  else if (event.key === 'ArrowUp') items[at - 1]?.focus()
  else if (event.key === 'Home') items[0]?.focus()
  else if (event.key === 'End') items[items.length - 1]?.focus()
  else if (event.key === 'ArrowRight' && branch) {
    if (branch.open) items[at + 1]?.focus()
    else branch.open = true
  } else if (event.key === 'ArrowLeft') {
    if (branch?.open) branch.open = false
    else parentOf(here)?.focus()
  } else if (event.key === 'Enter' && branch && target === here) {
    here.querySelector<HTMLAnchorElement>('a')?.click()
  } else return
  event.preventDefault()
})

document.querySelector('[data-print]')?.addEventListener('click', () => window.print())
