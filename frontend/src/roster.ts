// @entry
/**
 * The roster grid: people × days. Everything is done in the page and saved in one batch; the server answers cell by cell.
 * Mouse: with a shift chosen in the palette, drag paints; without, drag selects, and dragging a selection moves it.
 * Keys: arrows, Shift+arrows, typing a code, space (post and place), Ctrl+C / V / Z / S, Delete.
 */
import './roster.css'
import { choose, type Item, type Place, type Post } from './roster-chooser'
import { toast } from './toasts'

interface Shift { id: string; code: string; name: string; colour: string; active: boolean; times: string; minutes: number }
interface Person { id: string; name: string; number: string; post: string | null; group: string; sub: string; edit: boolean; from: string; to: string }
interface Day { day: string; n: number; week: string; mark: string; rest: boolean; name: string; today: boolean; past: boolean }
interface Data {
  days: Day[]; shifts: Shift[]; posts: Post[]; places: Place[]; people: Person[]; cells: Record<string, Item[]>
  warnings: Record<string, string[]>; leaves: Record<string, string>; frozen: string[]
  others: Record<string, number>; contract: Record<string, Asked> | null; may_edit: boolean; save: string
}
interface Asked { asked: number; lacking: number; posts: string[] }
interface Answer { contract: Record<string, Asked> | null; saved: number; cells: Record<string, Item[]>; refused: { cell: string; sentence: string }[]; warnings: string[]; detail?: string }
interface Spot { r: number; d: number }

const REST = 'rest'

class Grid {
  private shifts = new Map<string, Shift>()
  private posts = new Map<string, Post>()
  private places = new Map<string, Place>()
  private codes = new Map<string, Shift>()
  private there: Record<string, Item[]>
  private now = new Map<string, Item[]>()
  private bad = new Map<string, string>()
  private frozen: Set<string>
  private undone: Map<string, Item[]>[] = []
  private at: Spot = { r: 0, d: 0 }
  private from: Spot = { r: 0, d: 0 }
  private brush: string | null = null
  private painting: Map<string, Item[]> | null = null
  private moving: Spot | null = null
  private dragging = false
  private clip: Item[][][] | null = null
  private tds: HTMLTableCellElement[][] = []
  private sums: HTMLElement[] = []
  private heads: HTMLElement[] = []
  private asked: HTMLElement[] = []
  private tip: HTMLElement | null = null
  private saving = false

  constructor(private box: HTMLElement, private data: Data) {
    this.there = data.cells
    this.frozen = new Set(data.frozen)
    for (const s of data.shifts) { this.shifts.set(s.id, s); if (s.active) { this.codes.set(s.code, s); this.codes.set(s.name, s) } }
    for (const p of data.posts) this.posts.set(p.id, p)
    for (const p of data.places) this.places.set(p.id, p)
    this.draw()
    this.palette()
    this.listen()
    box.querySelector('.today')?.scrollIntoView({ block: 'nearest', inline: 'center' })
    window.scrollTo(0, 0)
  }

  private key(s: Spot): string { return `${this.data.people[s.r].id}|${this.data.days[s.d].day}` }
  private items(key: string): Item[] { return this.now.get(key) ?? this.there[key] ?? [] }
  private may(s: Spot): boolean {
    const p = this.data.people[s.r], day = this.data.days[s.d].day
    return this.data.may_edit && p.edit && !(p.from && day < p.from) && !(p.to && day > p.to) && !this.frozen.has(this.key(s))
  }

