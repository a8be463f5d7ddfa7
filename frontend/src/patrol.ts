// @entry The walk (/m/patrols/<id>/): every scan is kept in the outbox first; nothing here needs a network.
import './patrol.css'
import './inspect.css'
import { keepAnchor, serverNow, stamp } from './clock'
import { sure } from './confirm'
import { flush, put, smaller } from './outbox'
import { toast } from './toasts'

interface Question { id: string; text: string; kind: 'yes_no' | 'number' | 'text'; unit: string }
interface Point { id: string; place: string; where: string; instruction: string; photo: boolean; code: string; nfc: string; questions: Question[]; seen: boolean }
interface Kept { started?: string; finished?: string; seen: Record<string, string> }
interface TagReader { scan(): Promise<void>; addEventListener(name: 'reading', heard: (event: Event & { serialNumber: string }) => void): void }
type Part = [name: string, value: string | Blob, file?: string]

/** As tenants/patrols/marks.py makes it; slow on purpose (half a second on a cheap phone), since a code is short. */
async function digest(text: string, salt: string, iterations: number): Promise<string> {
  const bytes = (said: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(said)
  const key = await crypto.subtle.importKey('raw', bytes(text.trim().toUpperCase()), 'PBKDF2', false, ['deriveBits'])
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: bytes(salt), iterations }, key, 256)
  return [...new Uint8Array(bits)].map((b) => b.toString(16).padStart(2, '0')).join('')
}

/** A label's address ends in /q/<code>; a bare code is taken as it is. */
const codeIn = (text: string): string => text.match(/\/q\/([A-Za-z0-9-]{2,24})\/?$/)?.[1] ?? text.trim()

function position(): Promise<GeolocationPosition | null> {
  if (!navigator.geolocation) return Promise.resolve(null)
  return new Promise((done) => navigator.geolocation.getCurrentPosition(done, () => done(null), { enableHighAccuracy: true, maximumAge: 5_000, timeout: 6_000 }))
}

