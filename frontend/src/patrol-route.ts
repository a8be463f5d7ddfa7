// @entry The form of a patrol route: points and windows are rows that can be added, moved and removed.
import './patrol.css'

const form = document.querySelector<HTMLFormElement>('#route-form')

function number(): void {
  form!.querySelectorAll('[data-rows=points] [data-part=n]').forEach((el, n) => { el.textContent = `第 ${n + 1} 个点` })
}

form?.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>('button[type=button]')
  const row = button?.closest('fieldset')
  if (button?.dataset.add) {
    const model = document.querySelector<HTMLTemplateElement>(`#model-${button.dataset.add}`)!
    const fresh = (model.content.cloneNode(true) as DocumentFragment).firstElementChild!
    form.querySelector(`[data-rows=${button.dataset.add}]`)!.append(fresh)
    fresh.querySelector<HTMLElement>('select, input')?.focus()
  } else if (row && button && 'remove' in button.dataset) {
    const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector<HTMLElement>('[data-remove]')
    row.remove()
    next?.focus()
  } else if (row && button?.dataset.move) {
    const other = button.dataset.move === '-1' ? row.previousElementSibling : row.nextElementSibling
    if (other) button.dataset.move === '-1' ? other.before(row) : other.after(row)
    button.focus()
  }
  number()
})
if (form) number()