  private draw(): void {
    const table = document.createElement('table')
    table.className = 'ro'
    table.setAttribute('role', 'grid')
    table.setAttribute('aria-label', '排班表')
    const head = table.createTHead().insertRow()
    const corner = el('th', 'who', '人员')
    corner.setAttribute('scope', 'col')
    head.append(corner)
    for (const d of this.data.days) {
      const th = el('th', d.today ? 'today' : '')
      th.setAttribute('scope', 'col')
      th.append(el('b', '', String(d.n)), el('span', '', `${d.week}`))
      if (d.mark || d.name) { const note = el('em', d.mark === '休' ? 'rest' : d.mark ? '' : 'term', d.mark ? `${d.mark} ${d.name}` : d.name); note.title = d.name; th.append(note) }
      head.append(th)
    }
    const sum = el('th', 'sum', '工时')
    sum.setAttribute('scope', 'col')
    head.append(sum)
    const body = table.createTBody()
    this.data.people.forEach((p, r) => {
      const row = body.insertRow()
      const th = el('th', 'who')
      th.setAttribute('scope', 'row')
      th.append(el('b', '', p.name), el('small', '', p.sub))
      th.title = `${p.name} ${p.number} ${p.sub}`
      row.append(th)
      this.tds[r] = this.data.days.map((_d, d) => {
        const td = row.insertCell()
        td.dataset.r = String(r)
        td.dataset.d = String(d)
        td.tabIndex = -1
        td.setAttribute('role', 'gridcell')
        return td
      })
      this.sums[r] = el('td', 'sum')
      row.append(this.sums[r])
      this.data.days.forEach((_d, d) => this.show({ r, d }))
      this.total(r)
    })
    this.foot(table)
    this.box.replaceChildren(table)
    if (this.tds[0]) this.tds[0][0].tabIndex = 0
  }

  /** How many are on shift each day, and what of the contract nobody is rostered for. */
  private foot(table: HTMLTableElement): void {
    const foot = table.createTFoot(), line = (name: string, more: string): HTMLElement[] => {
      const row = foot.insertRow(), th = el('th', 'who')
      th.setAttribute('scope', 'row')
      th.append(el('b', '', name), el('small', '', more))
      row.append(th)
      const cells = [...this.data.days, null].map((d) => el('td', d ? `h${d.today ? ' today' : ''}` : 'sum'))
      row.append(...cells)
      return cells
    }
    this.heads = line('上班人数', '按当前筛选')
    if (this.data.contract) this.asked = line('合同缺口', '小时')
    this.data.days.forEach((_d, d) => { this.head(d); this.ask(d) })
  }

  private head(d: number): void {
    const day = this.data.days[d].day
    const here = this.data.people.filter((_p, r) => this.items(this.key({ r, d })).some((i) => i.shift)).length
    this.heads[d].textContent = String(here + (this.data.others[day] ?? 0))
  }

  private ask(d: number): void {
    if (!this.data.contract) return
    const day = this.data.days[d].day, found = this.data.contract[day], td = this.asked[d]
    const old = this.data.people.some((_p, r) => this.now.has(this.key({ r, d })))
    td.className = ['h', this.data.days[d].today ? 'today' : '', found?.lacking ? 'short' : '', old ? 'old' : ''].filter(Boolean).join(' ')
    td.replaceChildren(el('span', '', !found ? '' : found.lacking ? String(found.lacking) : '满'))
    td.title = !found ? '当天没有合同要求' : [`合同要求 ${found.asked} 小时`, ...(found.lacking ? found.posts : ['已排满']), ...(old ? ['有未保存的修改，保存后重算'] : [])].join('\n')
    const all = Object.entries(this.data.contract).filter(([k]) => this.data.days.some((x) => x.day === k))
    const sum = all.reduce((n, [, x]) => n + x.lacking, 0)
    this.asked[this.data.days.length].textContent = sum ? `缺 ${Math.round(sum)}` : ''
  }

