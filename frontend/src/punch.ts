// @entry 打卡 (/m/punch/ and 见证): fills in what the phone knows at the moment of the tap; the outbox keeps and sends it.
import './punch.css'
import { keepAnchor, serverNow, stamp } from './clock'
import { flush } from './outbox'

const field = (form: HTMLFormElement, name: string): HTMLInputElement | null => form.querySelector<HTMLInputElement>(`input[name="${name}"][type="hidden"]`)
const set = (form: HTMLFormElement, name: string, value: string): void => { const input = field(form, name); if (input) input.value = value }

function fillTime(form: HTMLFormElement): void {
  for (const [name, value] of Object.entries(stamp() ?? {})) set(form, name, value)
}

/** One id for this installation, so that a second phone of a person is seen. */
function phoneId(): string {
  const known = localStorage.getItem('punch-phone') ?? crypto.randomUUID()
  localStorage.setItem('punch-phone', known)
  return known
}

function say(form: ParentNode, proof: string, words: string, ok: boolean | null): void {
  const row = form.querySelector<HTMLElement>(`[data-proof="${proof}"]`)
  if (!row) return
  if (ok === null) delete row.dataset.ok
  else row.dataset.ok = ok ? '1' : '0'
  row.querySelector('[data-part="said"]')!.textContent = words
}

let fix: GeolocationPosition | null = null
let came = { age: 0, wall: 0, mono: 0 } // how old the position was when it came, and when that was
let watching = 0
/**
 * Phones stamp a position with the satellites' time or with their own clock, and their own may be a day wrong: the age is told by
 * whichever of the phone's and the server's clock the stamp fits better. Since then both clocks of the page count.
 */
function noteFix(found: GeolocationPosition): void {
  const ages = [Date.now(), serverNow().getTime()].map((now) => now - found.timestamp)
  const age = Math.max(0, ages.reduce((one, other) => Math.abs(one) <= Math.abs(other) ? one : other))
  fix = found
  came = { age, wall: Date.now(), mono: performance.now() }
}
const fixAge = (): number => came.age + Math.max(0, Date.now() - came.wall, performance.now() - came.mono)

function locate(form: HTMLFormElement): void {
  if (!('geolocation' in navigator)) return say(form, 'position', '这台手机没有定位，可以扫码并拍照', false)
  navigator.geolocation.clearWatch(watching)
  say(form, 'position', '正在取定位…', null)
  watching = navigator.geolocation.watchPosition((found) => {
    noteFix(found)
    const metres = Math.round(found.coords.accuracy)
    say(form, 'position', metres <= 150 ? `已取得，误差约 ${metres} 米` : `误差约 ${metres} 米，太粗；到窗边或室外再试，或扫码`, metres <= 150)
  }, (wrong) => {
    if (fix) return
    say(form, 'position', wrong.code === wrong.PERMISSION_DENIED ? '没有允许定位；可以扫码并拍照，或在手机设置里打开' : '取不到定位；可以扫码并拍照', false)
  }, { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 })
}

function fillPosition(form: HTMLFormElement): void {
  if (!fix) return
  set(form, 'latitude', String(fix.coords.latitude))
  set(form, 'longitude', String(fix.coords.longitude))
  set(form, 'accuracy_m', String(fix.coords.accuracy))
  set(form, 'fix_age_s', String(fixAge() / 1000))
}

// --- Voice ---

const voiceOn = (): boolean => localStorage.getItem('punch-voice') !== 'off'
function speak(words: string): void {
  const said = document.querySelector('#punch-said')
  if (said) said.textContent = words
  if (!voiceOn() || !('speechSynthesis' in window) || !words) return
  speechSynthesis.cancel()
  speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(words), { lang: 'zh-CN' }))
}
function watchVoice(): void {
  const button = document.querySelector<HTMLButtonElement>('[data-voice]')
  if (!button) return
  const paint = (): void => {
    button.setAttribute('aria-pressed', String(voiceOn()))
    button.querySelector('[data-part="text"]')!.textContent = voiceOn() ? '语音播报：开' : '语音播报：关'
  }
  button.addEventListener('click', () => { localStorage.setItem('punch-voice', voiceOn() ? 'off' : 'on'); paint() })
  paint()
}

// --- Recent ---

let left = 0
async function refresh(aloud: boolean): Promise<void> {
  const box = document.querySelector<HTMLElement>('#recent')
  if (!box) return
  const answer = await fetch(box.dataset.url!, { credentials: 'same-origin', headers: { 'HX-Request': 'true' } }).catch(() => null)
  if (!answer?.ok || answer.redirected) return
  box.innerHTML = await answer.text() // our own fragment, escaped by the server
  const inner = box.querySelector<HTMLElement>('[data-spoken]')
  if (aloud && inner?.dataset.spoken) speak(inner.dataset.spoken)
  if (inner?.dataset.pending && left-- > 0) setTimeout(() => void refresh(true), 3000)
}

function start(form: HTMLFormElement): void {
  locate(form)
  keepAnchor()
  set(form, 'phone_id', phoneId())
  const code = form.querySelector<HTMLInputElement>('input[name="code"]')
  code?.addEventListener('change', () => {
    const text = code.value.trim()
    say(form, 'code', text ? `已扫：${text.split('/').filter(Boolean).pop()}` : '还没有扫', text ? true : null)
  })
  for (const [name, words] of [['photo', '已拍'], ['face', '已拍，提交后核对']] as const) {
    const input = form.querySelector<HTMLInputElement>(`input[name="${name}"]`)
    input?.addEventListener('change', () => say(form, name, input.files?.length ? words : '还没有拍', input.files?.length ? true : null))
  }
  form.querySelector('[data-locate]')?.addEventListener('click', () => { fix = null; locate(form) })
  // Before the outbox packs the form: this listener stands on the form, the outbox's on the document.
  form.addEventListener('submit', () => { fillTime(form); fillPosition(form) })
  form.addEventListener('reset', () => setTimeout(() => {
    set(form, 'phone_id', phoneId())
    for (const name of ['code', 'photo', 'face']) say(form, name, name === 'code' ? '还没有扫' : '还没有拍', null)
  }))
  form.addEventListener('outbox:kept', (event) => {
    const { sent } = (event as CustomEvent<{ sent: boolean }>).detail
    left = 10
    if (sent) void refresh(true)
    else speak('已存到本机，联网后自动上传')
  })
  addEventListener('online', () => { void flush().then(() => refresh(false)) })
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void refresh(false) })
  // A refusal is shown in the form by the outbox; it is read aloud too, and the list below knows it.
  const wrong = form.querySelector<HTMLElement>('[data-outbox-error]')
  if (wrong) new MutationObserver(() => {
    if (wrong.hidden || !wrong.textContent) return
    speak(`打卡未通过。${wrong.textContent}`)
    const said = document.querySelector('#punch-said')
    if (said) said.textContent = ''
    void refresh(false)
  }).observe(wrong, { attributes: true, attributeFilter: ['hidden'] })
}

function tick(): void {
  document.querySelectorAll<HTMLElement>('[data-now]').forEach((el) => { el.textContent = serverNow().toLocaleTimeString('zh-CN', { hour12: false, timeZone: el.dataset.zone || undefined }) })
}

const form = document.querySelector<HTMLFormElement>('form#punch')
if (form) start(form)
watchVoice()
tick()
setInterval(tick, 1000)
