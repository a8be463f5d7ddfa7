// @entry The guided walk (/m/inspections/<id>/): answers are kept at once, sent when there is a network.
import './inspect.css'
import './evidence'
import { flush, put } from './outbox'

type Mark = { verdict: string; faults: number }

function start(walk: HTMLElement): void {
  const store = `walk:${walk.dataset.walk}`
  const kept: Record<string, Mark> = JSON.parse(localStorage.getItem(store) ?? '{}')
  const items = [...walk.querySelectorAll<HTMLElement>('[data-item]')]
  const sheet = document.querySelector<HTMLDialogElement>('#fail')!
  const failing = sheet.querySelector<HTMLFormElement>('form')!
  let open: HTMLElement | null = null

  const progress = (): void => {
    const seen = items.filter((item) => item.dataset.verdict).length
    walk.querySelector('[data-part="progress"]')!.textContent = `已查 ${seen} / ${items.length}`
    walk.querySelector('progress')!.value = seen
  }
  const show = (item: HTMLElement, mark: Mark): void => {
    item.dataset.verdict = mark.verdict
    item.dataset.faults = String(mark.faults)
    item.querySelectorAll<HTMLButtonElement>('button[name=verdict]').forEach((button) => {
      button.setAttribute('aria-pressed', String(button.value === mark.verdict))
    })
    item.querySelector('[data-part="faults"]')!.textContent = mark.faults > 1 ? ` ×${mark.faults}` : ''
  }
  const mark = (item: HTMLElement, next: Mark): void => {
    show(item, next)
    kept[item.dataset.item!] = next
    localStorage.setItem(store, JSON.stringify(kept))
    progress()
  }

  // A copy kept by the service worker may be older than what was tapped here.
  for (const item of items) {
    const known = kept[item.dataset.item!]
    if (known && !item.dataset.verdict) show(item, known)
  }
  progress()

  walk.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    const item = form.closest<HTMLElement>('[data-item]')
    if (!('answer' in form.dataset) || !item) return
    event.preventDefault()
    event.stopPropagation()
    const verdict = ((event as SubmitEvent).submitter as HTMLButtonElement).value
    if (verdict === 'fail') return ask(item, form)
    const before: Mark = { verdict: item.dataset.verdict ?? '', faults: Number(item.dataset.faults ?? 0) }
    if (before.verdict !== verdict) {
      mark(item, { verdict, faults: 0 })
      void put(form.action, `${item.querySelector('h3')!.textContent!.trim()}：${verdict === 'pass' ? '合格' : '不适用'}`, [['verdict', verdict]]).then((id) =>
        flush().then((outcomes) => { if (outcomes.get(id)?.kind === 'refused') mark(item, before) }))
    }
  })

  function ask(item: HTMLElement, form: HTMLFormElement): void {
    open = item
    const what = item.querySelector('h3')!.textContent!.trim()
    const place = failing.querySelector<HTMLSelectElement>('[name=place]')!, last = place.value
    failing.reset()
    place.value = last // the next fault is often at the same spot
    failing.action = form.action
    failing.dataset.outboxTitle = `不合格：${what}`
    failing.querySelector<HTMLElement>('#fail-veto')!.hidden = !item.dataset.veto
    failing.querySelectorAll<HTMLElement>('[data-outbox-error]').forEach((box) => { box.hidden = true })
    sheet.querySelector('h2')!.textContent = what
    sheet.showModal()
  }

  failing.addEventListener('outbox:kept', () => {
    const times = Number(failing.querySelector<HTMLInputElement>('[name=occurrences]')!.value) || 1
    if (open) mark(open, { verdict: 'fail', faults: Number(open.dataset.faults ?? 0) + times })
    sheet.close()
    open?.querySelector<HTMLButtonElement>('button[value=fail]')?.focus()
  })

  walk.addEventListener('outbox:kept', (event) => {
    const form = event.target as HTMLFormElement, sent = (event as CustomEvent<{ sent: boolean }>).detail.sent
    if ('finish' in form.dataset) {
      localStorage.removeItem(store)
      location.assign(sent ? location.href : '/m/')
    }
    if ('rest' in form.dataset) {
      form.closest('[data-section]')!.querySelectorAll<HTMLElement>('[data-item]').forEach((item) => { if (!item.dataset.verdict) mark(item, { verdict: 'pass', faults: 0 }) })
      form.remove()
    }
    const recheck = form.closest<HTMLElement>('[data-recheck]')
    if (recheck) {
      const said = Object.assign(document.createElement('p'), { textContent: '已记录', className: 'm-0 text-success' })
      said.setAttribute('role', 'status')
      form.replaceWith(said)
    }
  })
}

const walk = document.querySelector<HTMLElement>('#walk')
if (walk) start(walk)
