/**
 * The phone outbox. Any `<form data-outbox>` is written to IndexedDB first and then posted to its action, in order, with an
 * `Idempotency-Key` that stays the same over every try, and `X-Recorded-At` (when it was done, by this phone's clock).
 * Pictures are scaled down to 1600 px JPEG before they are kept. Sent on start, `online`, and when the page is shown again.
 *
 * `data-outbox-title="巡查打点 图书馆"` names the item in the list; `data-outbox-after="/m/"` is where to go when it is kept.
 * An item belongs to the account that made it: another account on the same phone neither sees nor sends it, and the server takes it
 * from nobody else's session (`X-Account`: a tab may still show the one while the other has signed in beside it).
 * The server answers 2xx or a redirect (taken), 4xx with `{"detail": "…"}` or a page with `role="alert"` (refused, shown with the
 * server's sentence), anything else counts as no network and is tried again.
 */
import { openDB, type DBSchema } from 'idb'
import { toast } from './toasts'

type Part = [name: string, value: string | Blob, file?: string]
export interface Item {
  id?: number
  key: string
  account: string
  action: string
  title: string
  parts: Part[]
  at: string
  refused?: string
}
interface Store extends DBSchema { items: { key: number; value: Item } }
type Outcome = { kind: 'sent'; url: string } | { kind: 'refused'; sentence: string } | { kind: 'later'; sentence: string }

const MAX_SIDE = 1600
const RETRY_MS = 30_000
const db = openDB<Store>('outbox', 1, { upgrade(d) { d.createObjectStore('items', { keyPath: 'id', autoIncrement: true }) } })
const account = (): string => document.body.dataset.account ?? ''
const csrf = (): string => document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? document.body.dataset.csrf ?? ''

async function mine(): Promise<Item[]> {
  return (await (await db).getAll('items')).filter((item) => item.account === account())
}

export async function smaller(file: File): Promise<Blob> {
  if (!/^image\/(jpeg|png|webp|heic|heif)$/.test(file.type)) return file
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
    const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height))
    if (scale === 1 && file.size < 400_000) return file
    const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) })
    canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    return await new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob ?? file), 'image/jpeg', 0.82))
  } catch {
    return file // a format this browser cannot draw: the server decides
  }
}

async function packed(form: HTMLFormElement, submitter: HTMLElement | null): Promise<Part[]> {
  const parts: Part[] = []
  for (const [name, value] of new FormData(form, submitter)) {
    if (name === 'csrfmiddlewaretoken') continue
    if (typeof value === 'string') parts.push([name, value])
    else if (value.size) {
      const blob = await smaller(value)
      parts.push([name, blob, blob === value ? value.name : value.name.replace(/\.\w+$/, '') + '.jpg'])
    }
  }
  return parts
}

/** Keeps one item. For islands that send without a form, e.g. a punch. */
export async function put(action: string, title: string, parts: Part[]): Promise<number> {
  const id = await (await db).add('items', { key: crypto.randomUUID(), account: account(), action, title, parts, at: new Date().toISOString() } as Item)
  await paint()
  return id
}

async function send(item: Item): Promise<Outcome> {
  const body = new FormData()
  for (const [name, value, file] of item.parts) typeof value === 'string' ? body.append(name, value) : body.append(name, value, file ?? 'photo.jpg')
  const headers = { 'Idempotency-Key': item.key, 'X-Recorded-At': item.at, 'X-CSRFToken': csrf(), 'X-Outbox': '1', 'X-Account': item.account }
  const response = await fetch(item.action, { method: 'POST', body, headers, credentials: 'same-origin', signal: AbortSignal.timeout?.(60_000) }).catch(() => null)
  if (!response) return { kind: 'later', sentence: '没有网络' }
  const text = await response.text().catch(() => '')
  const page = /html/.test(response.headers.get('Content-Type') ?? '') ? new DOMParser().parseFromString(text, 'text/html') : null
  if (response.status === 401 && /json/.test(response.headers.get('Content-Type') ?? '')) return { kind: 'later', sentence: sentenceOf(text, page) }
  if (response.status === 401 || page?.body.dataset.page === 'auth') return { kind: 'later', sentence: '请重新登录，登录后自动上传' }
  if (response.ok) return { kind: 'sent', url: response.redirected ? response.url : '' }
  if (response.status >= 500 || response.status === 429 || response.status === 408) return { kind: 'later', sentence: '服务器忙，稍后自动再试' }
  return { kind: 'refused', sentence: sentenceOf(text, page) }
}

function sentenceOf(text: string, page: Document | null): string {
  const said = page?.querySelector('[role=alert], .invalid-feedback, main p')?.textContent?.trim()
  if (said) return said.replace(/\s+/g, ' ')
  try {
    const problem = JSON.parse(text) as { detail?: string; title?: string }
    return problem.detail ?? problem.title ?? '服务器没有接受这一条'
  } catch {
    return '服务器没有接受这一条'
  }
}

let busy: Promise<Map<number, Outcome>> | null = null
let timer = 0
/** Sends what waits, oldest first; stops at the first one that finds no network. */
export const flush = (): Promise<Map<number, Outcome>> => (busy ??= exclusively().finally(() => { busy = null }))

/** Two open tabs must not send the same item at once. */
const exclusively = (): Promise<Map<number, Outcome>> => navigator.locks ? navigator.locks.request('outbox', drain) : drain()