  private show(s: Spot): void {
    const td = this.tds[s.r][s.d], key = this.key(s), day = this.data.days[s.d], p = this.data.people[s.r]
    const items = this.items(key), out = (p.from && day.day < p.from) || (p.to && day.day > p.to)
    td.className = ['c', day.rest ? 'rest' : '', day.today ? 'today' : '', out ? 'out' : '', this.frozen.has(key) ? 'frozen' : '', this.now.has(key) ? 'dirty' : '', this.bad.has(key) ? 'bad' : ''].filter(Boolean).join(' ')
    const div = el('div', '')
    div.setAttribute('aria-hidden', 'true')
    for (const i of items) {
      const shift = i.shift ? this.shifts.get(i.shift) : undefined
      const chip = el('span', `ro-chip${i.shift ? '' : ' ro-rest'}${i.shift && i.draft !== false ? ' ro-draft' : ''}`, shift?.code ?? '休')
      if (shift) chip.style.setProperty('--c', shift.colour)
      div.append(chip)
    }
    td.replaceChildren(div)
    const where = items.map((i) => this.where(i, p)).filter(Boolean)
    if (where.length) { const small = el('small', 'ro-where', where.join(' ')); small.setAttribute('aria-hidden', 'true'); td.append(small) }
    const warned = this.said(key)
    if (items.length && warned.length) { const mark = el('i', 'ro-warn'); td.append(mark) }
    if (this.data.leaves[key]) td.append(el('i', 'leave'))
    const words = items.map((i) => this.words(i, p)).join('、') || '没有排班'
    td.append(el('span', 'visually-hidden', [p.name, `${Number(day.day.slice(5, 7))}月${day.n}日`, words, ...warned].join(' ')))
  }

  private words(i: Item, p: Person): string {
    if (!i.shift) return '休息'
    const s = this.shifts.get(i.shift)
    const post = i.post && i.post !== p.post ? this.posts.get(i.post)?.name ?? '' : ''
    const place = i.place && i.place !== this.home(i.post) ? this.places.get(i.place)?.name ?? '' : ''
    const where = post || place ? `（${[post, place].filter(Boolean).join('，')}）` : ''
    return `${s?.name ?? ''}${where} ${s?.times ?? ''}${i.draft === false ? '' : ' 草稿'}`
  }

  /** Where the post is. */
  private home(post: string | null): string | null { return (post && this.posts.get(post)?.place) || null }

  /** What differs from the person's own post and its place, in a few letters. */
  private where(i: Item, p: Person): string {
    if (!i.shift) return ''
    if (i.post && i.post !== p.post) return this.posts.get(i.post)?.name ?? ''
    return i.place && i.place !== this.home(i.post) ? this.places.get(i.place)?.short ?? '' : ''
  }

  /** An item as it is stored: an open post is the person's own, an open place is the post's. */
  private whole(i: Item, p: Person): Item {
    if (!i.shift) return { shift: null, post: null, place: null }
    const post = i.post ?? p.post
    return { shift: i.shift, post, place: i.place ?? this.home(post) }
  }

  /** An item free of its person: the own post and the post's place are left open, so that it fits another one. */
  private free(i: Item, p: Person): Item {
    return { shift: i.shift, post: i.post === p.post ? null : i.post, place: i.place === this.home(i.post) ? null : i.place }
  }

  private sign(items: Item[], p: Person): string {
    return items.map((i) => this.whole(i, p)).map((i) => `${i.shift}/${i.post}/${i.place}`).sort().join(',')
  }

  /** Why a cell is marked: a refusal, a missing certificate, a leave. */
  private said(key: string): string[] {
    const found = [...(this.data.warnings[key] ?? [])]
    const works = this.items(key).some((i) => i.shift)
    if (this.data.leaves[key] && works) found.push(`已批准${this.data.leaves[key]}`)
    const refused = this.bad.get(key)
    return refused ? [refused, ...found] : found
  }

  private total(r: number): void {
    let minutes = 0
    this.data.days.forEach((_d, d) => { for (const i of this.items(this.key({ r, d }))) minutes += (i.shift ? this.shifts.get(i.shift)?.minutes : 0) ?? 0 })
    this.sums[r].textContent = minutes ? `${Math.round(minutes / 6) / 10}` : ''
  }

