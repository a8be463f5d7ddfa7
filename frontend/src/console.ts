// @entry The desktop console of the institute and of a school.
import './console.css'
import Alpine from '@alpinejs/csp'
import { ready, startCommon } from './common'
import { watchColumns } from './columns'
import { watchBatch } from './batch'

/** The side bar is a drawer on narrow screens. */
function watchSideBar(): void {
  const side = document.getElementById('side'), button = document.getElementById('side-toggle')
  if (!side || !button) return
  const set = (open: boolean): void => {
    document.body.classList.toggle('side-open', open)
    button.setAttribute('aria-expanded', String(open))
    if (open) side.querySelector<HTMLElement>('a, button')?.focus()
    else button.focus()
  }
  const isOpen = (): boolean => document.body.classList.contains('side-open')
  button.addEventListener('click', () => set(!isOpen()))
  for (const id of ['side-veil', 'side-close']) document.getElementById(id)?.addEventListener('click', () => set(false))
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && isOpen()) set(false) })
  side.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'center' })
}

startCommon()
watchSideBar()
watchBatch()
watchColumns()
// The CSP build evaluates simple expressions itself, without eval; anything larger is Alpine.data in an island.
Alpine.start()
ready()
