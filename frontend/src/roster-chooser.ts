/**
 * The dialog of a roster cell: which shifts, at which post and place, several a day.
 * "" as a post is each person's own; "" as a place is where the post is.
 */
export interface Item { id?: string; shift: string | null; post: string | null; place: string | null; draft?: boolean }
export interface Post { id: string; name: string; group: string; active: boolean; party: string; place: string | null }
export interface Place { id: string; name: string; short: string }
interface Offer {
  title: string; own: string; items: Item[]; shifts: { id: string; code: string; name: string; times: string }[]
  posts: Post[]; places: Place[]
}

const MOST = 6

/** Ask for the cell's shifts; null when it was closed without an answer. */
export function choose(offer: Offer): Promise<Item[] | null> {
  const dialog = document.createElement('dialog')
  dialog.className = 'ask ro-choose'
  dialog.setAttribute('aria-labelledby', 'ro-choose-title')
  const form = add(dialog, 'form'), body = add(form, 'div', 'body'), title = add(body, 'h2', '', offer.title)
  title.id = 'ro-choose-title'
  form.method = 'dialog'
  const lines = add(body, 'div', 'ro-lines')
  const more = add(body, 'button', 'btn', '再加一班')
  more.type = 'button'
  const wrong = add(body, 'p', 'alert alert-danger mt-2')
  wrong.setAttribute('role', 'alert')
  wrong.hidden = true
  const foot = add(form, 'div', 'foot'), cancel = add(foot, 'button', 'btn', '取消'), ok = add(foot, 'button', 'btn btn-primary', '确定')
  cancel.type = 'button'
  cancel.addEventListener('click', () => dialog.close())

  const line = (item: Item): void => {
    const n = lines.children.length + 1, row = add(lines, 'fieldset')
    add(row, 'legend', 'visually-hidden', `第 ${n} 班`)
    const shift = select(row, '班次', [...offer.shifts.map((s): [string, string] => [s.id, `${s.code} ${s.name} ${s.times}`]), ['', '休息']], item.shift ?? '')
    const post = select(row, '岗位', [['', offer.own], ...offer.posts.map((p): [string, string] => [p.id, p.name])], item.post ?? '')
    const place = select(row, '地点', [['', '岗位所在地'], ...offer.places.map((p): [string, string] => [p.id, p.name])], item.place ?? '')
    const off = add(row, 'button', 'btn', '去掉')
    off.type = 'button'
    off.setAttribute('aria-label', `去掉第 ${n} 班`)
    off.addEventListener('click', () => { row.remove(); more.hidden = false; more.focus() })
    const rest = (): void => { post.disabled = place.disabled = !shift.value }
    shift.addEventListener('change', rest)
    rest()
    more.hidden = lines.children.length >= MOST
  }
  const first = { shift: offer.shifts[0]?.id ?? null, post: null, place: null }
  for (const item of offer.items.length ? offer.items : [first]) line(item)
  more.addEventListener('click', () => { line(first); lines.lastElementChild?.querySelector('select')?.focus() })

  return new Promise((done) => {
    let answer: Item[] | null = null
    form.addEventListener('submit', (e) => {
      e.preventDefault()
      const found = [...lines.children].map((row) => {
        const [shift, post, place] = [...row.querySelectorAll('select')].map((s) => s.value || null)
        return { shift, post: shift ? post : null, place: shift ? place : null }
      })
      if (found.length > 1 && found.some((i) => !i.shift)) { wrong.textContent = '休息不能和班次排在同一格，请去掉其中一个。'; wrong.hidden = false; return }
      answer = found
      dialog.close()
    })
    dialog.addEventListener('close', () => { dialog.remove(); done(answer) })
    document.body.append(dialog)
    dialog.showModal()
    lines.querySelector('select')?.focus()
    ok.value = 'ok'
  })
}

function select(row: HTMLElement, name: string, options: [string, string][], value: string): HTMLSelectElement {
  const label = add(row, 'label')
  add(label, 'span', '', name)
  const made = add(label, 'select', 'form-select')
  made.setAttribute('aria-label', name) // else the options are read as part of the name
  for (const [key, text] of options) made.append(new Option(text, key, false, key === value))
  return made
}

function add<K extends keyof HTMLElementTagNameMap>(parent: HTMLElement, tag: K, name = '', text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text) made.textContent = text
  parent.append(made)
  return made
}