  private palette(): void {
    const bar = document.getElementById('ro-palette')
    if (!bar) return
    const choose = (value: string | null) => {
      this.brush = this.brush === value ? null : value
      bar.querySelectorAll('button').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.shift === this.brush)))
    }
    for (const s of [...this.data.shifts.filter((x) => x.active), null]) {
      const b = document.createElement('button')
      b.type = 'button'
      b.dataset.shift = s ? s.id : REST
      b.setAttribute('aria-pressed', 'false')
      const chip = el('span', `ro-chip${s ? '' : ' ro-rest'}`, s ? s.code : '休')
      if (s) chip.style.setProperty('--c', s.colour)
      b.append(chip, el('span', '', s ? s.name : '休息'))
      if (s) b.append(el('small', '', s.times))
      b.addEventListener('click', () => choose(b.dataset.shift ?? null))
      bar.append(b)
    }
  }

  // --- Changing ---------------------------------------------------------------------------------

  private set(spots: [Spot, Item[]][]): void {
    const before = new Map<string, Item[]>()
    let closed = 0
    for (const [s, items] of spots) {
      if (s.r >= this.data.people.length || s.d >= this.data.days.length) continue
      if (!this.may(s)) { closed += 1; continue }
      const key = this.key(s)
      before.set(key, this.items(key))
      this.put(s, items)
    }
    if (before.size) this.undone.push(before)
    if (closed) toast(`${closed} 格不能改：不在职、当月考勤已确认，或不是您负责的人`, 'warn')
    this.count()
  }

  private put(s: Spot, items: Item[]): void {
    const key = this.key(s), p = this.data.people[s.r]
    if (this.sign(items, p) === this.sign(this.there[key] ?? [], p)) this.now.delete(key)
    else this.now.set(key, items.map((i) => this.whole(i, p)))
    this.bad.delete(key)
    this.show(s)
    this.total(s.r)
    this.head(s.d)
    this.ask(s.d)
  }

  private undo(): void {
    const last = this.undone.pop()
    if (!last) { toast('没有可以撤销的修改', 'info'); return }
    for (const [key, items] of last) { const s = this.find(key); if (s) this.put(s, items) }
    this.count()
  }

  private find(key: string): Spot | null {
    const [who, day] = key.split('|')
    const r = this.data.people.findIndex((p) => p.id === who), d = this.data.days.findIndex((x) => x.day === day)
    return r < 0 || d < 0 ? null : { r, d }
  }

  private count(): void {
    const bar = document.getElementById('ro-save')
    if (!bar) return
    bar.hidden = this.now.size === 0
    const text = bar.querySelector('[data-part=count]')
    if (text) text.textContent = `${this.now.size} 格未保存`
  }

  private async save(): Promise<void> {
    if (this.saving || !this.now.size) return
    this.saving = true
    const cells = [...this.now].map(([key, items]) => {
      const [staff, day] = key.split('|')
      return { staff, day, items, seen: (this.there[key] ?? []).map((i) => i.id) }
    })
    try {
      const csrf = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? document.body.dataset.csrf ?? ''
      const response = await fetch(this.data.save, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrf }, body: JSON.stringify({ cells }) })
      const answer = await response.json() as Answer
      if (!response.ok) { toast(answer.detail ?? '没有保存，请稍后再试', 'bad'); return }
      this.took(answer)
    } catch {
      toast('没有连上服务器，修改还在页面上，请稍后再点保存', 'bad')
    } finally {
      this.saving = false
    }
  }

  private took(answer: Answer): void {
    this.bad.clear()
    for (const [key, items] of Object.entries(answer.cells)) { this.there[key] = items; this.now.delete(key) }
    for (const r of answer.refused) this.bad.set(r.cell, r.sentence)
    this.undone = []
    if (this.data.contract) Object.assign(this.data.contract, answer.contract)
    this.data.people.forEach((_p, r) => { this.data.days.forEach((_d, d) => this.show({ r, d })); this.total(r) })
    this.data.days.forEach((_d, d) => { this.head(d); this.ask(d) })
    this.select()
    this.count()
    document.querySelector('.ro-refused')?.remove()
    if (answer.refused.length) {
      const list = el('ul', 'ro-refused')
      list.setAttribute('role', 'alert')
      for (const r of answer.refused.slice(0, 8)) list.append(el('li', '', r.sentence))
      if (answer.refused.length > 8) list.append(el('li', '', `另有 ${answer.refused.length - 8} 格没有保存，移到红框格子上看原因`))
      this.box.before(list)
    }
    if (answer.saved) toast(`已保存 ${answer.saved} 格${answer.refused.length ? `，${answer.refused.length} 格没有保存` : ''}`, answer.refused.length ? 'warn' : 'ok')
    else if (!answer.refused.length) toast('没有需要保存的变化', 'info')
    if (answer.warnings.length) toast(`${answer.warnings.length} 格的人已请假：${answer.warnings[0]}`, 'warn')
  }

  // --- Selecting, keys, mouse -------------------------------------------------------------------

  private block(): { r0: number; r1: number; d0: number; d1: number } {
    return { r0: Math.min(this.at.r, this.from.r), r1: Math.max(this.at.r, this.from.r), d0: Math.min(this.at.d, this.from.d), d1: Math.max(this.at.d, this.from.d) }
  }

  private selected(): Spot[] {
    const b = this.block(), found: Spot[] = []
    for (let r = b.r0; r <= b.r1; r++) for (let d = b.d0; d <= b.d1; d++) found.push({ r, d })
    return found
  }

  private select(): void {
    this.box.querySelectorAll('.sel, .at').forEach((td) => td.classList.remove('sel', 'at'))
    const many = this.selected()
    if (many.length > 1) for (const s of many) this.tds[s.r][s.d].classList.add('sel')
    this.tds[this.at.r]?.[this.at.d]?.classList.add('at')
  }

  private go(s: Spot, keep = false): void {
    const r = Math.max(0, Math.min(this.data.people.length - 1, s.r)), d = Math.max(0, Math.min(this.data.days.length - 1, s.d))
    this.tds[this.at.r][this.at.d].tabIndex = -1
    this.at = { r, d }
    if (!keep) this.from = { r, d }
    const td = this.tds[r][d]
    td.tabIndex = 0
    td.focus({ preventScroll: true })
    td.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    this.select()
  }

  private itemsOf(text: string): Item[] | null {
    const words = text.trim().split(/[\s+、,，/]+/).filter(Boolean)
    if (words.length === 1 && words[0] === '休') return [{ shift: null, post: null, place: null }]
    const found = words.map((w) => this.codes.get(w))
    if (found.some((s) => !s)) return null
    return found.map((s) => ({ shift: s!.id, post: null, place: null }))
  }

  private brushItems(): Item[] { return [{ shift: this.brush === REST ? null : this.brush, post: null, place: null }] }

  /** The dialog for what is selected: shifts with posts and places. */
  private async ponder(): Promise<void> {
    const spots = this.selected().filter((s) => this.may(s)), s = spots[0]
    if (!s) { toast('这一格不能改：不在职、当月考勤已确认，或不是您负责的人', 'warn'); return }
    const people = [...new Set(spots.map((x) => x.r))].map((r) => this.data.people[r]), p = this.data.people[s.r], day = this.data.days[s.d]
    const own = people.length > 1 ? '各人自己的岗位' : p.post ? `本人岗位：${this.posts.get(p.post)?.name ?? ''}` : '没有固定岗位，请选择'
    const items = await choose({
      title: spots.length > 1 ? `${people.length > 1 ? `${people.length} 人` : p.name}，共 ${spots.length} 格` : `${p.name} ${Number(day.day.slice(5, 7))}月${day.n}日 周${day.week}`,
      own, items: this.items(this.key(s)).map((i) => this.free(i, p)), shifts: this.data.shifts.filter((x) => x.active),
      posts: this.data.posts.filter((x) => x.active && people.every((y) => y.group === x.group)), places: this.data.places
    })
    if (items) this.set(spots.map((x) => [x, items]))
    this.tds[this.at.r][this.at.d].focus({ preventScroll: true })
  }

  private type(first: string): void {
    const s = { ...this.at }, td = this.tds[s.r][s.d]
    if (!this.may(s)) { toast('这一格不能改：不在职、当月考勤已确认，或不是您负责的人', 'warn'); return }
    const input = document.createElement('input')
    input.value = first
    input.maxLength = 20
    input.setAttribute('aria-label', '班次简称，休息写“休”')
    td.append(input)
    input.focus()
    let over = false
    const end = (take: boolean, move?: Spot) => {
      if (over) return
      over = true
      const text = input.value.trim()
      input.remove()
      if (take && text) {
        const items = this.itemsOf(text)
        if (items) this.set(this.selected().map((x) => [x, items]))
        else toast(`没有简称为「${text}」的班次。可用：${[...new Set([...this.codes.values()].map((x) => x.code))].join('、')}、休`, 'warn')
      }
      this.go(move ?? s, !move)
    }
    input.addEventListener('keydown', (e) => {
      e.stopPropagation()
      if (e.isComposing) return
      if (e.key === 'Enter') { e.preventDefault(); end(true, { r: s.r + 1, d: s.d }) }
      if (e.key === 'Tab') { e.preventDefault(); end(true, { r: s.r, d: s.d + (e.shiftKey ? -1 : 1) }) }
      if (e.key === 'Escape') end(false)
    })
    input.addEventListener('blur', () => end(true))
  }

  private copy(board: DataTransfer | null): void {
    const b = this.block()
    this.clip = []
    for (let r = b.r0; r <= b.r1; r++) {
      const line: Item[][] = []
      for (let d = b.d0; d <= b.d1; d++) line.push(this.items(this.key({ r, d })).map((i) => this.free(i, this.data.people[r])))
      this.clip.push(line)
    }
    const text = this.clip.map((line) => line.map((items) => items.map((i) => (i.shift ? this.shifts.get(i.shift)?.code ?? '' : '休')).join('+')).join('\t')).join('\n')
    board?.setData('text/plain', text)
    toast(`已复制 ${this.selected().length} 格`, 'info')
  }

  private paste(text: string): void {
    const b = this.block()
    let source: (Item[] | null)[][]
    const mine = this.clip?.map((l) => l.map((items) => items.map((i) => (i.shift ? this.shifts.get(i.shift)?.code ?? '' : '休')).join('+')).join('\t')).join('\n')
    if (this.clip && (!text || text.replace(/\r/g, '').trimEnd() === mine?.trimEnd())) source = this.clip
    else source = text.replace(/\r/g, '').replace(/\n$/, '').split('\n').map((l) => l.split('\t').map((w) => (w.trim() ? this.itemsOf(w) : [])))
    const high = Math.max(source.length, b.r1 - b.r0 + 1), wide = Math.max(source[0]?.length ?? 0, b.d1 - b.d0 + 1)
    const spots: [Spot, Item[]][] = []
    let odd = 0
    for (let r = 0; r < high; r++) for (let d = 0; d < wide; d++) {
      const items = source[r % source.length]?.[d % source[0].length]
      if (items === null || items === undefined) { odd += 1; continue }
      spots.push([{ r: b.r0 + r, d: b.d0 + d }, items])
    }
    if (odd) toast(`${odd} 格的文字不是班次简称，没有粘贴`, 'warn')
    this.set(spots)
  }

  private spot(target: EventTarget | null): Spot | null {
    const td = target instanceof Element ? target.closest<HTMLTableCellElement>('td.c') : null
    return td ? { r: Number(td.dataset.r), d: Number(td.dataset.d) } : null
  }

  private paint(s: Spot): void {
    if (!this.painting || !this.may(s)) return
    const key = this.key(s)
    if (!this.painting.has(key)) this.painting.set(key, this.items(key))
    this.put(s, this.brushItems())
  }

  private listen(): void {
    this.box.addEventListener('mousedown', (e) => {
      const s = this.spot(e.target)
      if (!s || e.button !== 0 || e.target instanceof HTMLInputElement) return
      e.preventDefault()
      if (this.brush && this.data.may_edit) { this.painting = new Map(); this.go(s); this.paint(s); return }
      const b = this.block(), inside = s.r >= b.r0 && s.r <= b.r1 && s.d >= b.d0 && s.d <= b.d1
      if (!e.shiftKey && inside && this.data.may_edit && this.selected().some((x) => this.items(this.key(x)).length)) { this.moving = s; return }
      this.dragging = true
      this.go(s, e.shiftKey)
    })
    this.box.addEventListener('mouseover', (e) => {
      const s = this.spot(e.target)
      if (!s) return
      if (this.painting) this.paint(s)
      else if (this.moving) { this.box.querySelectorAll('.move').forEach((td) => td.classList.remove('move')); this.shifted(s).forEach((x) => this.tds[x.r]?.[x.d]?.classList.add('move')) }
      else if (this.dragging) this.go(s, true)
      else this.hint(s)
    })
    this.box.addEventListener('mouseleave', () => this.hint(null))
    document.addEventListener('mouseup', (e) => {
      this.dragging = false
      if (this.painting) { if (this.painting.size) this.undone.push(this.painting); this.painting = null; this.count() }
      if (this.moving) {
        const s = this.spot(e.target), from = this.moving
        this.box.querySelectorAll('.move').forEach((td) => td.classList.remove('move'))
        if (!s || (s.r === from.r && s.d === from.d)) { this.moving = null; if (s) this.go(s) } else this.drop(s)
        this.moving = null
      }
    })
    this.box.addEventListener('dblclick', (e) => { if (!this.brush && this.data.may_edit && this.spot(e.target) && !(e.target instanceof HTMLInputElement)) void this.ponder() })
    document.getElementById('ro-choose')?.addEventListener('click', () => void this.ponder())
    this.box.addEventListener('focusin', (e) => {
      const s = this.spot(e.target)
      if (s && !(e.target instanceof HTMLInputElement) && (s.r !== this.at.r || s.d !== this.at.d)) { this.at = s; this.from = s; this.select() }
      if (s) this.hint(s, true)
    })
    this.box.addEventListener('focusout', () => this.hint(null))
    this.box.addEventListener('keydown', (e) => this.keys(e))
    this.box.addEventListener('copy', (e) => { if (!(e.target instanceof HTMLInputElement)) { e.preventDefault(); this.copy(e.clipboardData) } })
    this.box.addEventListener('paste', (e) => { if (!(e.target instanceof HTMLInputElement)) { e.preventDefault(); this.paste(e.clipboardData?.getData('text') ?? '') } })
    document.querySelectorAll<HTMLElement>('#ro-save [data-act]').forEach((b) => b.addEventListener('click', () => (b.dataset.act === 'save' ? void this.save() : this.undo())))
    document.addEventListener('keydown', (e) => { if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 's' && this.now.size) { e.preventDefault(); void this.save() } })
    window.addEventListener('beforeunload', (e) => { if (this.now.size) e.preventDefault() })
  }

  /** Where the selection would lie if what was grabbed stood at `to`. */
  private shifted(to: Spot): Spot[] {
    const from = this.moving
    return from ? this.selected().map((x) => ({ r: x.r + to.r - from.r, d: x.d + to.d - from.d })) : []
  }

  private drop(to: Spot): void {
    const source = this.selected(), target = this.shifted(to)
    const carried = source.map((x) => this.items(this.key(x)).map((i) => this.free(i, this.data.people[x.r])))
    const spots: [Spot, Item[]][] = source.map((x) => [x, []])
    target.forEach((x, i) => { if (this.tds[x.r]?.[x.d]) spots.push([x, carried[i]]) })
    const last = new Map(spots.map(([x, items]) => [`${x.r}|${x.d}`, [x, items] as [Spot, Item[]]]))
    this.set([...last.values()])
    const b = this.block()
    this.from = { r: to.r, d: to.d }
    this.go({ r: to.r + b.r1 - b.r0, d: to.d + b.d1 - b.d0 }, true)
  }

  private keys(e: KeyboardEvent): void {
    if (e.target instanceof HTMLInputElement) return
    const step: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
    const ctrl = e.ctrlKey || e.metaKey
    if (step[e.key]) { e.preventDefault(); this.go({ r: this.at.r + step[e.key][0], d: this.at.d + step[e.key][1] }, e.shiftKey) }
    else if (e.key === 'Home') { e.preventDefault(); this.go({ r: ctrl ? 0 : this.at.r, d: 0 }, e.shiftKey) }
    else if (e.key === 'End') { e.preventDefault(); this.go({ r: ctrl ? this.data.people.length - 1 : this.at.r, d: this.data.days.length - 1 }, e.shiftKey) }
    else if (ctrl && e.key.toLowerCase() === 'z') { e.preventDefault(); this.undo() }
    else if (ctrl && e.key.toLowerCase() === 'a') { e.preventDefault(); this.from = { r: 0, d: 0 }; this.go({ r: this.data.people.length - 1, d: this.data.days.length - 1 }, true) }
    else if (ctrl || e.altKey) return
    else if (!this.data.may_edit) return
    else if (e.key === 'Delete' || e.key === 'Backspace') { e.preventDefault(); this.set(this.selected().map((s) => [s, []])) }
    else if (e.key === 'Enter' || e.key === 'F2') { e.preventDefault(); this.type('') }
    else if (e.key === 'Escape') { this.from = this.at; this.select(); if (this.brush) document.querySelector<HTMLElement>('#ro-palette [aria-pressed=true]')?.click() }
    else if (e.key === 'Process' || e.isComposing || e.keyCode === 229) this.type('')
    else if (e.key === ' ') { e.preventDefault(); void this.ponder() }
    else if (e.key.length === 1) { e.preventDefault(); this.type(e.key) }
  }

  /** The sentence of a marked cell, beside it. */
  private hint(s: Spot | null, focus = false): void {
    this.tip?.remove()
    this.tip = null
    if (!s) return
    const key = this.key(s), p = this.data.people[s.r], said = this.said(key), leave = this.data.leaves[key], items = this.items(key)
    if (!said.length && !leave && (focus || !items.length)) return
    const tip = el('div', 'ro-tip')
    tip.append(el('b', '', `${p.name} ${Number(this.data.days[s.d].day.slice(5, 7))}月${this.data.days[s.d].n}日`))
    for (const i of items) tip.append(el('div', '', this.words(i, p)))
    for (const w of said) tip.append(el('div', '', `⚠ ${w}`))
    if (leave && !items.some((i) => i.shift)) tip.append(el('div', '', `已批准${leave}`))
    document.body.append(tip)
    const at = this.tds[s.r][s.d].getBoundingClientRect()
    tip.style.left = `${Math.max(8, Math.min(innerWidth - tip.offsetWidth - 8, at.left))}px`
    tip.style.top = `${at.bottom + tip.offsetHeight + 8 > innerHeight ? at.top - tip.offsetHeight - 4 : at.bottom + 4}px`
    this.tip = tip
  }
}

function el(tag: string, name: string, text?: string): HTMLElement {
  const made = document.createElement(tag)
  if (name) made.className = name
  if (text !== undefined) made.textContent = text
  return made
}

const box = document.getElementById('ro-grid')
const raw = document.getElementById('ro-data')
if (box && raw?.textContent) new Grid(box, JSON.parse(raw.textContent) as Data)
document.addEventListener('click', (event) => { if (event.target instanceof Element && event.target.closest('[data-print]')) window.print() })