function begin(walk: HTMLElement): void {
  const points: Point[] = JSON.parse(document.querySelector('#patrol-points')!.textContent!)
  const store = `patrol:${walk.dataset.tour}`
  const kept: Kept = { seen: {}, ...JSON.parse(localStorage.getItem(store) ?? '{}') }
  const part = <T extends HTMLElement>(name: string): T => walk.querySelector<T>(`[data-part="${name}"]`)!
  const sheet = document.querySelector<HTMLDialogElement>('#stop')!, form = sheet.querySelector('form')!
  keepAnchor()
  let open: { point: Point; proof: Part[] } | null = null
  let where: Promise<GeolocationPosition | null> = Promise.resolve(null)

  const at = (): Part[] => [['at', new Date().toISOString()], ...Object.entries(stamp() ?? {})]
  const save = (): void => { localStorage.setItem(store, JSON.stringify(kept)); paint() }
  const seen = (point: Point): boolean => point.seen || point.id in kept.seen
  const next = (): Point | undefined => points.find((p) => !seen(p))
  const started = (): boolean => Boolean(walk.dataset.started || kept.started)

  function paint(): void {
    const done = points.filter(seen).length
    part('progress').textContent = `已到 ${done} / ${points.length}`
    walk.querySelector('progress')!.value = done
    part('start').hidden = started()
    part('acts').hidden = part('ending').hidden = !started() || Boolean(kept.finished)
    part('over').hidden = !kept.finished
    part('next').textContent = next() ? `下一个：${next()!.place}` : '全部到点，可以结束了'
    part('points').replaceChildren(...points.map((p) => {
      const li = document.createElement('li')
      li.dataset.state = seen(p) ? 'seen' : p === next() ? 'next' : 'due'
      const name = document.createElement('b'), note = document.createElement('small')
      name.textContent = p.place
      note.textContent = seen(p) ? (kept.seen[p.id] ? `${kept.seen[p.id]} 已到` : '已到') : p.instruction || p.where
      li.append(name, note)
      return li
    }))
  }

  /** Sends what was kept; a refusal takes the mark back and says why. */
  async function send(action: string, title: string, parts: Part[], undo: () => void): Promise<boolean> {
    const id = await put(action, title, parts)
    const outcome = (await flush()).get(id)
    if (outcome?.kind === 'refused') { undo(); save(); toast(outcome.sentence, 'bad'); return false }
    if (outcome?.kind !== 'sent') toast('已存到本机，联网后自动上传。', 'info')
    return true
  }

  part('start').addEventListener('click', () => {
    kept.started = serverNow().toISOString()
    save()
    void send(walk.dataset.startUrl!, `开始巡更 ${walk.dataset.name}`, at(), () => { delete kept.started })
  })

  async function found(text: string, kind: 'code' | 'nfc', method: string): Promise<void> {
    const value = kind === 'code' ? codeIn(text) : text
    const plain = kind === 'code' ? value : value.replace(/[:\-.\s]/g, '')
    if (!plain.trim()) return
    walk.setAttribute('aria-busy', 'true')
    const hash = await digest(plain, walk.dataset.salt!, Number(walk.dataset.rounds)).finally(() => walk.removeAttribute('aria-busy'))
    const point = points.find((p) => { const mark = kind === 'code' ? p.code : p.nfc; return mark && hash.startsWith(mark) })
    if (!point) return toast('这个码不在本次路线上，请核对点位。', 'bad')
    if (seen(point)) return toast(`“${point.place}”已经到过了。`, 'info')
    if (walk.dataset.ordered && point !== next()) toast(`还没到“${next()!.place}”，跳过的点要说明原因。`, 'warn')
    where = position()
    open = { point, proof: [[kind, value], ['method', method]] }
    ask(point)
  }

  function ask(point: Point): void {
    form.reset()
    sheet.querySelector('h2')!.textContent = point.place
    sheet.querySelector<HTMLElement>('[data-part=instruction]')!.textContent = point.instruction
    sheet.querySelector<HTMLElement>('[data-part=wrong]')!.hidden = true
    sheet.querySelector<HTMLElement>('[data-part=photo] span')!.textContent = point.photo ? '拍照（必填）' : '拍照（可不拍）'
    sheet.querySelector('[data-part=questions]')!.replaceChildren(...point.questions.map(field))
    sheet.showModal()
  }

  function field(question: Question): HTMLElement {
    const name = `answer-${question.id}`
    const box = document.createElement('fieldset')
    const legend = box.appendChild(document.createElement('legend'))
    legend.textContent = question.text + (question.unit ? `（${question.unit}）` : '')
    if (question.kind === 'yes_no') {
      const pair = box.appendChild(Object.assign(document.createElement('div'), { className: 'pair-choice' }))
      for (const [value, word] of [['yes', '正常'], ['no', '异常']] as const) {
        const label = pair.appendChild(document.createElement('label'))
        label.append(Object.assign(document.createElement('input'), { type: 'radio', name, value, required: true }), word)
      }
    } else {
      const input = Object.assign(document.createElement('input'), { className: 'form-control', name, required: true, maxLength: 300 })
      input.setAttribute('aria-label', question.text)
      if (question.kind === 'number') input.inputMode = 'decimal'
      box.append(input)
    }
    return box
  }

  form.addEventListener('input', () => { sheet.querySelector<HTMLElement>('[data-part=wrong]')!.hidden = true })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (!open) return
    const { point, proof } = open
    const wrong = sheet.querySelector<HTMLElement>('[data-part=wrong]')!
    const files = form.querySelector<HTMLInputElement>('[name=photos]')!.files!
    const missing = !form.checkValidity() ? '请回答每一个问题。' : point.photo && !files.length ? '这个点要拍一张照片。' : ''
    wrong.textContent = missing
    wrong.hidden = !missing
    if (missing) return
    const parts: Part[] = [...at(), ...proof]
    for (const [name, value] of new FormData(form)) {
      if (typeof value === 'string') parts.push([name, value])
      else if (value.size) parts.push([name, await smaller(value), value.name])
    }
    sheet.close()
    open = null
    kept.seen[point.id] = serverNow().toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false })
    save()
    const fix = await where
    if (fix) parts.push(['latitude', String(fix.coords.latitude)], ['longitude', String(fix.coords.longitude)], ['accuracy', String(fix.coords.accuracy)])
    navigator.vibrate?.(80)
    await send(walk.dataset.scanUrl!, `到点 ${point.place}`, parts, () => { delete kept.seen[point.id] })
  })

  document.querySelector<HTMLInputElement>('#patrol-code')!.addEventListener('change', (event) => { void found((event.target as HTMLInputElement).value, 'code', 'qr') })
  part<HTMLFormElement>('typed').addEventListener('submit', (event) => {
    event.preventDefault()
    const typed = walk.querySelector<HTMLInputElement>('#patrol-typed')!
    void found(typed.value, 'code', 'number')
    typed.value = ''
  })

  const Tag = (window as unknown as { NDEFReader?: new () => TagReader }).NDEFReader
  if (Tag && points.some((p) => p.nfc)) {
    part('nfc').hidden = false
    part('nfc').addEventListener('click', async () => {
      try {
        const reader = new Tag()
        await reader.scan()
        reader.addEventListener('reading', (event) => void found(event.serialNumber, 'nfc', 'nfc'))
        toast('请把手机贴近标签。', 'info')
      } catch { toast('这台手机打不开 NFC，请改用扫码。', 'warn') }
    })
  }

  part('finish').addEventListener('click', async () => {
    const left = points.filter((p) => !seen(p))
    if (left.length && !await sure(`还有 ${left.length} 个点没有到：${left.map((p) => p.place).join('、')}。结束后记为漏点，须说明原因或安排补巡。`, { ok: '结束巡更', tone: 'bad' })) return
    const note = walk.querySelector<HTMLTextAreaElement>('#patrol-note')!.value
    kept.finished = serverNow().toISOString()
    save()
    const ok = await send(walk.dataset.finishUrl!, `结束巡更 ${walk.dataset.name}`, [...at(), ['note', note]], () => { delete kept.finished })
    if (ok && navigator.onLine) location.reload()
  })

  paint()
}

const walk = document.querySelector<HTMLElement>('#patrol')
if (walk) begin(walk)
