// @entry The editor of a checklist: items go onto the sheet, off it, up and down inside their section; sections go up and down.
import './checklist.css'

const form = document.querySelector<HTMLFormElement>('form[data-checklist]')
const chosen = form?.querySelector<HTMLElement>('[data-chosen]')
const pool = form?.querySelector<HTMLElement>('[data-pool]')
const find = form?.querySelector<HTMLInputElement>('[data-find]')

const items = (box: Element): HTMLElement[] => [...box.querySelectorAll<HTMLElement>('[data-item]')]
const parts = (box: Element): HTMLElement[] => [...box.querySelectorAll<HTMLElement>('[data-part]')]
const words = (item: Element): string => item.querySelector('[data-text]')?.textContent ?? ''

function say(sentence: string): void {
  const output = form?.querySelector('[data-said]')
  if (output) output.textContent = sentence
}

/** Hides sections without items, says how many are on the sheet. */
function settle(): void {
  if (!form || !chosen || !pool) return
  const asked = find?.value.trim() ?? ''
  items(pool).forEach((item) => (item.hidden = asked !== '' && !(item.textContent ?? '').includes(asked)))
  for (const box of [chosen, pool]) {
    parts(box).forEach((part) => (part.hidden = items(part).every((item) => item.hidden)))
    const none = box.parentElement?.querySelector<HTMLElement>('[data-none]')
    if (none) none.hidden = parts(box).some((part) => !part.hidden)
  }
  form.querySelectorAll('[data-count]').forEach((count) => (count.textContent = `${items(chosen).length} 项`))
}

function put(item: HTMLElement, on: boolean): void {
  const id = item.closest<HTMLElement>('[data-part]')?.dataset.part ?? ''
  item.querySelector<HTMLInputElement>('input[name=items]')!.disabled = !on
  item.hidden = false
  const part = parts(on ? chosen! : pool!).find((p) => p.dataset.part === id)
  if (on && part?.hidden) chosen!.append(part)
  part?.querySelector('ol')?.append(item)
}

/** The nearest shown neighbour, so that an arrow never moves something past what is hidden and seems to do nothing. */
function beside(row: HTMLElement, by: number): HTMLElement | null {
  let other = by < 0 ? row.previousElementSibling : row.nextElementSibling
  while (other instanceof HTMLElement && other.hidden) other = by < 0 ? other.previousElementSibling : other.nextElementSibling
  return other instanceof HTMLElement ? other : null
}

function move(row: HTMLElement, by: number, name: string): void {
  const other = beside(row, by)
  if (other) by < 0 ? other.before(row) : other.after(row)
  const shown = [...row.parentElement!.children].filter((r) => r instanceof HTMLElement && !r.hidden)
  say(other ? `${name}，现在第 ${shown.indexOf(row) + 1} 位` : by < 0 ? '已在最前' : '已在最后')
}

form?.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>('button[type=button]') : null
  if (!button || !chosen || !pool) return
  const item = button.closest<HTMLElement>('[data-item]')
  const part = button.closest<HTMLElement>('[data-part]')
  if (item && ('on' in button.dataset || 'off' in button.dataset)) {
    const on = 'on' in button.dataset
    const box = on ? pool : chosen
    const row = items(box).filter((i) => !i.hidden)
    const next = row[row.indexOf(item) + 1] ?? row[row.indexOf(item) - 1]
    put(item, on)
    settle()
    ;(next?.querySelector<HTMLElement>(on ? '[data-on]' : '[data-off]') ?? find)?.focus()
    say(`${on ? '已加入' : '已移出'}：${words(item)}，检查表上 ${items(chosen).length} 项`)
  } else if (part && 'addPart' in button.dataset) {
    const all = items(part).filter((i) => !i.hidden)
    all.forEach((i) => put(i, true))
    settle()
    ;(parts(pool).find((p) => !p.hidden)?.querySelector<HTMLElement>('[data-add-part]') ?? find)?.focus()
    say(`已加入 ${all.length} 项，检查表上 ${items(chosen).length} 项`)
  } else if (item && button.dataset.move) {
    move(item, Number(button.dataset.move), words(item))
    button.focus()
  } else if (part && button.dataset.movePart) {
    move(part, Number(button.dataset.movePart), part.getAttribute('aria-label') ?? '')
    button.focus()
  }
})
find?.addEventListener('input', settle)
find?.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault() })
settle()