async function drain(): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>(), store = await db
  clearTimeout(timer)
  for (const item of await mine()) {
    if (item.refused) continue
    const outcome = await send(item)
    outcomes.set(item.id!, outcome)
    if (outcome.kind === 'sent') await store.delete('items', item.id!)
    else if (outcome.kind === 'refused') await store.put('items', { ...item, refused: outcome.sentence })
    else {
      note = outcome.sentence
      timer = window.setTimeout(() => void flush(), RETRY_MS)
      break
    }
    note = ''
  }
  await paint()
  return outcomes
}

let note = ''
async function paint(): Promise<void> {
  const items = await mine(), waiting = items.filter((item) => !item.refused).length, refused = items.length - waiting
  document.body.dataset.outbox = String(items.length)
  document.querySelectorAll<HTMLElement>('[data-outbox-count]').forEach((el) => {
    el.textContent = [waiting ? `待上传 ${waiting} 条` : '', refused ? `被退回 ${refused} 条` : ''].filter(Boolean).join('，') || '全部已上传'
    el.dataset.tone = refused ? 'bad' : waiting ? 'warn' : 'ok'
  })
  document.querySelectorAll<HTMLElement>('[data-outbox-note]').forEach((el) => { el.textContent = waiting ? note : '' })
  document.querySelectorAll<HTMLElement>('[data-outbox-panel]').forEach((el) => { el.hidden = items.length === 0 })
  document.querySelectorAll<HTMLElement>('[data-outbox-flush]').forEach((el) => { el.hidden = waiting === 0 })
  document.querySelectorAll<HTMLElement>('[data-outbox-list]').forEach((el) => el.replaceChildren(...items.map(row)))
}

function row(item: Item): HTMLElement {
  const model = document.querySelector<HTMLTemplateElement>('#outbox-model')!
  const el = (model.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
  const part = <T extends HTMLElement>(name: string): T => el.querySelector<T>(`[data-part="${name}"]`)!
  part('title').textContent = item.title
  part('at').textContent = new Date(item.at).toLocaleString('zh-CN', { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false })
  part('state').textContent = item.refused ? '被退回' : '待上传'
  part('reason').textContent = item.refused ?? ''
  el.dataset.tone = item.refused ? 'bad' : 'warn'
  part('actions').hidden = !item.refused
  part('retry').addEventListener('click', () => void change(item, true))
  part('discard').addEventListener('click', () => void change(item, false))
  return el
}

async function change(item: Item, again: boolean): Promise<void> {
  const store = await db
  if (again) await store.put('items', { ...item, refused: undefined })
  else await store.delete('items', item.id!)
  await paint()
  if (again) await flush()
}

async function submit(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const action = (submitter as HTMLButtonElement | null)?.getAttribute('formaction') ?? form.action
  form.querySelectorAll<HTMLElement>('[data-outbox-error]').forEach((box) => { box.hidden = true })
  const buttons = [...form.querySelectorAll<HTMLButtonElement>('button')].filter((button) => !button.disabled)
  const parts = await packed(form, submitter)
  buttons.forEach((button) => { button.disabled = true })
  try {
    const id = await put(action, form.dataset.outboxTitle ?? document.title, parts)
    const outcome = (await Promise.race([flush(), new Promise<null>((done) => setTimeout(() => done(null), 6000))]))?.get(id)
    if (outcome?.kind === 'refused') {
      // Still in the form: say why here, and keep nothing behind the user's back.
      await (await db).delete('items', id)
      await paint()
      complain(form, outcome.sentence)
      return
    }
    if (outcome?.kind !== 'sent') toast('已存到本机，联网后自动上传。', 'info')
    const after = form.dataset.outboxAfter || (outcome?.kind === 'sent' ? outcome.url : '')
    form.dispatchEvent(new CustomEvent('outbox:kept', { bubbles: true, detail: { sent: outcome?.kind === 'sent' } }))
    if (after) location.assign(after)
    else {
      form.reset()
      if (outcome?.kind === 'sent') toast('已上传。', 'ok')
    }
  } catch {
    complain(form, '这台手机存不下这一条，请清理空间后再试。')
  } finally {
    buttons.forEach((button) => { button.disabled = false })
  }
}

function complain(form: HTMLFormElement, sentence: string): void {
  const box = form.querySelector<HTMLElement>('[data-outbox-error]') ?? form.insertAdjacentElement('afterbegin', Object.assign(document.createElement('p'), { className: 'alert alert-danger' })) as HTMLElement
  box.dataset.outboxError = ''
  box.setAttribute('role', 'alert')
  box.textContent = sentence
  box.hidden = false
  box.scrollIntoView({ block: 'center' })
}

export async function startOutbox(): Promise<void> {
  document.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    if (!('outbox' in form.dataset)) return
    event.preventDefault()
    void submit(form, (event as SubmitEvent).submitter)
  })
  addEventListener('online', () => void flush())
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void flush() })
  document.addEventListener('htmx:after:swap', () => void paint())
  document.addEventListener('click', (event) => { if ((event.target as Element).closest('[data-outbox-flush]')) void flush() })
  void navigator.storage?.persist?.()
  // Pages kept for the one who signed in before are not for the next one.
  if (account() !== localStorage.getItem('account')) {
    localStorage.setItem('account', account())
    navigator.serviceWorker?.controller?.postMessage('forget-pages')
  }
  await paint()
  await flush()
}
