/** `<details class="menu">` closes as a menu does; `[data-toggle="#id"]` shows and hides; arrow keys in the pager. */
export function watchMenus(): void {
  const menus = (): NodeListOf<HTMLDetailsElement> => document.querySelectorAll('details.menu[open]')
  document.addEventListener('click', (event) => {
    const target = event.target as Element
    menus().forEach((menu) => { if (!menu.contains(target)) menu.open = false })
    const button = target.closest<HTMLElement>('[data-toggle]')
    if (!button) return
    const panel = document.querySelector<HTMLElement>(button.dataset.toggle!)
    if (!panel) return
    panel.hidden = !panel.hidden
    button.setAttribute('aria-expanded', String(!panel.hidden))
    const label = button.querySelector('[data-part="label"]')
    if (label && button.dataset.labelOpen) label.textContent = panel.hidden ? button.dataset.labelClosed! : button.dataset.labelOpen
  })
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') menus().forEach((menu) => { menu.open = false; menu.querySelector('summary')?.focus() })
    const pager = (event.target as Element).closest?.('.pager')
    if (pager && event.key === 'ArrowLeft') pager.querySelector<HTMLAnchorElement>('a[rel=prev]')?.click()
    if (pager && event.key === 'ArrowRight') pager.querySelector<HTMLAnchorElement>('a[rel=next]')?.click()
  })
  document.addEventListener('change', (event) => {
    const input = event.target as HTMLElement
    if (input.matches('[data-autosubmit]')) (input as HTMLInputElement).form?.requestSubmit()
  })
}
