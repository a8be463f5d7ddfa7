// @entry
// The tree of places: arrow keys walk it as people expect. Focus rests on the links; right opens, left closes or goes up.

function parts(link: HTMLElement): { item: HTMLElement | null; twist: HTMLButtonElement | null } {
  const item = link.closest<HTMLElement>('li')
  return { item, twist: item?.querySelector<HTMLButtonElement>(':scope > .row-of > button.twist') ?? null }
}

document.addEventListener('keydown', (event) => {
  const tree = (event.target as HTMLElement).closest<HTMLElement>('[data-tree]')
  if (!tree || event.ctrlKey || event.metaKey || event.altKey) return
  const here = (event.target as HTMLElement).closest('.row-of')?.querySelector<HTMLAnchorElement>('a')
  if (!here) return
  const links = [...tree.querySelectorAll<HTMLAnchorElement>('.row-of > a')].filter((a) => a.offsetParent !== null)
  const at = links.indexOf(here)
  const { item, twist } = parts(here)
  const open = twist?.getAttribute('aria-expanded') === 'true'
  if (event.key === 'ArrowDown') links[at + 1]?.focus()
  else if (event.key === 'ArrowUp') links[at - 1]?.focus()
  else if (event.key === 'Home') links[0]?.focus()
  else if (event.key === 'End') links[links.length - 1]?.focus()
  else if (event.key === 'ArrowRight' && twist) {
    if (open) links[at + 1]?.focus()
    else twist.click()
  } else if (event.key === 'ArrowLeft') {
    if (twist && open) twist.click()
    else item?.parentElement?.closest('li')?.querySelector<HTMLAnchorElement>('.row-of > a')?.focus()
  } else return
  event.preventDefault()
})

document.querySelector('[data-print]')?.addEventListener('click', () => window.print())
