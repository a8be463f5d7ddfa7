/**
 * 列设置: `<details class="menu" data-columns="complaints">` is filled from the heads of `table[data-columns-of="complaints"]`
 * that carry `data-col`; what one hides is kept in this browser only.
 */
const key = (name: string): string => `columns:${name}`
const hidden = (name: string): string[] => JSON.parse(localStorage.getItem(key(name)) ?? '[]') as string[]

function apply(table: HTMLTableElement): void {
  const off = hidden(table.dataset.columnsOf!)
  ;[...table.tHead?.rows[0]?.cells ?? []].forEach((head, i) => {
    if (!head.dataset.col) return
    const hide = off.includes(head.dataset.col)
    for (const row of table.rows) if (row.cells.length > i && row.cells[i].colSpan === 1) row.cells[i].hidden = hide
  })
}

function fill(menu: HTMLElement): void {
  const name = menu.dataset.columns!, list = menu.querySelector('.menu-list')
  const table = document.querySelector<HTMLTableElement>(`table[data-columns-of="${name}"]`)
  if (!list || !table) return
  list.replaceChildren(...[...table.tHead?.rows[0]?.cells ?? []].filter((head) => head.dataset.col).map((head) => {
    const label = Object.assign(document.createElement('label'), { className: 'menu-item' })
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', className: 'form-check-input', checked: !hidden(name).includes(head.dataset.col!) })
    box.addEventListener('change', () => {
      const off = new Set(hidden(name))
      if (box.checked) off.delete(head.dataset.col!)
      else off.add(head.dataset.col!)
      localStorage.setItem(key(name), JSON.stringify([...off]))
      apply(table)
    })
    label.append(box, head.textContent?.trim() ?? '')
    return label
  }))
}

export function watchColumns(): void {
  const all = (): void => {
    document.querySelectorAll<HTMLTableElement>('table[data-columns-of]').forEach(apply)
    document.querySelectorAll<HTMLElement>('details[data-columns]').forEach(fill)
  }
  all()
  document.addEventListener('htmx:after:swap', all)
}
