// @entry
import './evaluations.css'

document.addEventListener('click', (event) => {
  if (event.target instanceof Element && event.target.closest('[data-print]')) window.print()
})

/** Another row below the last: its fields are called as the server counts them (s8-name after s7-name). */
function addRow(prefix: string): void {
  const body = document.getElementById(`rows-${prefix}`)
  const last = body?.lastElementChild
  if (!body || !last) return
  const at = body.children.length
  const row = last.cloneNode(true) as HTMLElement
  for (const bad of row.querySelectorAll('.invalid-feedback')) bad.remove()
  for (const node of row.querySelectorAll<HTMLElement>('[name],[id],[for]')) {
    for (const key of ['name', 'id', 'for', 'aria-describedby']) {
      const value = node.getAttribute(key)
      if (value) node.setAttribute(key, value.replace(`${prefix}${at - 1}-`, `${prefix}${at}-`))
    }
    node.classList.remove('is-invalid')
    node.removeAttribute('aria-invalid')
    if (node instanceof HTMLInputElement) node.value = ''
    if (node instanceof HTMLSelectElement) node.selectedIndex = 0
    if (node instanceof HTMLLabelElement) node.textContent = (node.textContent ?? '').replace(`第 ${at} 行`, `第 ${at + 1} 行`)
  }
  body.append(row)
  if (prefix === 's') {
    const takes = document.querySelector<HTMLSelectElement>('select[name="takes_findings"]')
    takes?.add(new Option(`第 ${at + 1} 个评分单位`, String(at)))
  }
  row.querySelector('input')?.focus()
}

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-add-row]') : null
  if (button) addRow(button.dataset.addRow ?? '')
})
