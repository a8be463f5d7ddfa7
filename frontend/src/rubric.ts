// @entry
import './rubric.css'
import htmx from './common'

// The sheet editor: sums as you type, sections and items added, moved and removed, clauses cited.
// The server checks everything again; without this script the form still saves.

const sheet = document.querySelector<HTMLFormElement>('form[data-sheet]')
let made = 0
let citing: Element | null = null

const cents = (input: HTMLInputElement | null): number => Math.round(Number(input?.value || 0) * 100)
const plain = (n: number): string => String(n / 100)

function sums(): void {
  if (!sheet) return
  let total = 0
  sheet.querySelectorAll('[data-section]').forEach((section) => {
    const weight = cents(section.querySelector<HTMLInputElement>('input[name$="-weight"]'))
    let points = 0
    section.querySelectorAll<HTMLInputElement>('[data-item] input[name$="-points"]').forEach((i) => (points += cents(i)))
    total += weight
    say(section.querySelector('[data-sum]'), '各项合计', points, weight)
  })
  say(sheet.querySelector('[data-total]'), '维度合计', total, 10000)
}

function say(output: Element | null, what: string, is: number, should: number): void {
  if (!(output instanceof HTMLElement)) return
  const off = should - is
  const text = `${what} ${plain(is)} / ${plain(should)} 分${off === 0 ? '，已配平' : off > 0 ? `，还差 ${plain(off)} 分` : `，多了 ${plain(-off)} 分`}`
  if (output.textContent !== text) output.textContent = text
  output.dataset.fits = String(off === 0)
}

function grown(id: string, section: string, item: string): Element | null {
  const model = document.querySelector<HTMLTemplateElement>(`#${id}`)
  if (!model) return null
  const box = document.createElement('div')
  box.innerHTML = model.innerHTML.replaceAll('__s__', section).replaceAll('__i__', item)
  return box.firstElementChild
}

function addItem(section: Element): void {
  const token = section.querySelector<HTMLInputElement>('input[name="section"]')?.value ?? ''
  const item = grown('item-model', token, `n${Date.now().toString(36)}${made++}`)
  if (!item) return
  section.querySelector('[data-items]')?.append(item)
  htmx.process(item)
  item.querySelector<HTMLInputElement>('input[name$="-text"]')?.focus()
  sums()
}

function addSection(): void {
  const section = grown('section-model', `n${Date.now().toString(36)}${made++}`, '')
  if (!section) return
  sheet?.querySelector('[data-sections]')?.append(section)
  addItem(section)
  section.querySelector<HTMLInputElement>('input[name$="-title"]')?.focus()
}

function move(row: Element | null | undefined, by: number): void {
  if (!row) return
  if (by < 0) row.previousElementSibling?.before(row)
  else row.nextElementSibling?.after(row)
}

function keys(item: Element): HTMLInputElement | null {
  return item.querySelector<HTMLInputElement>('input[name$="-requirement_keys"]')
}

function store(item: Element): void {
  const input = keys(item)
  if (input) input.value = [...item.querySelectorAll<HTMLElement>('.chip')].map((c) => c.dataset.key).join(',')
}

function cite(button: HTMLElement): void {
  const key = button.dataset.cite ?? ''
  if (!citing || !key || citing.querySelector(`.chip[data-key="${CSS.escape(key)}"]`)) return
  const chip = document.createElement('span')
  chip.className = 'chip'
  chip.dataset.key = key
  chip.title = button.dataset.citeText ?? ''
  chip.append(button.dataset.citeLabel ?? key)
  const away = document.createElement('button')
  away.type = 'button'
  away.className = 'x'
  away.dataset.uncite = ''
  away.setAttribute('aria-label', '去掉这条依据')
  away.textContent = '×'
  chip.append(away)
  citing.querySelector('[data-chips]')?.append(chip)
  store(citing)
  button.textContent = '已引用'
  button.setAttribute('disabled', '')
}

document.addEventListener('click', (event) => {
  const at = event.target instanceof Element ? event.target.closest<HTMLElement>('button') : null
  if (!at) return
  const item = at.closest('[data-item]')
  if (at.matches('[data-add-item]')) addItem(at.closest('[data-section]')!)
  else if (at.matches('[data-add-section]')) addSection()
  else if (at.matches('[data-move]')) move(item, Number(at.dataset.move))
  else if (at.matches('[data-move-section]')) move(at.closest('[data-section]'), Number(at.dataset.moveSection))
  else if (at.matches('[data-remove]')) item?.remove()
  else if (at.matches('[data-remove-section]') && !event.defaultPrevented) at.closest('[data-section]')?.remove()
  else if (at.matches('[data-pick]')) citing = item
  else if (at.matches('[data-cite]')) cite(at)
  else if (at.matches('[data-uncite]') && item) {
    at.closest('.chip')?.remove()
    store(item)
  } else if (at.matches('[data-answer-all]')) {
    document
      .querySelectorAll<HTMLInputElement>(`[data-answers] input[type=radio][value="${at.dataset.answerAll}"]`)
      .forEach((radio) => (radio.checked = true))
  }
  sums()
})
sheet?.addEventListener('input', sums)
sums()
